import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeptLetter } from '../../../functions/stores/dead-letters.ts';
import { startLambda } from '../../../local/lambda.ts';
import { startLambdaApi } from '../../../local/lambda-api.ts';
import type { BucketModel, FunctionModel, QueueModel } from '../../../local/model.ts';
import { openQueues, type Queues } from '../../../local/queues.ts';
import { startS3 } from '../../../local/s3/server.ts';
import { startSqs } from '../../../local/sqs/server.ts';
import { openState } from '../../../local/state.ts';

const region = 'eu-west-1';
const place = `${region}:000000000000`;
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=letters' };
const bucket: BucketModel = { name: 'dead', arn: 'arn:aws:s3:::dead', versioned: false, eventBridge: false };
const queue = (name: string, more: Partial<QueueModel> = {}): QueueModel => ({
  arn: `arn:aws:sqs:${place}:${name}`,
  name,
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 3600,
  ...more,
});
const dead = queue('DeadLetters');
const imports = queue('Imports', { redrive: { deadLetterArn: dead.arn, maxReceiveCount: 1 } });

let dir: string;
let queues: Queues;
let store: typeof import('../../../functions/stores/dead-letters.ts');
let objects: typeof import('../../../functions/stores/objects.ts');
const ended: (() => unknown)[] = [];
const onError = (error: unknown) => expect.fail(String(error));

const probe = (): FunctionModel => ({
  id: 'Probe',
  arn: `arn:aws:lambda:${place}:function:Probe`,
  entry: 'test/stack/functions/probe.ts',
  timeoutSeconds: 60,
  environment: { PROBE: join(dir, 'probe') },
  aliases: [],
  asyncRetries: 2,
});

const startAll = async () => {
  const state = openState(dir);
  ended.push(() => state.close());
  const common = { region, onError, now: Date.now };
  queues = openQueues(state, [dead, imports], common);
  ended.push(() => queues.stop());
  const sqs = await startSqs({ queues, port: 0, credentials, ...common });
  const s3 = await startS3({ state, port: 0, region, credentials, buckets: [bucket], emit: () => undefined });
  const functions = [probe()];
  const lambda = startLambda({ functions, root: process.cwd(), logDir: dir, variables: {} });
  ended.push(() => lambda.close());
  const invokeAsync = () => expect.fail('nothing is invoked without waiting for it');
  const api = await startLambdaApi({ functions, lambda, invokeAsync, port: 0, region, credentials, onError });
  for (const one of [sqs, s3, api]) ended.push(() => one.close());
  return { sqs, s3, api };
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'letters-'));
  ended.push(() => rmSync(dir, { recursive: true, force: true }));
  const { sqs, s3, api } = await startAll();
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_LAMBDA: api.url,
    DEAD_LETTER_QUEUE_URL: sqs.urlOf(dead),
    DEAD_RECORD_BUCKET: bucket.name,
  });
  store = await import('../../../functions/stores/dead-letters.ts');
  objects = await import('../../../functions/stores/objects.ts');
});
afterAll(async () => {
  for (const end of ended.reverse()) await end();
});

const instruct = (fail: Record<string, number>) =>
  writeFileSync(join(dir, 'probe.json'), JSON.stringify({ fail }));
beforeEach(() => instruct({}));
afterEach(async () => {
  for await (const kept of store.deadRecords()) await store.discardLetter(kept);
  for (const one of [dead, imports]) queues.messages.purge(one);
});

const all = async (letters: AsyncGenerator<KeptLetter>): Promise<KeptLetter[]> => {
  const found = [];
  for await (const kept of letters) found.push(kept);
  return found;
};
const only = async (letters: AsyncGenerator<KeptLetter>): Promise<KeptLetter> => {
  const [kept, ...more] = await all(letters);
  if (!kept || more.length > 0)
    return expect.fail(`one letter expected, and ${kept ? more.length + 1 : 0} found`);
  return kept;
};

const gaveUp = (requestPayload: unknown, functionArn = probe().arn) =>
  queues.send(dead.arn, { requestContext: { functionArn, condition: 'RetriesExhausted' }, requestPayload });
const record = (name: string) => ({
  dynamodb: { SequenceNumber: name, Keys: { pk: { S: 'p' }, sk: { S: name } } },
});
const keepBatch = (...names: string[]) =>
  objects.s3.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key: 'aws/lambda/m/s/2026/11/25/2026-11-25T00.00.00-0a1b2c3d-0000-4000-8000-000000000000',
      Body: JSON.stringify({
        requestContext: { functionArn: probe().arn, condition: 'RetryAttemptsExhausted' },
        payload: { Records: names.map(record) },
      }),
    }),
  );

describe('an event that was given up', () => {
  it('is handed to its function, which is waited for', async () => {
    gaveUp({ name: 'again' });
    const kept = await only(store.deadMessages());
    expect(await store.replayLetter(kept)).toBeNull();
  });

  it('stays where it is, whatever its replay answers, until it is discarded', async () => {
    gaveUp({ name: 'again' });
    const kept = await only(store.deadMessages());
    await store.replayLetter(kept);
    await store.giveBack(kept);
    const once = await only(store.deadMessages());
    await store.discardLetter(once);
    await store.giveBack(once);
    expect(await all(store.deadMessages())).toEqual([]);
  });

  it('whose function throws again says why', async () => {
    instruct({ bad: 9 });
    gaveUp({ name: 'bad' });
    expect(await store.replayLetter(await only(store.deadMessages()))).toBe('TypeError: asked to fail: bad');
  });

  it('of a function that is no more is an error, which says so', async () => {
    gaveUp({}, `arn:aws:lambda:${place}:function:Gone`);
    const kept = await only(store.deadMessages());
    await expect(store.replayLetter(kept)).rejects.toThrow(/Function not found/);
  });

  it('is handed to no function of another account', async () => {
    gaveUp({ name: 'theirs' }, 'arn:aws:lambda:eu-west-1:999999999999:function:Probe');
    expect(await store.replayLetter(await only(store.deadMessages()))).toMatch(
      /^cannot be replayed: .*account/,
    );
  });
});

describe('a message that its queue gave up', () => {
  it('is sent to that queue again, as it was', async () => {
    queues.send(imports.arn, 'the message');
    queues.messages.receive(imports, 1, 0);
    expect(queues.messages.receive(imports, 1)).toEqual([]);
    const kept = await only(store.deadMessages());
    expect(kept.letter).toMatchObject({ to: 'Imports', why: 'received too often' });
    expect(await store.replayLetter(kept)).toBeNull();
    expect(queues.messages.receive(imports, 10).map(({ body }) => body)).toEqual(['the message']);
  });

  it('for EventBridge is sent to the target that its attributes name', async () => {
    const attributes = { TARGET_ARN: { type: 'String', value: imports.arn } };
    queues.send(dead.arn, { detail: {} }, { attributes });
    expect(await store.replayLetter(await only(store.deadMessages()))).toBeNull();
    expect(queues.messages.receive(imports, 10).map(({ body }) => body)).toEqual(['{"detail":{}}']);
  });
});

describe('a batch of the stream', () => {
  it('is done when its function could do all of it', async () => {
    await keepBatch('one', 'two');
    const kept = await only(store.deadRecords());
    expect(kept).toMatchObject({ id: '0a1b2c3d', letter: { to: 'Probe', about: 'p one, p two' } });
    expect(await store.replayLetter(kept)).toBeNull();
  });

  it('of which its function names a record is not done', async () => {
    instruct({ three: 9 });
    await keepBatch('three', 'four');
    expect(await store.replayLetter(await only(store.deadRecords()))).toBe('records that failed: 1');
  });

  it('that was discarded is gone', async () => {
    await keepBatch('five');
    await store.discardLetter(await only(store.deadRecords()));
    expect(await all(store.deadRecords())).toEqual([]);
  });
});

describe('reading the queue', () => {
  it('finds each message once, however many there are, and hides them from others until they are given back', async () => {
    for (let index = 0; index < 25; index++) gaveUp({ index });
    expect(await store.countDeadMessages()).toEqual({ messages: 25, hidden: 0 });
    const found = await all(store.deadMessages());
    expect(found.map(({ letter }) => letter.about).sort()).toEqual(
      Array.from({ length: 25 }, (_, index) => `index ${index}`).sort(),
    );
    expect(await all(store.deadMessages())).toEqual([]);
    expect(await store.countDeadMessages()).toEqual({ messages: 0, hidden: 25 });
    for (const kept of found) await store.giveBack(kept);
    expect(await store.countDeadMessages()).toEqual({ messages: 25, hidden: 0 });
  });
});
