import { describe, expect, it } from 'vitest';
import {
  type DeadMessage,
  failureOf,
  letterInObject,
  letterInQueue,
  nameOf,
  type Replay,
  within,
} from '../../../shared/domain/dead-letters.ts';

const place = 'eu-west-1:123456789012';
const route = `arn:aws:lambda:${place}:function:Route`;
const importsQueue = `arn:aws:sqs:${place}:Imports`;
const at = '2026-11-25T00:00:00.000Z';

const message = (body: unknown, more: Partial<DeadMessage> = {}): DeadMessage => ({
  body: typeof body === 'string' ? body : JSON.stringify(body),
  sentAt: at,
  attributes: {},
  ...more,
});

const stream = (...keys: [string, string][]) => ({
  Records: keys.map(([pk, sk]) => ({ dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } } } })),
});

/** As the developer guide shows it for a bucket. */
const batch = (more: object) => ({
  requestContext: {
    requestId: 'c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5',
    functionArn: route,
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 6,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2019-11-14T00:13:49.717Z',
  DDBStreamBatchInfo: {
    shardId: 'shardId-1',
    startSequenceNumber: '8',
    endSequenceNumber: '9',
    batchSize: 2,
  },
  ...more,
});

/** As the developer guide shows it for an asynchronous invocation. */
const asynchronous = (more: object) => ({
  version: '1.0',
  timestamp: '2019-11-14T18:16:05.568Z',
  requestContext: {
    requestId: 'e4b46cbf-b738-xmpl-8880-a18cdf61200e',
    functionArn: `${route}:$LATEST`,
    condition: 'RetriesExhausted',
    approximateInvokeCount: 3,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  responsePayload: { errorType: 'TypeError', errorMessage: 'no source', trace: [] },
  ...more,
});

describe('a batch of the stream', () => {
  const event = stream(['scanner#mx1', 'head'], ['scanner#mx1', 'head'], ['scanner#mx2', 'head']);

  it.each([
    ['as JSON', event],
    ['as JSON in a string', JSON.stringify(event)],
  ])('is invoked again with its whole event, told %s', (_, payload) => {
    expect(letterInObject(JSON.stringify(batch({ payload })), at)).toEqual({
      at: '2019-11-14T00:13:49.717Z',
      to: 'Route',
      why: 'RetryAttemptsExhausted, the function threw',
      about: 'scanner#mx1 head, scanner#mx2 head',
      tries: 6,
      replay: { kind: 'invoke', functionArn: route, payload: event },
    });
  });

  it('names three of its keys, and says how many more there are', () => {
    const many = stream(...['1', '2', '3', '4', '5'].map((n): [string, string] => [`scanner#${n}`, 'head']));
    const { about } = letterInObject(JSON.stringify(batch({ payload: many })), at);
    expect(about).toBe('scanner#1 head, scanner#2 head, scanner#3 head and 2 more');
  });

  it('of which a queue was told cannot be replayed: what was in it is not known', () => {
    const letter = letterInQueue(message(batch({})));
    expect(letter).toMatchObject({ to: 'Route', about: '2 records', replay: { kind: 'none' } });
  });
});

describe('an asynchronous invocation', () => {
  it('is invoked again with its event', () => {
    const requestPayload = { importId: 'i-1', nested: { left: 'out' } };
    expect(letterInQueue(message(asynchronous({ requestPayload })))).toEqual({
      at: '2019-11-14T18:16:05.568Z',
      to: 'Route',
      why: 'RetriesExhausted, TypeError: no source',
      about: 'importId i-1',
      tries: 3,
      replay: { kind: 'invoke', functionArn: `${route}:$LATEST`, payload: requestPayload },
    });
  });

  it('whose event was too large for its letter cannot be replayed', () => {
    expect(letterInQueue(message(asynchronous({}))).replay).toMatchObject({ kind: 'none', why: /too large/ });
  });
});

describe('a message that a queue gave up', () => {
  const event = {
    source: 'aws.s3',
    detail: { object: { key: 'imports/mx1/inbound/a.txt', sequencer: '1' } },
  };

  it('goes back to that queue as it was', () => {
    const letter = letterInQueue(message(event, { source: importsQueue }));
    expect(letter).toEqual({
      at,
      to: 'Imports',
      why: 'received too often',
      about: 'imports/mx1/inbound/a.txt',
      tries: null,
      replay: { kind: 'send', queueArn: importsQueue, body: JSON.stringify(event) },
    });
  });

  it('is told from what Lambda gave up by where it came from, not by what is in it', () => {
    const forged = message(asynchronous({ requestPayload: {} }), { source: importsQueue });
    expect(letterInQueue(forged).replay).toEqual({ kind: 'send', queueArn: importsQueue, body: forged.body });
  });

  it.each<[string, Replay]>([
    [importsQueue, { kind: 'send', queueArn: importsQueue, body: JSON.stringify(event) }],
    [route, { kind: 'invoke', functionArn: route, payload: event }],
    ['arn:aws:sns:eu-west-1:123456789012:t', { kind: 'none', why: expect.stringContaining('sns') }],
  ])('of EventBridge goes to the target that it names: %s', (TARGET_ARN, replay) => {
    const attributes = {
      TARGET_ARN,
      ERROR_CODE: 'NO_PERMISSIONS',
      ERROR_MESSAGE: 'not allowed',
      RETRY_ATTEMPTS: '3',
    };
    expect(letterInQueue(message(event, { attributes }))).toMatchObject({
      why: 'NO_PERMISSIONS: not allowed',
      tries: 4,
      replay,
    });
  });
});

it.each([
  '',
  'no JSON',
  '[]',
  '{"a":1}',
  '{"requestContext":{}}',
])('is not understood and stays: %s', (text) => {
  for (const letter of [letterInQueue(message(text)), letterInObject(text, at)])
    expect(letter).toMatchObject({ at, why: 'not understood', replay: { kind: 'none' } });
});

describe('a replay', () => {
  const queue = `arn:aws:sqs:${place}:DeadLetters`;

  it('goes to functions and queues of the same region and account alone', () => {
    const ours: Replay[] = [
      { kind: 'invoke', functionArn: route, payload: 1 },
      { kind: 'send', queueArn: importsQueue, body: '' },
      { kind: 'none', why: 'x' },
    ];
    for (const replay of ours) expect(within(queue, replay)).toEqual(replay);
    for (const other of ['eu-west-1:999999999999', 'us-east-1:123456789012']) {
      expect(
        within(queue, { kind: 'invoke', functionArn: route.replace(place, other), payload: 1 }).kind,
      ).toBe('none');
      expect(
        within(queue, { kind: 'send', queueArn: importsQueue.replace(place, other), body: '' }).kind,
      ).toBe('none');
    }
  });

  it.each<[string, boolean, unknown, string, string | null]>([
    ['answers nothing', false, null, '', null],
    ['answers what it likes', false, { statusCode: 200 }, '', null],
    ['names no record', false, { batchItemFailures: [] }, '', null],
    ['throws', true, { errorType: 'TypeError', errorMessage: 'no source' }, '', 'TypeError: no source'],
    ['ends without a word', true, null, '', 'the function threw'],
    ['names a record', false, { batchItemFailures: [{ itemIdentifier: '1' }] }, '', 'records that failed: 1'],
  ])('is done unless its function fails: one that %s', (_, threw, answer, log, failure) => {
    expect(failureOf(threw, answer, log)).toBe(failure);
  });

  it('of which records failed says why from the last error in the log, of which the beginning may be missing', () => {
    const line = (text: string) =>
      JSON.stringify({
        level: 'ERROR',
        message: 'record failed',
        cause: { name: 'TypeError', message: text },
      });
    const log = [
      line('cut').slice(5),
      line('first'),
      `2026\tINFO\t${line('last')}`,
      '{"level":"INFO"}',
      'END',
      '',
    ];
    expect(failureOf(false, { batchItemFailures: [{ itemIdentifier: '1' }] }, log.join('\n'))).toBe(
      'records that failed: 1; TypeError: last',
    );
  });
});

it('a name is that of the function or the queue, without a version', () => {
  const names = [`${route}:$LATEST`, `${route}:live`, route, importsQueue].map(nameOf);
  expect(names).toEqual(['Route', 'Route', 'Route', 'Imports']);
});
