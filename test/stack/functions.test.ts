import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAsyncInvocations } from '../../local/async-invocations.ts';
import { type Lambda, startLambda } from '../../local/lambda.ts';
import type { EventSourceModel, FunctionModel, QueueModel } from '../../local/model.ts';
import { openQueues, type Queues } from '../../local/queues.ts';
import { openState, type State } from '../../local/state.ts';
import { deliverRecords } from '../../local/stream-delivery.ts';
import type { LambdaRecord } from '../../local/stream-records.ts';
import { until } from '../helpers/until.ts';

let dir: string;
let state: State;
let lambda: Lambda;
let ended: (() => Promise<void>)[];

const arn = 'arn:aws:lambda:eu-west-1:000000000000:function:probe';
const dead: QueueModel = {
  arn: 'arn:aws:sqs:x:y:dead',
  name: 'dead',
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 1000,
};
const main: QueueModel = {
  arn: 'arn:aws:sqs:x:y:main',
  name: 'main',
  // What is handled is not seen again meanwhile, however long it takes: a test moves its clock.
  visibilityTimeoutSeconds: 300,
  retentionSeconds: 1000,
  redrive: { deadLetterArn: dead.arn, maxReceiveCount: 3 },
};

const probe = (more: Partial<FunctionModel> = {}): FunctionModel => ({
  id: 'probe',
  arn,
  entry: 'test/stack/functions/probe.ts',
  timeoutSeconds: 60,
  environment: { PROBE: join(dir, 'probe') },
  aliases: [],
  asyncRetries: 2,
  onFailureQueueArn: dead.arn,
  ...more,
});

const start = (...functions: FunctionModel[]): Lambda => {
  const started = startLambda({
    functions,
    root: process.cwd(),
    logDir: join(dir, 'logs'),
    variables: { AWS_REGION: 'eu-west-1' },
  });
  ended.push(() => started.close());
  return started;
};

const instruct = (fail: Record<string, number>) =>
  writeFileSync(join(dir, 'probe.json'), JSON.stringify({ fail }));
const seen = (): string[] =>
  existsSync(join(dir, 'probe.log'))
    ? readFileSync(join(dir, 'probe.log'), 'utf8').split('\n').filter(Boolean)
    : [];
const times = (name: string) => seen().filter((line) => line === name).length;
const messages = (queue: QueueModel) =>
  (
    state.db.prepare('SELECT body FROM queue_messages WHERE queue = ?').all(queue.arn) as { body: string }[]
  ).map((row) => row.body);
const noErrors = { onError: () => undefined, now: Date.now };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'functions-'));
  ended = [];
  instruct({});
  state = openState(dir);
});

afterEach(async () => {
  for (const end of ended.reverse()) await end();
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('an execution environment', () => {
  it('writes into the log of its function beside as many others as there may be', async () => {
    const warnings: string[] = [];
    const warn = ({ message }: Error) => warnings.push(message);
    process.on('warning', warn);
    ended.push(async () => {
      process.off('warning', warn);
    });
    lambda = start(probe());

    const prints = Array.from({ length: 6 }, (_, index) => `printed by ${index}`);
    await Promise.all(prints.map((print) => lambda.invoke(arn, { print, sleepMs: 50 })));

    const log = () =>
      readFileSync(join(dir, 'logs', 'probe.log'), 'utf8')
        .split('\n')
        .sort();
    await until('all have printed', () => prints.every((print) => log().includes(print)));
    expect(warnings).toEqual([]);
  });

  it('has the declared variables and those of the service, and none of this process', async () => {
    lambda = start(probe({ environment: { TABLE_NAME: 'table' } }));
    const variable = (environment: string) => lambda.invoke(arn, { environment });

    expect(await variable('TABLE_NAME')).toEqual({ value: 'table' });
    expect(await variable('AWS_REGION')).toEqual({ value: 'eu-west-1' });
    expect(await variable('AWS_LAMBDA_FUNCTION_NAME')).toEqual({ value: 'probe' });
    expect(await variable('HOME')).toEqual({});
  });

  it('of one function is not that of another', async () => {
    const other = { ...probe(), id: 'other', arn: `${arn}-other`, environment: { TABLE_NAME: 'other' } };
    lambda = start(probe({ environment: { TABLE_NAME: 'one' } }), other);

    const values = await Promise.all([
      lambda.invoke(arn, { environment: 'TABLE_NAME' }),
      lambda.invoke(other.arn, { environment: 'TABLE_NAME' }),
    ]);

    expect(values).toEqual([{ value: 'one' }, { value: 'other' }]);
  });

  it('handles one event at a time, and several environments handle several', async () => {
    lambda = start(probe({ reservedConcurrency: 2 }));

    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => lambda.invoke(arn, { name: String(index), sleepMs: 20 })),
    );

    expect(answers).toEqual(Array.from({ length: 6 }, (_, index) => ({ value: String(index) })));
  });

  it('ends when its time is up, and the next event gets a fresh one', async () => {
    lambda = start(probe({ timeoutSeconds: 2, reservedConcurrency: 1 }));

    await expect(lambda.invoke(arn, { sleepMs: 60_000 })).rejects.toThrow(/timed out after 2 seconds/);
    expect(await lambda.invoke(arn, { name: 'after' })).toEqual({ value: 'after' });
  });

  it('that crashes fails its event alone', async () => {
    lambda = start(probe({ reservedConcurrency: 1 }));

    await expect(lambda.invoke(arn, { crash: true })).rejects.toThrow(/exit code 3/);
    expect(await lambda.invoke(arn, { name: 'after' })).toEqual({ value: 'after' });
  });

  it('whose handler throws answers with its type and message', async () => {
    lambda = start(probe());
    instruct({ bad: 1 });

    await expect(lambda.invoke(arn, { name: 'bad' })).rejects.toMatchObject({
      errorType: 'TypeError',
      message: 'asked to fail: bad',
    });
  });

  it('refuses events and answers over six megabytes', async () => {
    lambda = start(probe());

    await expect(lambda.invoke(arn, { name: 'x'.repeat(6 * 1024 * 1024) })).rejects.toThrow(/6291456/);
  });
});

describe('an asynchronous invocation', () => {
  const open = () => {
    const queues = openQueues(state, [dead], { region: 'eu-west-1', ...noErrors });
    const asynchronous = openAsyncInvocations(state, [probe()], queues, noErrors);
    ended.push(() => asynchronous.stop());
    return asynchronous;
  };

  it('is tried again after an error, and done once it succeeds', async () => {
    instruct({ twice: 2 });
    lambda = start(probe());
    const asynchronous = open();
    asynchronous.invokeAsync(arn, { name: 'twice' });
    asynchronous.deliver(lambda);

    await until('it succeeds', () => times('twice') === 3);
    await until(
      'it is forgotten',
      () => (state.db.prepare('SELECT count(*) AS n FROM async_invocations').get() as { n: number }).n === 0,
    );
    expect(messages(dead)).toEqual([]);
  });

  it('that always fails ends with the dead letters, with its event', async () => {
    instruct({ never: 99 });
    lambda = start(probe());
    const asynchronous = open();
    asynchronous.invokeAsync(arn, { name: 'never' });
    asynchronous.deliver(lambda);

    await until('it is given up', () => messages(dead).length === 1);
    expect(times('never')).toBe(3);
    expect(JSON.parse(messages(dead)[0] ?? '')).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: { name: 'never' },
    });
  });

  it('that was kept before a crash is delivered after it', async () => {
    open().invokeAsync(arn, { name: 'kept' });
    state.close();
    state = openState(dir);
    lambda = start(probe());
    open().deliver(lambda);

    await until('it is delivered', () => times('kept') === 1);
  });

  it('is not there when the transaction that caused it fails', async () => {
    const asynchronous = open();
    const failing = () =>
      state.transaction(() => {
        asynchronous.invokeAsync(arn, { name: 'undone' });
        throw new Error('no');
      });

    expect(failing).toThrow('no');
    expect(state.db.prepare('SELECT count(*) AS n FROM async_invocations').get()).toEqual({ n: 0 });
  });
});

describe('a queue', () => {
  const source: EventSourceModel = {
    id: 'q',
    sourceArn: main.arn,
    functionArn: arn,
    batchSize: 2,
    filters: [],
    maxRetries: -1,
    maxRecordAgeSeconds: -1,
    bisect: false,
    partialResponses: true,
    parallelization: 1,
    maxConcurrency: 2,
  };
  const open = (now = Date.now): Queues => {
    const queues = openQueues(state, [main, dead], { region: 'eu-west-1', ...noErrors, now });
    ended.push(() => queues.stop());
    return queues;
  };

  it('delivers again only the messages that failed, and moves what keeps failing to the dead letters', async () => {
    instruct({ once: 1, poison: 99 });
    lambda = start(probe());
    let ahead = 0;
    const queues = open(() => Date.now() + ahead);
    for (const body of ['good', 'once', 'poison', 'other']) queues.send(main.arn, body);
    queues.deliver([source], lambda);

    for (const tries of [1, 2, 3]) {
      await until('all have been tried', () => times('poison') === tries && lambda.quietMs() > 0);
      ahead += main.visibilityTimeoutSeconds * 1000;
    }
    await until('the poison is put aside', () => messages(dead).length === 1);
    await until('the rest is done', () => messages(main).length === 0);
    expect(messages(dead)).toEqual(['poison']);
    expect([times('good'), times('once'), times('other'), times('poison')]).toEqual([1, 2, 1, 3]);
  });

  it('shows again at the next start what was being handled when the process ended', async () => {
    const long = { ...main, visibilityTimeoutSeconds: 3600 };
    const first = openQueues(state, [long, dead], { region: 'eu-west-1', ...noErrors });
    first.send(long.arn, 'in flight');
    const hanging = { invoke: () => new Promise(() => undefined) };
    // It takes no more than the one: otherwise it would take it again, as the second one shows it again.
    first.deliver([{ ...source, maxConcurrency: 1 }], hanging);
    await until(
      'it is taken',
      () =>
        (state.db.prepare('SELECT receives FROM queue_messages').get() as { receives: number }).receives ===
        1,
    );

    lambda = start(probe());
    const second = openQueues(state, [long, dead], { region: 'eu-west-1', ...noErrors });
    ended.push(() => second.stop());
    second.deliver([source], lambda);

    await until('it is delivered', () => times('in flight') === 1);
  });

  it('that is not there cannot be sent to', () => {
    expect(() => open().send('arn:aws:sqs:x:y:none', 'x')).toThrow(/no queue/);
  });
});

describe('records of a stream', () => {
  const source: EventSourceModel = {
    id: 's',
    sourceArn: 'stream',
    functionArn: arn,
    batchSize: 10,
    filters: [],
    maxRetries: 2,
    maxRecordAgeSeconds: 3600,
    bisect: true,
    partialResponses: true,
    parallelization: 1,
    onFailureArn: dead.arn,
  };
  const record = (sequence: number, sk: string): LambdaRecord => ({
    eventID: String(sequence),
    eventName: 'INSERT',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    eventSourceARN: 'stream',
    awsRegion: 'eu-west-1',
    dynamodb: {
      Keys: { pk: { S: 'p' }, sk: { S: sk } },
      SequenceNumber: String(sequence),
      ApproximateCreationDateTime: Date.now() / 1000,
    },
  });
  const deliver = async (records: LambdaRecord[], more: Partial<EventSourceModel> = {}) => {
    const failed: object[] = [];
    lambda = start(probe());
    await deliverRecords(records, {
      source: { ...source, ...more },
      lambda,
      toFailureDestination: async (letter, event) => {
        failed.push({ ...letter, payload: event });
      },
      stopping: () => false,
      ...noErrors,
    });
    return failed as {
      requestContext: { condition: string };
      DDBStreamBatchInfo: { startSequenceNumber: string; batchSize: number };
    }[];
  };

  it('that fail once are delivered again from the first failure on', async () => {
    instruct({ b: 1 });

    const failed = await deliver([record(1, 'a'), record(2, 'b'), record(3, 'c')]);

    expect(failed).toEqual([]);
    expect(seen()).toEqual(['a', 'b', 'c', 'b', 'c']);
  });

  it('a poison record ends alone with the dead letters, and does not hold the others back', async () => {
    instruct({ poison: 99 });

    const failed = await deliver([record(1, 'a'), record(2, 'poison'), record(3, 'c')]);

    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      requestContext: { condition: 'RetryAttemptsExhausted' },
      DDBStreamBatchInfo: { startSequenceNumber: '2', batchSize: 1 },
    });
    expect(times('c')).toBeGreaterThan(0);
  });

  it('that are too old are given up', async () => {
    instruct({ old: 99 });
    const old = record(1, 'old');
    old.dynamodb['ApproximateCreationDateTime'] = Date.now() / 1000 - 7200;

    const failed = await deliver([old], { maxRetries: -1 });

    expect(failed[0]?.requestContext.condition).toBe('MaximumRecordAgeExceeded');
  });

  it('of one item keep their order while items go side by side', async () => {
    const records = Array.from({ length: 40 }, (_, index) => record(index, `${index % 4}`));

    await deliver(records, { batchSize: 1, parallelization: 4 });

    expect(seen()).toHaveLength(40);
  });
});
