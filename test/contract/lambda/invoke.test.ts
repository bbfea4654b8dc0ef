import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type InvocationType,
  InvokeCommand,
  type InvokeCommandOutput,
  LambdaClient,
  ListFunctionsCommand,
  type LogType,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAsyncInvocations } from '../../../local/async-invocations.ts';
import { startLambda } from '../../../local/lambda.ts';
import { type LambdaApi, startLambdaApi } from '../../../local/lambda-api.ts';
import type { FunctionModel, QueueModel } from '../../../local/model.ts';
import { openQueues } from '../../../local/queues.ts';
import { openState, type State } from '../../../local/state.ts';
import { until } from '../../helpers/until.ts';

const region = 'eu-west-1';
const account = '123456789012';
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=functions' };
const arnOf = (name: string) => `arn:aws:lambda:${region}:${account}:function:${name}`;
const arn = arnOf('Probe1');
const dead: QueueModel = {
  arn: `arn:aws:sqs:${region}:${account}:dead`,
  name: 'dead',
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 1000,
};

let dir: string;
let state: State;
let api: LambdaApi;
let client: LambdaClient;
const ended: (() => void | Promise<void>)[] = [];

const instruct = (fail: Record<string, number>) =>
  writeFileSync(join(dir, 'probe.json'), JSON.stringify({ fail }));
const times = (name: string) =>
  existsSync(join(dir, 'probe.log'))
    ? readFileSync(join(dir, 'probe.log'), 'utf8')
        .split('\n')
        .filter((line) => line === name).length
    : 0;

const clientWith = (more: object = {}): LambdaClient => {
  const made = new LambdaClient({ endpoint: api.url, region, credentials, maxAttempts: 1, ...more });
  ended.push(() => made.destroy());
  return made;
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lambda-'));
  ended.push(() => rmSync(dir, { recursive: true, force: true }));
  instruct({});
  state = openState(dir);
  ended.push(() => state.close());
  const probe: FunctionModel = {
    id: 'Probe1',
    arn,
    description: 'Does as it is told',
    entry: 'test/stack/functions/probe.ts',
    timeoutSeconds: 60,
    environment: { PROBE: join(dir, 'probe') },
    aliases: ['live'],
    asyncRetries: 1,
    onFailureQueueArn: dead.arn,
  };
  const hasty = { ...probe, id: 'Hasty1', arn: arnOf('Hasty1'), timeoutSeconds: 2 };
  const slow = { ...hasty, id: 'Slow1', arn: arnOf('Slow1'), entry: join(dir, 'slow.mjs') };
  writeFileSync(
    slow.entry,
    'await new Promise((resolve) => setTimeout(resolve, 3000)); export const handler = async (_, context) => context.getRemainingTimeInMillis();',
  );
  const functions = [probe, hasty, slow];
  const common = { onError: () => undefined, now: Date.now };
  const queues = openQueues(state, [dead], { region, ...common });
  ended.push(() => queues.stop());
  const logDir = join(dir, 'logs');
  const lambda = startLambda({ functions, root: process.cwd(), logDir, variables: {} });
  ended.push(() => lambda.close());
  const asynchronous = openAsyncInvocations(state, functions, queues, common);
  asynchronous.deliver(lambda);
  ended.push(() => asynchronous.stop());
  const { invokeAsync } = asynchronous;
  const options = { functions, lambda, invokeAsync, port: 0, region, credentials, onError: common.onError };
  api = await startLambdaApi(options);
  ended.push(() => api.close());
  client = clientWith();
});

afterAll(async () => {
  for (const end of ended.reverse()) await end();
});

const invoke = (event: unknown, more: Partial<InvokeCommand['input']> = {}) =>
  client.send(
    new InvokeCommand({ FunctionName: 'Probe1', Payload: Buffer.from(JSON.stringify(event)), ...more }),
  );
const payloadOf = ({ Payload }: InvokeCommandOutput): unknown =>
  JSON.parse(Payload?.transformToString() ?? '');

describe('a synchronous invocation', () => {
  it('answers what the function answers', async () => {
    const answer = await invoke({ name: 'one' });
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(answer.FunctionError).toBeUndefined();
    expect(payloadOf(answer)).toEqual({ value: 'one' });
  });

  it('without a payload gives the function an empty object', async () => {
    expect(payloadOf(await client.send(new InvokeCommand({ FunctionName: 'Probe1' })))).toEqual({
      value: null,
    });
  });

  it('of a function that throws is 200 with the error as Lambda shapes it', async () => {
    instruct({ bad: 1 });
    const answer = await invoke({ name: 'bad' });
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '$LATEST' });
    expect(payloadOf(answer)).toEqual({
      errorType: 'TypeError',
      errorMessage: 'asked to fail: bad',
      trace: expect.arrayContaining(['TypeError: asked to fail: bad']),
    });
  });

  it('of a function whose time is up says so', async () => {
    const answer = await invoke({ sleepMs: 60_000 }, { FunctionName: 'Hasty1' });
    expect(answer.FunctionError).toBe('Unhandled');
    expect(payloadOf(answer)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/timed out after 2 seconds/),
    });
  });

  it('of a function that takes longer to load than its time is has all of its time then', async () => {
    const answer = await invoke({}, { FunctionName: 'Slow1' });
    expect(answer.FunctionError).toBeUndefined();
    expect(payloadOf(answer)).toBeGreaterThan(1500);
  });

  it.each([
    ['answers', {}, undefined],
    ['throws', { told: 9 }, 'Unhandled'],
  ])('of a function that %s carries the end of its log, and no other invocation’s, when that is asked for', async (_, fail, FunctionError) => {
    instruct({});
    await invoke({ name: 'before', print: 'not this' });
    instruct(fail);
    const answer = await invoke({ name: 'told', print: `${'x'.repeat(5000)} the end` }, { LogType: 'Tail' });
    expect(answer.FunctionError).toBe(FunctionError);
    const log = Buffer.from(answer.LogResult ?? '', 'base64').toString();
    expect(log).toMatch(/ the end\n.*END RequestId: [0-9a-f-]{36}\n$/s);
    expect(log).not.toContain('not this');
    expect(log.length).toBeLessThan(4200);
    expect((await invoke({ name: 'quiet' })).LogResult).toBeUndefined();
  });

  it.each([
    arn,
    `${arn}:$LATEST`,
    `${account}:function:Probe1`,
    'function:Probe1',
    'Probe1:$LATEST',
    `${arn}:live`,
    'Probe1:live',
  ])('names its function as %s', async (FunctionName) => {
    expect(payloadOf(await invoke({ name: 'named' }, { FunctionName }))).toEqual({ value: 'named' });
  });

  it('may take six megabytes and no more', async () => {
    const fits = await invoke({ padding: 'x'.repeat(6 * 1024 * 1024 - 20) });
    expect(fits.FunctionError).toBeUndefined();
    await expect(invoke({ padding: 'x'.repeat(6 * 1024 * 1024) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });
});

describe('an asynchronous invocation', () => {
  const Event = { InvocationType: 'Event' } as const;

  it('is taken at once with 202 and nothing else, and is tried again until it succeeds', async () => {
    instruct({ later: 1 });
    const answer = await invoke({ name: 'later' }, Event);
    expect(answer.StatusCode).toBe(202);
    expect(answer.ExecutedVersion).toBeUndefined();
    expect(answer.Payload?.length ?? 0).toBe(0);
    await until('it is tried again', () => times('later') === 2);
  });

  it('that always fails ends at the failure destination, with its event and its error', async () => {
    instruct({ never: 99 });
    await invoke({ name: 'never' }, Event);
    const letter = await until('it is given up', () =>
      state.db.prepare('SELECT body FROM queue_messages WHERE queue = ?').get(dead.arn),
    );
    expect(JSON.parse(String(letter['body']))).toMatchObject({
      requestContext: { functionArn: arn, condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { name: 'never' },
      responsePayload: { errorType: 'TypeError', errorMessage: 'asked to fail: never' },
    });
  });

  it('may take one megabyte and no more', async () => {
    await expect(invoke({ padding: 'x'.repeat(1024 * 1024) }, Event)).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
  });
});

it('a dry run is 204 and runs nothing', async () => {
  const answer = await invoke({ name: 'dry' }, { InvocationType: 'DryRun' });
  expect(answer.StatusCode).toBe(204);
  expect(times('dry')).toBe(0);
});

describe('an invocation is refused', () => {
  it.each<[string, Partial<InvokeCommand['input']>, string, number]>([
    ['of no function', { FunctionName: 'Probe2' }, 'ResourceNotFoundException', 404],
    [
      'of another account',
      { FunctionName: arn.replace(account, '999999999999') },
      'ResourceNotFoundException',
      404,
    ],
    ['of another version', { Qualifier: '7' }, 'ResourceNotFoundException', 404],
    ['of another alias', { FunctionName: 'Probe1:next' }, 'ResourceNotFoundException', 404],
    ['with no JSON', { Payload: Buffer.from('{') }, 'InvalidRequestContentException', 400],
    [
      'of an unknown type',
      { InvocationType: 'Soon' as InvocationType },
      'InvalidParameterValueException',
      400,
    ],
    ['with a log of no type', { LogType: 'Head' as LogType }, 'InvalidParameterValueException', 400],
    ['with a client context', { ClientContext: 'e30=' }, 'NotImplementedException', 501],
  ])('%s', async (_, more, name, httpStatusCode) => {
    await expect(invoke({ name: 'refused' }, more)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode },
    });
    expect(times('refused')).toBe(0);
  });

  it.each<[string, object, string]>([
    ['another key', { credentials: { ...credentials, accessKeyId: 'OTHER' } }, 'UnrecognizedClientException'],
    [
      'another secret',
      { credentials: { ...credentials, secretAccessKey: 'no' } },
      'InvalidSignatureException',
    ],
    ['another region', { region: 'us-east-1' }, 'InvalidSignatureException'],
    ['another service', { signingName: 'iot' }, 'InvalidSignatureException'],
  ])('signed with %s', async (_, more, name) => {
    const call = clientWith(more).send(new InvokeCommand({ FunctionName: 'Probe1' }));
    await expect(call).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });

  it('without a signature', async () => {
    const url = `${api.url}/2015-03-31/functions/Probe1/invocations`;
    const answer = await fetch(url, { method: 'POST', body: '{"name":"refused"}' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(times('refused')).toBe(0);
  });
});

it('the functions are listed by their names', async () => {
  const { Functions } = await client.send(new ListFunctionsCommand({}));
  expect(Functions).toEqual(
    ['Probe1', 'Hasty1', 'Slow1'].map((FunctionName) =>
      expect.objectContaining({
        FunctionName,
        FunctionArn: arnOf(FunctionName),
        Description: 'Does as it is told',
      }),
    ),
  );
});
