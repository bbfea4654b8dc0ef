import { createHash } from 'node:crypto';
import type { Invoker } from './lambda.ts';
import type { EventSourceModel, QueueModel } from './model.ts';
import { type Pump, startPump } from './pump.ts';
import {
  type MessageAttributes,
  openQueueMessages,
  type QueueMessage,
  type QueueMessages,
} from './queue-messages.ts';
import type { State } from './state.ts';

export interface Queues {
  models: QueueModel[];
  messages: QueueMessages;
  /** Adds a message; inside the caller's transaction, where there is one. Answers its id. */
  send(queueArn: string, body: unknown, more?: { attributes?: MessageAttributes; delayMs?: number }): string;
  /** Begins to deliver to functions. */
  deliver(sources: EventSourceModel[], lambda: Invoker): void;
  stop(): Promise<void>;
}

/** What SQS says of a message besides its body (SQS API reference, "ReceiveMessage"). */
export const systemAttributes = (message: QueueMessage): Record<string, string> => ({
  SenderId: 'embedded',
  SentTimestamp: String(message.sentAt),
  ApproximateReceiveCount: String(message.receives),
  ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  ...(message.source === undefined ? {} : { DeadLetterQueueSourceArn: message.source }),
});

const lambdaAttribute = ([name, { type, value }]: [string, { type: string; value: string }]) => [
  name,
  {
    ...(type.startsWith('Binary') ? { binaryValue: value } : { stringValue: value }),
    stringListValues: [],
    binaryListValues: [],
    dataType: type,
  },
];

const recordOf = (message: QueueMessage, source: EventSourceModel, region: string) => ({
  messageId: message.messageId,
  receiptHandle: message.receipt,
  body: message.body,
  attributes: systemAttributes(message),
  messageAttributes: Object.fromEntries(Object.entries(message.attributes).map(lambdaAttribute)),
  md5OfBody: createHash('md5').update(message.body).digest('hex'),
  eventSource: 'aws:sqs',
  eventSourceARN: source.sourceArn,
  awsRegion: region,
});

/** Ids of the messages that a function could not handle; all of them where it threw. */
const failuresOf = (result: unknown, source: EventSourceModel): Set<string> => {
  const failures = source.partialResponses
    ? ((result as { batchItemFailures?: { itemIdentifier: string }[] } | null)?.batchItemFailures ?? [])
    : [];
  return new Set(failures.map((failure) => failure.itemIdentifier));
};

/** Queues with visibility, redelivery and redrive, kept in the state, and their delivery to functions. */
export const openQueues = (
  state: State,
  models: QueueModel[],
  options: { region: string; onError: (error: unknown) => void; now: () => number },
): Queues => {
  const messages = openQueueMessages(state, options.now);
  const byArn = new Map(models.map((model) => [model.arn, model]));
  const pumps = new Map<string, Pump>();

  const hand = async (
    batch: QueueMessage[],
    source: EventSourceModel,
    queue: QueueModel,
    lambda: Invoker,
  ): Promise<void> => {
    const Records = batch.map((message) => recordOf(message, source, options.region));
    const failed = failuresOf(await lambda.invoke(source.functionArn, { Records }), source);
    for (const { messageId, receipt } of batch) if (!failed.has(messageId)) messages.remove(queue, receipt);
  };

  const poll = (source: EventSourceModel, queue: QueueModel, lambda: Invoker): Pump => {
    const running = new Set<Promise<void>>();
    const most = source.maxConcurrency ?? 10;
    const pump = startPump(
      async () => {
        if (running.size >= most) return false;
        const batch = messages.receive(queue, source.batchSize);
        if (batch.length === 0) return false;
        const work = hand(batch, source, queue, lambda).catch(options.onError);
        running.add(work);
        void work.finally(() => {
          running.delete(work);
          pump.wake();
        });
        return true;
      },
      { idleMs: 500, onError: options.onError },
    );
    return {
      wake: pump.wake,
      async stop() {
        await pump.stop();
        await Promise.all(running);
      },
    };
  };

  return {
    models,
    messages,
    send(queueArn, body, more) {
      const queue = byArn.get(queueArn);
      if (!queue) throw new TypeError(`There is no queue ${queueArn}.`);
      const messageId = messages.add(queue, typeof body === 'string' ? body : JSON.stringify(body), more);
      setImmediate(() => pumps.get(queueArn)?.wake());
      return messageId;
    },
    deliver(sources, lambda) {
      for (const source of sources) {
        const queue = byArn.get(source.sourceArn);
        if (queue) pumps.set(queue.arn, poll(source, queue, lambda));
      }
    },
    async stop() {
      await Promise.all([...pumps.values()].map((pump) => pump.stop()));
    },
  };
};
