import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QueueModel } from '../../../local/model.ts';
import { openQueues, type Queues } from '../../../local/queues.ts';
import { type EmbeddedSqs, startSqs } from '../../../local/sqs/server.ts';
import { openState, type State } from '../../../local/state.ts';

const region = 'eu-west-1';
const account = '123456789012';
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=queues' };
const model = (name: string, more: Partial<QueueModel> = {}): QueueModel => ({
  arn: `arn:aws:sqs:${region}:${account}:${name}`,
  name,
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 600,
  ...more,
});
const dead = model('Dead');
const main = model('Main', { redrive: { deadLetterArn: dead.arn, maxReceiveCount: 2 } });

let dir: string;
let state: State;
let queues: Queues;
let sqs: EmbeddedSqs;
let client: SQSClient;
let clock: number;
let clients: SQSClient[];

const clientWith = (more: Partial<SQSClientConfig> = {}): SQSClient => {
  const made = new SQSClient({ endpoint: sqs.url, region, credentials, maxAttempts: 1, ...more });
  clients.push(made);
  return made;
};

const start = async () => {
  state = openState(dir);
  const common = { region, onError: (error: unknown) => expect.fail(String(error)), now: () => clock };
  queues = openQueues(state, [main, dead], common);
  sqs = await startSqs({ queues, port: 0, credentials, ...common });
  clients = [];
  client = clientWith();
};

const stop = async () => {
  for (const one of clients) one.destroy();
  await sqs.close();
  await queues.stop();
  state.close();
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sqs-'));
  clock = Date.now();
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

const urlOf = (queue: QueueModel) => `${sqs.url}/${account}/${queue.name}`;
const send = (MessageBody: string, more: Partial<SendMessageCommandInput> = {}, queue = main) =>
  client.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody, ...more }));
const receive = async (more: Partial<ReceiveMessageCommandInput> = {}, queue = main): Promise<Message[]> => {
  const input = { QueueUrl: urlOf(queue), MaxNumberOfMessages: 10, ...more };
  return (await client.send(new ReceiveMessageCommand(input))).Messages ?? [];
};
const bodies = (messages: Message[]) => messages.map(({ Body }) => Body);
const remove = ({ ReceiptHandle }: Message = {}, queue = main) =>
  client.send(new DeleteMessageCommand({ QueueUrl: urlOf(queue), ReceiptHandle }));
const attributesOf = async (queue: QueueModel): Promise<Record<string, string>> => {
  const all = new GetQueueAttributesCommand({ QueueUrl: urlOf(queue), AttributeNames: ['All'] });
  return (await client.send(all)).Attributes ?? {};
};
const counts = async (queue: QueueModel) => {
  const attributes = await attributesOf(queue);
  return ['', 'NotVisible', 'Delayed'].map((kind) =>
    Number(attributes[`ApproximateNumberOfMessages${kind}`]),
  );
};

describe('the queues', () => {
  it('are listed by URL, with a prefix and in pages', async () => {
    const list = async (input: object) => client.send(new ListQueuesCommand(input));
    expect((await list({})).QueueUrls).toEqual([urlOf(main), urlOf(dead)]);
    expect((await list({ QueueNamePrefix: 'De' })).QueueUrls).toEqual([urlOf(dead)]);
    const first = await list({ MaxResults: 1 });
    expect(first.QueueUrls).toEqual([urlOf(main)]);
    expect(await list({ MaxResults: 1, NextToken: first.NextToken })).toMatchObject({
      QueueUrls: [urlOf(dead)],
    });
  });

  it('are found by name, in their own account', async () => {
    const find = (QueueName: string, QueueOwnerAWSAccountId?: string) =>
      client.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId }));
    expect((await find('Main')).QueueUrl).toBe(urlOf(main));
    expect((await find('Main', account)).QueueUrl).toBe(urlOf(main));
    for (const call of [find('Other'), find('Main', '999999999999')])
      await expect(call).rejects.toMatchObject({
        name: 'QueueDoesNotExist',
        $metadata: { httpStatusCode: 400 },
      });
  });

  it('tell of themselves', async () => {
    expect(await attributesOf(main)).toMatchObject({
      QueueArn: main.arn,
      VisibilityTimeout: '30',
      MessageRetentionPeriod: '600',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
    const some = new GetQueueAttributesCommand({ QueueUrl: urlOf(dead), AttributeNames: ['QueueArn'] });
    expect((await client.send(some)).Attributes).toEqual({ QueueArn: dead.arn });
    const none = new GetQueueAttributesCommand({ QueueUrl: urlOf(dead), AttributeNames: ['RedrivePolicy'] });
    expect((await client.send(none)).Attributes).toBeUndefined();
    const odd = new GetQueueAttributesCommand({ QueueUrl: urlOf(dead), AttributeNames: ['Odd' as never] });
    await expect(client.send(odd)).rejects.toMatchObject({ name: 'InvalidAttributeName' });
  });
});

describe('a message', () => {
  it('is received as it was sent, with what was asked for of it', async () => {
    const sent = await send('hällo', {
      MessageAttributes: {
        ERROR_CODE: { DataType: 'String', StringValue: 'NO_PERMISSIONS' },
        bytes: { DataType: 'Binary', BinaryValue: Uint8Array.from([0, 255]) },
      },
    });
    const [message] = await receive({
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
    });
    expect(message).toEqual({
      MessageId: sent.MessageId,
      ReceiptHandle: expect.any(String),
      Body: 'hällo',
      MD5OfBody: sent.MD5OfMessageBody,
      Attributes: { SentTimestamp: String(clock), ApproximateReceiveCount: '1' },
      MessageAttributes: {
        ERROR_CODE: { DataType: 'String', StringValue: 'NO_PERMISSIONS' },
        bytes: { DataType: 'Binary', BinaryValue: Uint8Array.from([0, 255]) },
      },
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
    });
  });

  it('has an MD5 of its attributes as the developer guide computes it', async () => {
    const { MD5OfMessageAttributes } = await send('x', {
      MessageAttributes: { timestamp: { DataType: 'Number', StringValue: '1493147359900' } },
    });
    // Computed apart: length and bytes of name and of type, 1 for text, length and bytes of the value.
    expect(MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  it('gives only those attributes that are asked for, by name or by prefix', async () => {
    const text = (StringValue: string) => ({ DataType: 'String', StringValue });
    await send('x', { MessageAttributes: { a: text('1'), 'b.c': text('2'), 'b.d': text('3') } });
    const asked = async (names: string[]) => {
      const [message] = await receive({ MessageAttributeNames: names, VisibilityTimeout: 0 });
      return Object.keys(message?.MessageAttributes ?? {});
    };
    expect(await asked([])).toEqual([]);
    expect(await asked(['b.*'])).toEqual(['b.c', 'b.d']);
  });

  it('that was received is hidden until its time is over, and counts how often it was received', async () => {
    await send('one');
    expect(bodies(await receive())).toEqual(['one']);
    expect(await receive()).toEqual([]);
    expect(await counts(main)).toEqual([0, 1, 0]);
    clock += 30_001;
    const [again] = await receive({ MessageSystemAttributeNames: ['All'] });
    expect(again?.Attributes).toMatchObject({
      ApproximateReceiveCount: '2',
      ApproximateFirstReceiveTimestamp: String(clock - 30_001),
    });
  });

  it('may be hidden for longer, or shown at once', async () => {
    await send('one');
    const [first] = await receive({ VisibilityTimeout: 5 });
    const hide = (VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: urlOf(main),
          ReceiptHandle: first?.ReceiptHandle,
          VisibilityTimeout,
        }),
      );
    await hide(60);
    clock += 30_000;
    expect(await receive()).toEqual([]);
    await hide(0);
    expect(await counts(main)).toEqual([1, 0, 0]);
    await expect(hide(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  });

  it('is deleted by the receipt of whoever received it last, and by no older one', async () => {
    await send('one');
    const [first] = await receive({ VisibilityTimeout: 0 });
    const [second] = await receive({ VisibilityTimeout: 0 });
    await remove(first);
    expect(await counts(main)).toEqual([1, 0, 0]);
    await remove(second);
    expect(await counts(main)).toEqual([0, 0, 0]);
    await remove(second);
    await expect(remove({ ReceiptHandle: 'no receipt' })).rejects.toMatchObject({
      name: 'ReceiptHandleIsInvalid',
    });
  });

  it('that is delayed is seen later', async () => {
    await send('later', { DelaySeconds: 10 });
    expect(await receive()).toEqual([]);
    expect(await counts(main)).toEqual([0, 0, 1]);
    clock += 10_001;
    expect(bodies(await receive())).toEqual(['later']);
  });

  it('that was received too often is with the dead letters, which say from where', async () => {
    const { MessageId } = await send('poison');
    for (let time = 0; time < 2; time++) await receive({ VisibilityTimeout: 0 });
    expect(await receive()).toEqual([]);
    const [letter] = await receive({ MessageSystemAttributeNames: ['DeadLetterQueueSourceArn'] }, dead);
    expect(letter).toMatchObject({
      MessageId,
      Body: 'poison',
      Attributes: { DeadLetterQueueSourceArn: main.arn },
    });
  });

  it('that is older than its queue keeps one is gone', async () => {
    await send('old');
    clock += 600_001;
    expect(await counts(main)).toEqual([0, 0, 0]);
    expect(await receive()).toEqual([]);
  });

  it('is waited for, until it comes', async () => {
    const waiting = receive({ WaitTimeSeconds: 20 });
    await send('at last');
    expect(bodies(await waiting)).toEqual(['at last']);
  });

  it('is not taken by somebody who has gone away meanwhile', async () => {
    const gone = new AbortController();
    const waiting = client.send(new ReceiveMessageCommand({ QueueUrl: urlOf(main), WaitTimeSeconds: 20 }), {
      abortSignal: gone.signal,
    });
    const heard = expect(waiting).rejects.toThrow();
    gone.abort();
    await heard;
    await send('for the next');
    expect(bodies(await receive({ WaitTimeSeconds: 20 }))).toEqual(['for the next']);
  });

  it('is there after a restart, and what somebody was handling is seen again', async () => {
    await send('taken');
    await receive();
    await send('waiting');
    await stop();
    await start();
    expect(bodies(await receive())).toEqual(['taken', 'waiting']);
  });

  it('from before messages had attributes is received', async () => {
    await stop();
    rmSync(join(dir, 'state.sqlite'));
    const db = new DatabaseSync(join(dir, 'state.sqlite'));
    db.exec(`CREATE TABLE queue_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL,
      body TEXT NOT NULL, sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0)`);
    db.prepare(
      'INSERT INTO queue_messages (queue, message_id, body, sent_at, visible_at) VALUES (?, ?, ?, ?, 0)',
    ).run(main.arn, '00000000-0000-4000-8000-000000000000', 'old', clock);
    db.close();
    await start();
    const [message] = await receive();
    expect(message?.Body).toBe('old');
    await remove(message);
    expect(await counts(main)).toEqual([0, 0, 0]);
  });
});

describe('a batch', () => {
  it('sends, hides and deletes up to ten messages, each with an outcome of its own', async () => {
    const QueueUrl = urlOf(main);
    const sent = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'one' },
          { Id: 'b', MessageBody: 'no\u0000' },
          { Id: 'c', MessageBody: 'two' },
        ],
      }),
    );
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c']);
    expect(sent.Failed).toEqual([
      { Id: 'b', Code: 'InvalidMessageContents', SenderFault: true, Message: expect.any(String) },
    ]);
    const receipts = (await receive()).map(({ ReceiptHandle }) => ReceiptHandle);
    const entries = [...receipts, 'none'].map((ReceiptHandle, index) => ({
      Id: String(index),
      ReceiptHandle,
    }));
    const hidden = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: entries.map((entry) => ({ ...entry, VisibilityTimeout: 100 })),
      }),
    );
    const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: entries }));
    for (const outcome of [hidden, deleted]) {
      expect(outcome.Successful).toEqual([{ Id: '0' }, { Id: '1' }]);
      expect(outcome.Failed).toMatchObject([{ Id: '2', Code: 'ReceiptHandleIsInvalid' }]);
    }
    expect(await counts(main)).toEqual([0, 0, 0]);
  });

  const entries = (ids: string[]) => ids.map((Id) => ({ Id, MessageBody: 'x' }));
  it.each([
    ['of none', entries([]), 'EmptyBatchRequest'],
    ['of eleven', entries([...'abcdefghijk']), 'TooManyEntriesInBatchRequest'],
    ['with one id twice', entries(['a', 'a']), 'BatchEntryIdsNotDistinct'],
    ['with an id of other characters', entries(['ä']), 'InvalidBatchEntryId'],
  ])('%s is refused whole', async (_, Entries, name) => {
    const call = client.send(new SendMessageBatchCommand({ QueueUrl: urlOf(main), Entries }));
    await expect(call).rejects.toMatchObject({ name });
    expect(await counts(main)).toEqual([0, 0, 0]);
  });
});

it('a queue that is purged is empty', async () => {
  await send('one');
  await send('two');
  await receive({ MaxNumberOfMessages: 1 });
  await client.send(new PurgeQueueCommand({ QueueUrl: urlOf(main) }));
  expect(await counts(main)).toEqual([0, 0, 0]);
});

describe('a request is refused', () => {
  const url = (path: string) => `${sqs.url}/${path}`;
  it.each<[string, () => Promise<unknown>, string]>([
    ['to no queue', () => send('x', { QueueUrl: url(`${account}/Other`) }), 'QueueDoesNotExist'],
    ['to another account', () => send('x', { QueueUrl: url('999999999999/Main') }), 'QueueDoesNotExist'],
    ['with no body', () => send(''), 'MissingParameter'],
    ['with characters that XML has not', () => send('\u0008'), 'InvalidMessageContents'],
    ['with more than a mebibyte', () => send('x'.repeat(1024 * 1024 + 1)), 'InvalidParameterValue'],
    ['with too long a delay', () => send('x', { DelaySeconds: 901 }), 'InvalidParameterValue'],
    ['for eleven messages', () => receive({ MaxNumberOfMessages: 11 }), 'InvalidParameterValue'],
    [
      'to wait for longer than twenty seconds',
      () => receive({ WaitTimeSeconds: 21 }),
      'InvalidParameterValue',
    ],
    [
      'with an attribute of no type',
      () => send('x', { MessageAttributes: { a: { DataType: 'Odd', StringValue: 'x' } } }),
      'InvalidParameterValue',
    ],
  ])('%s', async (_, call, name) => {
    await expect(call()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
    expect(await counts(main)).toEqual([0, 0, 0]);
  });

  it('for what the embedded queues do not do', async () => {
    const call = client.send(new CreateQueueCommand({ QueueName: 'New' }));
    await expect(call).rejects.toMatchObject({
      name: 'UnsupportedOperation',
      $metadata: { httpStatusCode: 501 },
    });
  });

  it.each<[string, Partial<SQSClientConfig>, string]>([
    ['another key', { credentials: { ...credentials, accessKeyId: 'OTHER' } }, 'UnrecognizedClientException'],
    [
      'another secret',
      { credentials: { ...credentials, secretAccessKey: 'no' } },
      'InvalidSignatureException',
    ],
    ['another region', { region: 'us-east-1' }, 'InvalidSignatureException'],
  ])('signed with %s', async (_, more, name) => {
    const call = clientWith(more).send(new ListQueuesCommand({}));
    await expect(call).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });

  it('in the form of the JSON protocol, with the code that older clients know', async () => {
    const answer = await fetch(sqs.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonSQS.ListQueues' },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.0');
    expect(answer.headers.get('x-amzn-query-error')).toBe('MissingAuthenticationTokenException;Sender');
    expect(await answer.json()).toMatchObject({
      __type: 'com.amazonaws.sqs#MissingAuthenticationTokenException',
    });
  });
});
