import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { importEnded, inboundSettings, inSync, register, registered, save } from './support.ts';

const run = promisify(execFile);

const awsIsInstalled = (): boolean => {
  try {
    execFileSync('aws', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: the AWS CLI is not installed here');
    return false;
  }
};

let stack: StackProcess;
let scanner: ScannerProcess;

beforeAll(async () => {
  stack = await startStackProcess();
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
  await inSync(stack, 'mx1', await save(stack, 'mx1', inboundSettings(2501)));
  await register(stack, 'mx2');
});

afterAll(async () => {
  await scanner?.stop();
  await stack?.stop();
});

describe.runIf(awsIsInstalled())('the AWS CLI', () => {
  const aws = async (...args: string[]): Promise<string> => {
    const { endpoints } = stack;
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL_S3: endpoints.s3,
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_IOT_DATA_PLANE: endpoints.iotData,
      AWS_DEFAULT_REGION: endpoints.region,
      AWS_ACCESS_KEY_ID: endpoints.accessKeyId,
      AWS_SECRET_ACCESS_KEY: endpoints.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
    return (await run('aws', args, { env, timeout: 60_000 })).stdout;
  };

  it('reads the dead letters', async () => {
    const { sqs, deadLetterQueue } = stack.endpoints;
    // Version 1 of the CLI takes no endpoint of SQS from the environment.
    const queues = (...args: string[]) => aws('sqs', ...args, '--endpoint-url', sqs, '--output', 'text');
    expect((await queues('list-queues')).split(/\s+/)).toContain(deadLetterQueue);
    await queues('send-message', '--queue-url', deadLetterQueue, '--message-body', 'looked at');
    const received = await queues(
      'receive-message',
      '--queue-url',
      deadLetterQueue,
      '--query',
      'Messages[].Body',
    );
    expect(received).toBe('looked at\n');
    await queues('purge-queue', '--queue-url', deadLetterQueue);
  });

  it('copies a list into the drop zone', async () => {
    await aws(
      's3',
      'cp',
      'samples/partner-networks.txt',
      `s3://${stack.endpoints.bucket}/imports/mx1/inbound/partners.txt`,
      '--metadata',
      'on-invalid=skip,activate=true',
    );

    const job = await importEnded(stack, 'mx1');

    expect(job).toMatchObject({ state: 'completed', mode: 'merge', onInvalid: 'skip', activate: true });
    await inSync(stack, 'mx1', job.revision);
  });

  it('reads the shadow', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shadow-'));
    const file = join(folder, 'shadow.json');

    await aws('iot-data', 'get-thing-shadow', '--thing-name', 'mx1', '--shadow-name', 'smtp', file);

    const shadow = JSON.parse(readFileSync(file, 'utf8')) as { state: Record<string, { revision: number }> };
    rmSync(folder, { recursive: true });
    expect(shadow.state['desired']?.revision).toBe(shadow.state['reported']?.revision);
    expect(shadow.state['delta']).toBeUndefined();
  });

  it('scans the table', async () => {
    const answer = await aws('dynamodb', 'scan', '--table-name', stack.endpoints.table, '--select', 'COUNT');

    expect((JSON.parse(answer) as { Count: number }).Count).toBeGreaterThan(0);
  });
});

describe('a plain MQTT client with the certificate of a Scanner', () => {
  const connect = (clientId: string) =>
    mqtt.connectAsync({
      protocol: 'mqtts',
      host: stack.endpoints.mqtt.host,
      port: stack.endpoints.mqtt.port,
      clientId,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ca: readFileSync(stack.endpoints.ca),
      key: readFileSync(join(scanner.dir, 'private-key.pem')),
      cert: readFileSync(join(scanner.dir, 'certificate.pem')),
    });

  it('sees its own shadow, is refused another’s, and takes over from the Scanner', async () => {
    await scanner.stop();
    const client = await connect('mx1');
    const own = '$aws/things/mx1/shadow/name/smtp';
    const other = '$aws/things/mx2/shadow/name/smtp';
    const heard: { topic: string; payload: string }[] = [];
    client.on('message', (topic, payload) => heard.push({ topic, payload: payload.toString() }));

    const granted = await client.subscribeAsync([`${own}/get/accepted`, `${own}/update/delta`]);
    const refused = await client.subscribeAsync(`${other}/get/accepted`).catch(() => null);
    await client.publishAsync(`${own}/get`, '', { qos: 1 });
    await until('the shadow is answered', () => heard.length > 0);

    expect(granted.every((grant) => grant.qos !== 128)).toBe(true);
    expect(refused === null || refused.every((grant) => grant.qos === 128)).toBe(true);
    expect(heard[0]?.topic).toBe(`${own}/get/accepted`);
    const closed = new Promise<void>((resolve) => {
      client.once('close', () => resolve());
    });
    client.on('error', () => undefined);
    client.publish(`${other}/update`, '{"state":{"desired":{"revision":99}}}', { qos: 1 });
    await closed;
    client.end(true);
    const shadow = await fetch(`${stack.endpoints.api}/scanners/mx2/sync`, {
      headers: { authorization: `Bearer ${stack.endpoints.token}` },
    });
    expect(((await shadow.json()) as { publishedRevision: unknown }).publishedRevision).toBeNull();
  });

  it('is refused under another client id', async () => {
    await expect(connect('mx2')).rejects.toThrow();
  });
});
