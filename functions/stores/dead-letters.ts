import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  type DeadLetter,
  failureOf,
  letterInObject,
  letterInQueue,
  type Replay,
  within,
} from '../../shared/domain/dead-letters.ts';
import { requireEnv } from '../lib/env.ts';
import { calling, patience } from './faults.ts';
import { s3 } from './objects.ts';

const sqs = new SQSClient(patience);

/** A function may take a quarter of an hour, and it is not tried again here: that is for whoever replays. */
const lambda = new LambdaClient({
  requestHandler: { ...patience.requestHandler, requestTimeout: 16 * 60_000 },
  maxAttempts: 1,
});

/** Where a letter lies. */
type Place = { kind: 'message'; receipt: string } | { kind: 'object'; key: string };

/** A letter, by a short id that is good for this reading, and where it lies. */
export interface KeptLetter {
  id: string;
  letter: DeadLetter;
  place: Place;
}

export interface DeadCounts {
  /** Messages of the queue that can be read now. */
  messages: number;
  /** Those that somebody else reads now, or began to read less than `hiddenSeconds` ago. */
  hidden: number;
}

/** How long a message that was read is hidden from others; it is given back before where that is not forgotten. */
export const hiddenSeconds = 900;

const queueUrl = (): string => requireEnv('DEAD_LETTER_QUEUE_URL');
const bucket = (): string => requireEnv('DEAD_RECORD_BUCKET');

/** How many messages there are, about: SQS does not know it exactly. */
export const countDeadMessages = async (): Promise<DeadCounts> => {
  const { Attributes = {} } = await calling(
    sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl(),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    ),
  );
  return {
    messages: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
    hidden: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
  };
};

const keptMessage = (message: Message): KeptLetter => ({
  id: (message.MessageId ?? '').slice(0, 8),
  letter: letterInQueue({
    body: message.Body ?? '',
    sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)).toISOString(),
    source: message.Attributes?.DeadLetterQueueSourceArn,
    attributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue = '' }]) => [
        name,
        StringValue,
      ]),
    ),
  }),
  place: { kind: 'message', receipt: message.ReceiptHandle ?? '' },
});

const receive = async (): Promise<Message[]> => {
  const { Messages = [] } = await calling(
    sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl(),
        MaxNumberOfMessages: 10,
        VisibilityTimeout: hiddenSeconds,
        // A long poll asks all servers of the queue, a short one some (SQS developer guide, "Amazon SQS short and long polling").
        WaitTimeSeconds: 1,
        MessageSystemAttributeNames: ['SentTimestamp', 'DeadLetterQueueSourceArn'],
        MessageAttributeNames: ['All'],
      }),
    ),
  );
  return Messages;
};

/** Every message of the dead-letter queue, each once; hidden from others for `hiddenSeconds`, or until it is taken away or given back. */
export async function* deadMessages(): AsyncGenerator<KeptLetter> {
  const seen = new Set<string | undefined>();
  for (;;) {
    const fresh = (await receive()).filter(({ MessageId }) => !seen.has(MessageId));
    if (fresh.length === 0) return;
    for (const message of fresh) {
      seen.add(message.MessageId);
      yield keptMessage(message);
    }
  }
}

const readObject = async (key: string): Promise<DeadLetter | null> => {
  const answer = await calling<{ text: string; at: Date | undefined } | null>(
    s3.send(new GetObjectCommand({ Bucket: bucket(), Key: key })).then(async ({ Body, LastModified }) => ({
      text: (await Body?.transformToString()) ?? '',
      at: LastModified,
    })),
    (error) => (error.name === 'NoSuchKey' ? null : undefined),
  );
  return answer && letterInObject(answer.text, (answer.at ?? new Date(0)).toISOString());
};

/** `…/2026-11-25T01.02.03-<UUID>`: the UUID's beginning. */
const idOfKey = (key: string): string => key.slice(-36, -28);

/** Every batch of the stream that is kept, oldest of each shard first. What somebody takes away meanwhile is left out. */
export async function* deadRecords(): AsyncGenerator<KeptLetter> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket() }))
    for (const { Key = '' } of Contents) {
      const letter = await readObject(Key);
      if (letter) yield { id: idOfKey(Key), letter, place: { kind: 'object', key: Key } };
    }
}

const queueArn = async (): Promise<string> => {
  const { Attributes } = await calling(
    sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl(), AttributeNames: ['QueueArn'] })),
  );
  return Attributes?.QueueArn ?? '';
};

const invoke = async ({
  functionArn,
  payload,
}: Extract<Replay, { kind: 'invoke' }>): Promise<string | null> => {
  const Payload = new TextEncoder().encode(JSON.stringify(payload));
  const answer = await calling(
    lambda.send(new InvokeCommand({ FunctionName: functionArn, Payload, LogType: 'Tail' })),
  );
  const text = answer.Payload?.transformToString() ?? '';
  const log = Buffer.from(answer.LogResult ?? '', 'base64').toString();
  return failureOf(answer.FunctionError !== undefined, text === '' ? null : JSON.parse(text), log);
};

const send = async (replay: Extract<Replay, { kind: 'send' }>): Promise<null> => {
  const [, , , , QueueOwnerAWSAccountId, QueueName] = replay.queueArn.split(':');
  const { QueueUrl } = await calling(sqs.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId })));
  await calling(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: replay.body })));
  return null;
};

/**
 * Replays a letter: invokes its function and waits for what it answers, or sends it to its queue again. Answers why it failed, or null when it is
 * done. It stays where it lies either way. @throws AppError when a service does not answer.
 */
export const replayLetter = async ({ letter }: KeptLetter): Promise<string | null> => {
  const replay = within(await queueArn(), letter.replay);
  if (replay.kind === 'none') return `cannot be replayed: ${replay.why}`;
  return replay.kind === 'invoke' ? invoke(replay) : send(replay);
};

/** Takes a letter away for good. */
export const discardLetter = async ({ place }: KeptLetter): Promise<void> => {
  if (place.kind === 'object')
    await calling(s3.send(new DeleteObjectCommand({ Bucket: bucket(), Key: place.key })));
  else
    await calling(sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl(), ReceiptHandle: place.receipt })));
};

const isOver = (error: Error): boolean =>
  ['MessageNotInflight', 'ReceiptHandleIsInvalid', 'InvalidParameterValue'].includes(error.name);

/** Lets others read it again at once; one that others may read already is left alone. */
export const giveBack = async ({ place }: KeptLetter): Promise<void> => {
  if (place.kind === 'object') return;
  const change = new ChangeMessageVisibilityCommand({
    QueueUrl: queueUrl(),
    ReceiptHandle: place.receipt,
    VisibilityTimeout: 0,
  });
  await calling<unknown>(sqs.send(change), (error) => (isOver(error) ? 'over' : undefined));
};
