import { DynamoDBClient, type TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../shared/errors.ts';
import { table } from '../../shared/tables.ts';
import { requireEnv } from '../lib/env.ts';
import { calling, patience, translated } from './faults.ts';
import { format, readable } from './format.ts';

export { format };

/** The one client; undefined members of an item are left out. */
export const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(patience), {
  // A map may have any names, `constructor` among them, by which the marshaller would take it for something else than a map.
  marshallOptions: { removeUndefinedValues: true, convertClassInstanceToMap: true },
});

export const tableName = (): string => requireEnv('TABLE_NAME');

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Reads one item, strongly consistent. STORED_FORMAT where a newer version wrote it, as of every read here. */
export const getItem = async <T>(pk: string, sk: string): Promise<T | undefined> => {
  const get = new GetCommand({ TableName: tableName(), Key: { pk, sk }, ConsistentRead: true });
  return readable((await calling(dynamo.send(get))).Item as T | undefined);
};

export interface ItemKey {
  pk: string;
  sk: string;
}

/** Reads up to 100 keys, strongly consistent; what the table leaves over under load is asked for again. */
export const batchGet = async (wanted: readonly ItemKey[]): Promise<Record<string, unknown>[]> => {
  const found: Record<string, unknown>[] = [];
  let left: readonly ItemKey[] = wanted;
  for (let round = 0; left.length > 0; round++) {
    if (round > 5) throw new AppError('THROTTLED');
    const get = new BatchGetCommand({
      RequestItems: { [tableName()]: { Keys: [...left], ConsistentRead: true } },
    });
    const answer = await calling(dynamo.send(get));
    found.push(...(answer.Responses?.[tableName()] ?? []).map(readable));
    left = (answer.UnprocessedKeys?.[tableName()]?.Keys ?? []) as ItemKey[];
  }
  return found;
};

/** What a write on a condition answers; null where the condition does not hold. */
export const onCondition = <T extends object>(write: Promise<T>): Promise<T | null> =>
  calling<T | null>(write, (error) => (error.name === 'ConditionalCheckFailedException' ? null : undefined));

/** A put that takes place only where no such item is. */
export const putNew = (item: object): TransactItem => ({
  Put: { TableName: tableName(), Item: { ...item, format }, ConditionExpression: 'attribute_not_exists(pk)' },
});

/** Why each item of a cancelled transaction failed, in order of the request; null when the error is another one. */
const cancellationCodes = (error: Error): string[] | null =>
  error.name === 'TransactionCanceledException'
    ? ((error as TransactionCanceledException).CancellationReasons ?? []).map(
        (reason) => reason.Code ?? 'None',
      )
    : null;

/** How a transaction ended: all of it stored; one of its conditions does not hold; or another transaction was in the way. */
export type TransactOutcome = { kind: 'committed' } | { kind: 'refused'; index: number } | { kind: 'raced' };

const outcomeOf = (codes: string[]): TransactOutcome | undefined => {
  const index = codes.indexOf('ConditionalCheckFailed');
  if (index >= 0) return { kind: 'refused', index };
  return codes.includes('TransactionConflict') ? { kind: 'raced' } : undefined;
};

/** Commits all items or none. THROTTLED and UNAVAILABLE leave nothing, or all of it: ask the table. */
export const transact = async (items: TransactItem[]): Promise<TransactOutcome> => {
  try {
    await dynamo.send(new TransactWriteCommand({ TransactItems: items }));
    return { kind: 'committed' };
  } catch (error) {
    const codes = (error instanceof Error && cancellationCodes(error)) || [];
    const outcome = outcomeOf(codes);
    if (outcome) return outcome;
    if (codes.some((code) => code === 'ThrottlingError' || code === 'ProvisionedThroughputExceeded'))
      throw new AppError('THROTTLED', undefined, { cause: error });
    throw translated(error);
  }
};

/**
 * Commits a change together with what was asked for beside it, all or none; false where the change itself is refused, or another was at it.
 * SUPERSEDED where only what was asked for beside it is refused: something that the caller depends on has changed.
 */
export const transactBeside = async (
  own: readonly TransactItem[],
  beside: readonly TransactItem[],
): Promise<boolean> => {
  const outcome = await transact([...own, ...beside]);
  if (outcome.kind === 'refused' && outcome.index >= own.length)
    throw new AppError('SUPERSEDED', 'Something that this change depends on has changed.');
  return outcome.kind === 'committed';
};

/** The cursor that goes on behind an item of a partition, by its key there. */
export const encodeCursor = (key: object): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** The key in a cursor; CURSOR_INVALID for anything that this table did not give for that partition. */
const decodeCursor = (cursor: string, partition: Record<string, string>, names: string[]) => {
  try {
    const key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Record<string, unknown>;
    const strings = names.every((name) => typeof key[name] === 'string' && key[name] !== '');
    const same = Object.entries(partition).every(([name, value]) => key[name] === value);
    if (strings && same && Object.keys(key).length === names.length) return key;
  } catch {
    // Falls through: whatever it is, it is no cursor of ours.
  }
  throw new AppError('CURSOR_INVALID');
};

/** A starting key outside of what is queried is an error of the service; here it is a cursor of another list. */
const within = (key: Record<string, unknown>, prefix: string): Record<string, unknown> => {
  if (String(key['sk']).startsWith(prefix)) return key;
  throw new AppError('CURSOR_INVALID');
};

export interface PageOptions {
  limit: number;
  cursor?: string | undefined;
  newestFirst?: boolean;
}

interface ItemPage<T> {
  items: T[];
  nextCursor?: string;
}

const queryPage = async <T>(query: QueryCommandInput): Promise<ItemPage<T>> => {
  const answer = await calling(dynamo.send(new QueryCommand(query)));
  return {
    items: (answer.Items ?? []).map(readable) as T[],
    ...(answer.LastEvaluatedKey ? { nextCursor: encodeCursor(answer.LastEvaluatedKey) } : {}),
  };
};

/** One page of an index partition, in the order of its sort key. */
export const queryListed = async <T>(
  listPk: string,
  options: PageOptions & { filter?: Partial<QueryCommandInput> },
): Promise<ItemPage<T>> => {
  const { limit, cursor, newestFirst, filter } = options;
  const names = ['pk', 'sk', 'listPk', 'listSk'];
  return queryPage<T>({
    TableName: tableName(),
    IndexName: table.index.name,
    KeyConditionExpression: 'listPk = :listPk',
    ...filter,
    ExpressionAttributeValues: { ':listPk': listPk, ...filter?.ExpressionAttributeValues },
    ScanIndexForward: !newestFirst,
    Limit: limit,
    ...(cursor ? { ExclusiveStartKey: decodeCursor(cursor, { listPk }, names) } : {}),
  });
};

/** One page of a partition's items whose sort keys begin with `prefix`, in their order, strongly consistent. */
export const queryItems = async <T>(
  pk: string,
  prefix: string,
  options: PageOptions,
): Promise<ItemPage<T>> => {
  const { limit, cursor, newestFirst } = options;
  return queryPage<T>({
    TableName: tableName(),
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
    ScanIndexForward: !newestFirst,
    Limit: limit,
    ConsistentRead: true,
    ...(cursor ? { ExclusiveStartKey: within(decodeCursor(cursor, { pk }, ['pk', 'sk']), prefix) } : {}),
  });
};
