import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, iot, iotshadow, mqtt } from 'aws-iot-device-sdk-v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { inboundSettings, inSync, registered, save } from './support.ts';

let stack: StackProcess;
let connection: mqtt.MqttClientConnection;
let shadows: iotshadow.IotShadowClientv2;
let deltas: iotshadow.model.ShadowDeltaUpdatedEvent[];

const own = { thingName: 'mx1', shadowName: 'smtp' };

/** The settings of a Scanner's certificate, as its reference Scanner enrolled it. */
const connected = async (dir: string): Promise<mqtt.MqttClientConnection> => {
  const config = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(
    join(dir, 'certificate.pem'),
    join(dir, 'private-key.pem'),
  )
    .with_certificate_authority(readFileSync(stack.endpoints.ca, 'utf8'))
    .with_endpoint(stack.endpoints.mqtt.host)
    .with_port(stack.endpoints.mqtt.port)
    .with_client_id('mx1')
    .with_clean_session(true)
    .build();
  const opened = new mqtt.MqttClient(new io.ClientBootstrap()).new_connection(config);
  await opened.connect();
  return opened;
};

beforeAll(async () => {
  stack = await startStackProcess();
  const scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
  await inSync(stack, 'mx1', await save(stack, 'mx1', inboundSettings(2501)));
  await scanner.stop();
  connection = await connected(scanner.dir);
  shadows = iotshadow.IotShadowClientv2.newFromMqtt311(connection, {
    maxRequestResponseSubscriptions: 8,
    maxStreamingSubscriptions: 4,
    operationTimeoutInSeconds: 60,
  });
  deltas = [];
});

afterAll(async () => {
  shadows?.close();
  await connection?.disconnect();
  await stack?.stop();
});

describe('the public device SDK as a Scanner’s client', () => {
  it('gets the shadow that another client left', async () => {
    const { state, version } = await shadows.getNamedShadow(own);
    expect(state?.desired).toMatchObject({ mailFiltering: 'inbound', inbound: { ipv4: { port: 2501 } } });
    expect(state?.reported).toMatchObject({ status: { code: 'applied' } });
    expect(version).toBeGreaterThan(0);
  });

  it('hears the delta of a save, reports it applied, and is in sync by it', async () => {
    const stream = shadows.createNamedShadowDeltaUpdatedStream(own);
    stream.on('incomingPublish', ({ message }) => deltas.push(message));
    const established = new Promise<void>((resolve) => {
      stream.on('subscriptionStatus', () => resolve());
    });
    stream.open();
    await established;

    const revision = await save(stack, 'mx1', inboundSettings(2502));
    const delta = await until('the delta is heard', () =>
      deltas.find(({ state }) => (state as { revision?: number })?.revision === revision),
    );
    expect(delta.state).toMatchObject({ inbound: { ipv4: { port: 2502 } } });

    const { state, version = 0 } = await shadows.getNamedShadow(own);
    const status = { revision, code: 'applied', at: new Date().toISOString() };
    const reported = { ...state?.desired, status };
    const answer = await shadows.updateNamedShadow({ ...own, state: { reported }, version });
    expect(answer.version).toBe(version + 1);
    await inSync(stack, 'mx1', revision);
    stream.close();
  });

  it('is told why an update is refused: the version has moved', async () => {
    const { version = 0 } = await shadows.getNamedShadow(own);
    const late = shadows.updateNamedShadow({ ...own, state: { reported: { a: 1 } }, version: version - 1 });
    await expect(late).rejects.toMatchObject({ modeledError: { code: 409 } });
  });
});
