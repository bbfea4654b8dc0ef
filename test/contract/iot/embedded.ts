import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import * as x509 from '@peculiar/x509';
import mqtt from 'mqtt';
import { type EmbeddedIot, type IotOptions, startIot } from '../../../local/iot/iot.ts';
import type { PolicyDocument } from '../../../local/model.ts';
import { openState, type State } from '../../../local/state.ts';
import { until as untilDeadline } from '../../helpers/until.ts';

/** Waits for what happens on the same machine: looks often, and fails with what was seen before the test times out. */
export const until: typeof untilDeadline = (what, look, options) =>
  untilDeadline(what, look, { everyMs: 5, ...options });

export const region = 'eu-west-1';
export const accountId = '123456789012';
export const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=stack' };

const arn = (resource: string) => `arn:aws:iot:${region}:${accountId}:${resource}`;

/** A policy like the one that `infra/` declares for Scanners. */
export const scannerPolicy = (at: (resource: string) => string = arn): PolicyDocument => {
  const own = `\${iot:Connection.Thing.ThingName}`;
  const shadows = ['smtp', 'smtp-advanced', 'inventory'].map(
    (name) => `$aws/things/${own}/shadow/name/${name}`,
  );
  const topics = (kind: string) => [
    ...shadows.flatMap((shadow) =>
      ['get', 'update'].flatMap((op) => [at(`${kind}/${shadow}/${op}`), at(`${kind}/${shadow}/${op}/*`)]),
    ),
    at(`${kind}/scanners/${own}/artifacts/*`),
  ];
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'iot:Connect', Resource: at(`client/${own}`) },
      { Effect: 'Allow', Action: ['iot:Publish', 'iot:Receive'], Resource: topics('topic') },
      { Effect: 'Allow', Action: 'iot:Subscribe', Resource: topics('topicfilter') },
    ],
  };
};

export const openPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }],
};

/** What a device holds after enrolling. */
export interface Device {
  thing: string;
  key: string;
  cert: string;
  certificateId: string;
  certificateArn: string;
}

export interface Embedded extends EmbeddedIot {
  state: State;
  dir: string;
  iot: IoTClient;
  data: IoTDataPlaneClient;
  /** What topic rules invoked, in order. */
  invocations: { arn: string; event: Record<string, unknown> }[];
  /** Stops it and starts it again on the same state and ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const clientOptions = (endpoint: string) => ({ endpoint, region, credentials, maxAttempts: 1 });

/** Starts the embedded IoT on an empty state; `stop` removes it. */
export const startEmbedded = async (options: Partial<IotOptions> = {}): Promise<Embedded> => {
  const dir = mkdtempSync(join(tmpdir(), 'iot-'));
  const invocations: Embedded['invocations'] = [];
  const start = (state: State, ports: IotOptions['ports']) =>
    startIot({
      region,
      accountId,
      credentials,
      policies: [
        { name: 'scanner', document: scannerPolicy() },
        { name: 'open', document: openPolicy },
      ],
      thingTypes: ['scanner'],
      topicRules: [],
      invokeAsync: (arn, event) => invocations.push({ arn, event: event as Record<string, unknown> }),
      limits: { inFlight: 1000, perSecond: 10_000 },
      ...options,
      state,
      ports,
    });
  const state = openState(dir);
  const running = await start(state, options.ports ?? { http: 0, mqtt: 0 }).catch((error: unknown) => {
    state.close();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const embedded: Embedded = {
    ...running,
    state,
    dir,
    invocations,
    iot: new IoTClient(clientOptions(running.controlUrl)),
    data: new IoTDataPlaneClient(clientOptions(running.dataUrl)),
    restart: async () => {
      await embedded.close();
      embedded.state.close();
      embedded.state = openState(dir);
      const ports = { http: Number(new URL(running.dataUrl).port), mqtt: running.mqtt.port };
      Object.assign(embedded, await start(embedded.state, ports));
    },
    stop: async () => {
      embedded.iot.destroy();
      embedded.data.destroy();
      await embedded.close();
      embedded.state.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return embedded;
};

const ecKeys = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate signing request and its key, both PEM. */
export const makeCsr = async (
  algorithm: Record<string, unknown> = ecKeys,
): Promise<{ csr: string; key: string }> => {
  const keys = (await webcrypto.subtle.generateKey(algorithm as never, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device',
    keys,
    signingAlgorithm: algorithm as never,
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { csr: request.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
};

/** Registers a certificate, with a policy; attached to a thing of this name unless told otherwise. */
export const enrol = async (
  iot: IoTClient,
  thing: string,
  { policy = 'scanner', attach = true, active = true } = {},
): Promise<Device> => {
  const { csr, key } = await makeCsr();
  await iot.send(new CreateThingCommand({ thingName: thing }));
  const made = await iot.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: active }),
  );
  const { certificateArn: principal = '', certificateId = '', certificatePem: cert = '' } = made;
  await iot.send(new AttachPolicyCommand({ policyName: policy, target: principal }));
  if (attach) await iot.send(new AttachThingPrincipalCommand({ thingName: thing, principal }));
  return { thing, key, cert, certificateId, certificateArn: principal };
};

export type ConnectOptions = Partial<mqtt.IClientOptions>;

/** Connects a device once; the client id is its thing unless told otherwise. Rejects when it is refused. */
export const connect = async (
  at: { mqtt: { host: string; port: number }; caPath: string },
  device: Pick<Device, 'thing' | 'key' | 'cert'>,
  options: ConnectOptions = {},
  onMessage: mqtt.OnMessageCallback = () => {},
): Promise<mqtt.MqttClient> => {
  const client = mqtt.connect({
    protocol: 'mqtts',
    ...at.mqtt,
    ca: readFileSync(at.caPath),
    key: device.key,
    cert: device.cert,
    clientId: device.thing,
    reconnectPeriod: 0,
    connectTimeout: 60_000,
    ...options,
  } as mqtt.IClientOptions);
  client.on('message', onMessage); // from the start: a persistent session's messages come with the CONNACK
  // connectAsync waits forever when the server closes without a word, as it does on a certificate it does not trust.
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('close', () => reject(new Error('the connection was closed')));
    client.on('error', reject); // stays: mqtt.js rejects waiters for 'close' on an error that nobody hears
  });
  (client.stream as TLSSocket).setNoDelay(true);
  return client;
};
