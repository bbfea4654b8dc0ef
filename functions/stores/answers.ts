import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { AppError } from '../../shared/errors.ts';
import { keys, table } from '../../shared/tables.ts';
import { getItem, putNew, type TransactItem } from './dynamo.ts';

/** A request that says which one it is, so that sending it again does nothing again. */
export interface KeyedRequest {
  /** The `Idempotency-Key`, as one caller gave it. */
  key: string;
  actor: string;
  /** sha-256 of everything that the request asks. */
  hash: string;
}

export interface RememberedAnswer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

interface Item {
  hash: string;
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
  expiresAt: number;
}

/** A key is kept for 24 hours (DESIGN 6). */
const keptSeconds = 86_400;
/** An item has up to 400 KB (DynamoDB quotas); this leaves room for the rest of it. */
const largestBody = 380_000;

const partitionOf = ({ key, actor }: KeyedRequest): string =>
  keys.ofAnswer(createHash('sha256').update(`${actor}\n${key}`).digest('hex'));

/**
 * The answer that was given to the request before, or null for a request that is new. IDEMPOTENCY_KEY_REUSED for another request under
 * the same key.
 */
export const recall = async (request: KeyedRequest, now: Date): Promise<RememberedAnswer | null> => {
  const item = await getItem<Item>(partitionOf(request), keys.answer);
  // The table deletes expired items some time later (DynamoDB developer guide, "Time to Live").
  if (!item || item.expiresAt * 1000 <= now.getTime()) return null;
  if (item.hash !== request.hash)
    throw new AppError('IDEMPOTENCY_KEY_REUSED', 'Another request was made under this Idempotency-Key.');
  const { status, headers } = item;
  return { status, headers, body: JSON.parse(gunzipSync(item.body).toString('utf8')) };
};

/** Keeps an answer with the write that it tells of; refused where the request was answered in the meantime. */
export const rememberItem = (request: KeyedRequest, answer: RememberedAnswer, now: Date): TransactItem => {
  const body = gzipSync(JSON.stringify(answer.body));
  if (body.length > largestBody)
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      'The answer is too large to be kept under an Idempotency-Key; ask for less at once.',
    );
  const seconds = Math.floor(now.getTime() / 1000);
  const { Put } = putNew({
    pk: partitionOf(request),
    sk: keys.answer,
    hash: request.hash,
    status: answer.status,
    headers: answer.headers,
    body,
    [table.ttl]: seconds + keptSeconds,
  });
  return {
    Put: {
      ...(Put as NonNullable<typeof Put>),
      ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now',
      ExpressionAttributeValues: { ':now': seconds },
    },
  };
};
