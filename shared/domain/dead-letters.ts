import {
  batchAnswer,
  errorLine,
  functionError,
  type InvocationRecord,
  invocationRecord,
  streamEvent,
} from '../messages/dead-letter.ts';
import { objectCreated } from '../messages/object-event.ts';

/** What replays a letter. */
export type Replay =
  | { kind: 'invoke'; functionArn: string; payload: unknown }
  | { kind: 'send'; queueArn: string; body: string }
  | { kind: 'none'; why: string };

/** Something that was given up after all its tries. */
export interface DeadLetter {
  /** When it was given up, as far as it is known; ISO 8601. */
  at: string;
  /** Name of the function or queue that it was for. */
  to: string;
  /** Why it was given up. */
  why: string;
  /** Which keys it is about. */
  about: string;
  /** How often it was tried; null where nothing tells. */
  tries: number | null;
  replay: Replay;
}

/** A message of the dead-letter queue. */
export interface DeadMessage {
  body: string;
  sentAt: string;
  /** ARN of the queue that gave it up, where one did. */
  source?: string | undefined;
  /** What EventBridge tells of an event that it could not hand over (EventBridge user guide, "Using dead-letter queues"). */
  attributes: Record<string, string>;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Name of what an ARN names, without the version or the alias of a function. */
export const nameOf = (arn: string): string =>
  arn
    .split(':')
    .slice(5)
    .join(':')
    .replace(/^function:([^:]+)(?::.*)?$/, '$1');

const unique = (values: string[]): string => {
  const all = [...new Set(values)];
  const shown = all.slice(0, 3).join(', ');
  return all.length > 3 ? `${shown} and ${all.length - 3} more` : shown;
};

const scalars = (value: unknown): string =>
  Object.entries(typeof value === 'object' && value !== null ? value : { value })
    .filter(([, member]) => ['string', 'number', 'boolean'].includes(typeof member))
    .map(([name, member]) => `${name} ${member}`)
    .join(', ');

/** Which keys an event is about: those of items or of an object, else its plain members. */
const aboutOf = (event: unknown): string => {
  const stream = streamEvent.safeParse(event);
  if (stream.success)
    return unique(stream.data.Records.map(({ dynamodb: { Keys } }) => `${Keys.pk.S} ${Keys.sk.S}`));
  const object = objectCreated.safeParse(event);
  return object.success ? object.data.detail.object.key : scalars(event);
};

/** What a function said that threw: `TypeError: …`. */
const errorText = (payload: unknown): string | undefined => {
  const { errorType, errorMessage } = functionError.safeParse(payload).data ?? {};
  return errorType === undefined && errorMessage === undefined
    ? undefined
    : [errorType, errorMessage].filter(Boolean).join(': ');
};

const whyOf = ({ requestContext, responseContext, responsePayload }: InvocationRecord): string => {
  const threw = responseContext?.functionError === undefined ? undefined : 'the function threw';
  return [requestContext.condition, errorText(responsePayload) ?? threw].filter(Boolean).join(', ');
};

/** An event may be told as JSON in a string. */
const eventOf = (payload: unknown): unknown =>
  typeof payload === 'string' ? (parsed(payload) ?? payload) : payload;

const gone = 'it tells where its records were in the stream, and not what they were';

const replayOf = (record: InvocationRecord, event: unknown): Replay => {
  if (event !== undefined)
    return { kind: 'invoke', functionArn: record.requestContext.functionArn, payload: event };
  return { kind: 'none', why: record.DDBStreamBatchInfo ? gone : 'its event was too large to be kept' };
};

const ofInvocation = (record: InvocationRecord, at: string): DeadLetter => {
  const event = eventOf(record.requestPayload ?? record.payload);
  return {
    at: record.timestamp ?? at,
    to: nameOf(record.requestContext.functionArn),
    why: whyOf(record),
    about: event === undefined ? `${record.DDBStreamBatchInfo?.batchSize ?? 1} records` : aboutOf(event),
    tries: record.requestContext.approximateInvokeCount ?? null,
    replay: replayOf(record, event),
  };
};

/** Where an event of EventBridge was to go, or a message came from. */
const targetOf = ({ source, attributes }: DeadMessage): string | undefined =>
  source ?? attributes['TARGET_ARN'];

const replayAt = (arn: string, body: string): Replay => {
  const [, , service] = arn.split(':');
  if (service === 'sqs') return { kind: 'send', queueArn: arn, body };
  if (service === 'lambda') return { kind: 'invoke', functionArn: arn, payload: parsed(body) };
  return { kind: 'none', why: `nobody knows how to hand something to ${arn}` };
};

const ofMessage = (message: DeadMessage, arn: string): DeadLetter => {
  const { ERROR_CODE, ERROR_MESSAGE, RETRY_ATTEMPTS } = message.attributes;
  return {
    at: message.sentAt,
    to: nameOf(arn),
    why: message.source
      ? 'received too often'
      : [ERROR_CODE, ERROR_MESSAGE].filter(Boolean).join(': ') || 'could not be handed over',
    about: aboutOf(parsed(message.body)) || 'a message',
    tries: RETRY_ATTEMPTS === undefined ? null : Number(RETRY_ATTEMPTS) + 1,
    replay: replayAt(arn, message.body),
  };
};

const unknown = (at: string): DeadLetter => ({
  at,
  to: '?',
  why: 'not understood',
  about: '?',
  tries: null,
  replay: { kind: 'none', why: 'it is not understood' },
});

/** A message of the dead-letter queue, read: of an asynchronous invocation, of another queue, or of EventBridge. */
export const letterInQueue = (message: DeadMessage): DeadLetter => {
  const arn = targetOf(message);
  if (arn !== undefined) return ofMessage(message, arn);
  const record = invocationRecord.safeParse(parsed(message.body));
  return record.success ? ofInvocation(record.data, message.sentAt) : unknown(message.sentAt);
};

/** An object of the dead records, read. */
export const letterInObject = (text: string, writtenAt: string): DeadLetter => {
  const record = invocationRecord.safeParse(parsed(text));
  return record.success ? ofInvocation(record.data, writtenAt) : unknown(writtenAt);
};

/** What the last error was that a function logged, as far as the end of its log tells. */
const loggedError = (log: string): string | undefined => {
  const lines = log.split('\n').map((line) => errorLine.safeParse(parsed(line.slice(line.indexOf('{')))));
  const { message, cause } = lines.findLast((line) => line.success)?.data ?? {};
  return cause ? `${cause.name}: ${cause.message}` : message;
};

/**
 * Why a function that was invoked with a letter could not do it; null when it could. `threw` is whether Lambda says that it ended with an
 * error, `answer` what it answered, `log` the end of its log: of records that failed only the log says why.
 */
export const failureOf = (threw: boolean, answer: unknown, log: string): string | null => {
  if (threw) return errorText(answer) ?? 'the function threw';
  const failures = batchAnswer.safeParse(answer).data?.batchItemFailures.length ?? 0;
  return failures === 0
    ? null
    : [`records that failed: ${failures}`, loggedError(log)].filter(Boolean).join('; ');
};

const placeOf = (arn: string): string => arn.split(':').slice(3, 5).join(':');

/**
 * The replay of a letter that came by way of this queue, or of a bucket beside it: only to functions and queues of the same region and account, so that
 * whoever can write a letter cannot have an operator hand it to anybody else.
 */
export const within = (queueArn: string, replay: Replay): Replay => {
  if (replay.kind === 'none') return replay;
  const arn = replay.kind === 'invoke' ? replay.functionArn : replay.queueArn;
  return placeOf(arn) === placeOf(queueArn)
    ? replay
    : { kind: 'none', why: `${arn} is of another region or account than the dead letters` };
};
