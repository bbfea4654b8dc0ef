import type { Wanted } from '../iam/policy.ts';
import type { QueueModel } from '../model.ts';
import type { QueueMessage } from '../queue-messages.ts';
import { type Queues, systemAttributes } from '../queues.ts';
import { chosen, md5, md5OfAttributes, readAttributes, wireAttributes } from './attributes.ts';
import {
  badBatchId,
  badParameter,
  badReceipt,
  batchTooLong,
  emptyBatch,
  missing,
  noQueue,
  notInFlight,
  SqsError,
  sameBatchIds,
} from './errors.ts';

export interface SqsContext {
  queues: Queues;
  /** URL of a queue, as clients name it. */
  urlOf(queue: QueueModel): string;
  /** Resolves to false when nobody waits for the answer any more, or the service ends. */
  pause(): Promise<boolean>;
  now(): number;
}

export type SqsRequest = Record<string, unknown>;
type Operation = (context: SqsContext, request: SqsRequest) => object | Promise<object>;

/** A message with its attributes may have one mebibyte (Amazon SQS message quotas). */
const mostBytes = 1024 * 1024;
const mostHiddenSeconds = 12 * 3600;

const textOf = (request: SqsRequest, name: string): string => {
  const value = request[name];
  if (value === undefined || value === '') throw missing(name);
  if (typeof value !== 'string') throw badParameter(`${name} must be a string.`);
  return value;
};

const namesOf = (request: SqsRequest, name: string): string[] =>
  (request[name] as string[] | undefined) ?? [];

const wholeNumber = (
  request: SqsRequest,
  name: string,
  { from, to }: { from: number; to: number },
): number | undefined => {
  const value = request[name];
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return value as number;
  throw badParameter(
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${from} and ${to}.`,
  );
};

const named = ({ queues }: SqsContext, name: string | undefined): QueueModel => {
  const queue = queues.models.find((model) => model.name === name);
  if (!queue) throw noQueue();
  return queue;
};

/** The queue of a URL, by what it ends with: account and name. */
const queueOf = (context: SqsContext, request: SqsRequest): QueueModel => {
  const url = textOf(request, 'QueueUrl');
  const queue = named(context, url.split('/').at(-1));
  if (!url.endsWith(`/${queue.arn.split(':')[4]}/${queue.name}`)) throw noQueue();
  return queue;
};

const getQueueUrl: Operation = (context, request) => {
  const queue = named(context, textOf(request, 'QueueName'));
  const owner = request['QueueOwnerAWSAccountId'] ?? queue.arn.split(':')[4];
  if (owner !== queue.arn.split(':')[4]) throw noQueue();
  return { QueueUrl: context.urlOf(queue) };
};

const listQueues: Operation = (context, request) => {
  const prefix = String(request['QueueNamePrefix'] ?? '');
  const most = wholeNumber(request, 'MaxResults', { from: 1, to: 1000 }) ?? 1000;
  const from = Number(request['NextToken'] ?? 0);
  const urls = context.queues.models
    .filter(({ name }) => name.startsWith(prefix))
    .map((queue) => context.urlOf(queue));
  const next = from + most < urls.length ? { NextToken: String(from + most) } : {};
  return { QueueUrls: urls.slice(from, from + most), ...next };
};

const queueAttributes = ({ queues }: SqsContext, queue: QueueModel): Record<string, string> => {
  const { visible, inFlight, delayed } = queues.messages.count(queue);
  return {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    VisibilityTimeout: String(queue.visibilityTimeoutSeconds),
    MessageRetentionPeriod: String(queue.retentionSeconds),
    MaximumMessageSize: String(mostBytes),
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    ...(queue.redrive
      ? {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: queue.redrive.deadLetterArn,
            maxReceiveCount: queue.redrive.maxReceiveCount,
          }),
        }
      : {}),
  };
};

/** Attributes that SQS has and nothing here has: asked for by name, they are left out, as SQS leaves out what a queue does not have. */
const absentAttributes = new Set([
  'Policy',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
]);

const getQueueAttributes: Operation = (context, request) => {
  const all = queueAttributes(context, queueOf(context, request));
  const asked = namesOf(request, 'AttributeNames');
  for (const name of asked)
    if (name !== 'All' && !(name in all) && !absentAttributes.has(name))
      throw new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
  const given = Object.entries(all).filter(([name]) => asked.includes('All') || asked.includes(name));
  return given.length === 0 ? {} : { Attributes: Object.fromEntries(given) };
};

/** Characters that a message may have (SQS API reference, "SendMessage"): those of XML 1.0. */
const forbidden = /[^\u0009\u000A\u000D\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

const send = ({ queues }: SqsContext, queue: QueueModel, request: SqsRequest) => {
  const body = textOf(request, 'MessageBody');
  if (forbidden.test(body))
    throw new SqsError('InvalidMessageContents', 'The message contains characters outside the allowed set.');
  const attributes = readAttributes(request['MessageAttributes']);
  if (Buffer.byteLength(body) + Buffer.byteLength(JSON.stringify(attributes)) > mostBytes)
    throw badParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${mostBytes} bytes.`,
    );
  const delay = wholeNumber(request, 'DelaySeconds', { from: 0, to: 900 }) ?? 0;
  const MessageId = queues.send(queue.arn, body, { attributes, delayMs: delay * 1000 });
  const MD5OfMessageAttributes = md5OfAttributes(attributes);
  return {
    MessageId,
    MD5OfMessageBody: md5(body),
    ...(MD5OfMessageAttributes ? { MD5OfMessageAttributes } : {}),
  };
};

const received = (message: QueueMessage, request: SqsRequest) => {
  const asked = [...namesOf(request, 'AttributeNames'), ...namesOf(request, 'MessageSystemAttributeNames')];
  const system = Object.entries(systemAttributes(message)).filter(
    ([name]) => asked.includes('All') || asked.includes(name),
  );
  const attributes = chosen(message.attributes, namesOf(request, 'MessageAttributeNames'));
  const MD5OfMessageAttributes = md5OfAttributes(attributes);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(system.length > 0 ? { Attributes: Object.fromEntries(system) } : {}),
    ...(MD5OfMessageAttributes
      ? { MessageAttributes: wireAttributes(attributes), MD5OfMessageAttributes }
      : {}),
  };
};

const receiveMessage: Operation = async (context, request) => {
  const queue = queueOf(context, request);
  const most = wholeNumber(request, 'MaxNumberOfMessages', { from: 1, to: 10 }) ?? 1;
  const seconds = wholeNumber(request, 'VisibilityTimeout', { from: 0, to: mostHiddenSeconds });
  const wait = wholeNumber(request, 'WaitTimeSeconds', { from: 0, to: 20 }) ?? 0;
  const until = context.now() + wait * 1000;
  for (;;) {
    const messages = context.queues.messages.receive(queue, most, seconds && seconds * 1000);
    if (messages.length > 0) return { Messages: messages.map((message) => received(message, request)) };
    if (context.now() >= until || !(await context.pause())) return {};
  }
};

const remove = ({ queues }: SqsContext, queue: QueueModel, request: SqsRequest): object => {
  const receipt = textOf(request, 'ReceiptHandle');
  if (!queues.messages.remove(queue, receipt)) throw badReceipt(receipt);
  return {};
};

const changeVisibility = ({ queues }: SqsContext, queue: QueueModel, request: SqsRequest): object => {
  const receipt = textOf(request, 'ReceiptHandle');
  const seconds = wholeNumber(request, 'VisibilityTimeout', { from: 0, to: mostHiddenSeconds });
  if (seconds === undefined) throw missing('VisibilityTimeout');
  const outcome = queues.messages.hide(queue, receipt, seconds * 1000);
  if (outcome === 'no receipt') throw badReceipt(receipt);
  if (outcome === 'not in flight') throw notInFlight();
  return {};
};

type Single = (context: SqsContext, queue: QueueModel, request: SqsRequest) => object;

const entriesOf = (request: SqsRequest): SqsRequest[] => {
  const entries = (request['Entries'] as SqsRequest[] | undefined) ?? [];
  if (entries.length === 0) throw emptyBatch();
  if (entries.length > 10) throw batchTooLong(entries.length);
  const ids = entries.map((entry) => textOf(entry, 'Id'));
  if (ids.some((id) => !/^[\w-]{1,80}$/.test(id))) throw badBatchId();
  if (new Set(ids).size < ids.length) throw sameBatchIds();
  return entries;
};

/** One operation for up to ten entries: each has an outcome of its own. */
const batchOf =
  (single: Single): Operation =>
  (context, request) => {
    const queue = queueOf(context, request);
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const entry of entriesOf(request))
      try {
        Successful.push({ Id: entry['Id'], ...single(context, queue, entry) });
      } catch (error) {
        if (!(error instanceof SqsError)) throw error;
        Failed.push({ Id: entry['Id'], SenderFault: true, Code: error.type, Message: error.message });
      }
    return { Successful, Failed };
  };

const one =
  (single: Single): Operation =>
  (context, request) =>
    single(context, queueOf(context, request), request);

const purgeQueue: Operation = (context, request) => {
  context.queues.messages.purge(queueOf(context, request));
  return {};
};

/** A batch is allowed by the action that it is many of (SQS developer guide, "Amazon SQS API permissions: Actions and resource reference"). */
const actionOf = (operation: string): string => `sqs:${operation.replace(/Batch$/, '')}`;

/** What a request needs leave for: the action on its queue. Which queues there are is asked of all of them. */
export const wantedBy = (context: SqsContext, operation: string, request: SqsRequest): Wanted => {
  if (operation === 'ListQueues') return { action: 'sqs:ListQueues', resource: '*' };
  const queue =
    operation === 'GetQueueUrl' ? named(context, textOf(request, 'QueueName')) : queueOf(context, request);
  return { action: actionOf(operation), resource: queue.arn };
};

/** What the embedded SQS does, by the name that `X-Amz-Target` has after `AmazonSQS.`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    GetQueueUrl: getQueueUrl,
    ListQueues: listQueues,
    GetQueueAttributes: getQueueAttributes,
    SendMessage: one(send),
    SendMessageBatch: batchOf(send),
    ReceiveMessage: receiveMessage,
    DeleteMessage: one(remove),
    DeleteMessageBatch: batchOf(remove),
    ChangeMessageVisibility: one(changeVisibility),
    ChangeMessageVisibilityBatch: batchOf(changeVisibility),
    PurgeQueue: purgeQueue,
  }),
);
