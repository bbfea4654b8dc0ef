import { DynamoDBClient, type TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
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
import { calling, translated } from './faults.ts';

/** The one client; undefined members of an item are left out. */
export const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
  marshallOptions: { removeUndefinedValues: true },
});

/** Version of the stored format, on every item. */
export const format = 1;

export const tableName = (): string => requireEnv('TABLE_NAME');

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Reads one item, strongly consistent. */
export const getItem = async <T>(pk: string, sk: string): Promise<T | undefined> => {
  const get = new GetCommand({ TableName: tableName(), Key: { pk, sk }, ConsistentRead: true });
  return (await calling(dynamo.send(get))).Item as T | undefined;
};

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

const encodeCursor = (key: Record<string, unknown>): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** The key in a cursor; CURSOR_INVALID for anything that this table did not give for that index partition. */
const decodeCursor = (cursor: string, listPk: string): Record<string, unknown> => {
  try {
    const key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Record<string, unknown>;
    const strings = ['pk', 'sk', 'listPk', 'listSk'].every(
      (name) => typeof key[name] === 'string' && key[name] !== '',
    );
    if (strings && key['listPk'] === listPk && Object.keys(key).length === 4) return key;
  } catch {
    // Falls through: whatever it is, it is no cursor of ours.
  }
  throw new AppError('CURSOR_INVALID');
};

/** One page of an index partition, in the order of its sort key. */
export const queryListed = async <T>(
  listPk: string,
  options: {
    limit: number;
    cursor?: string | undefined;
    newestFirst?: boolean;
    filter?: Partial<QueryCommandInput>;
  },
): Promise<{ items: T[]; nextCursor?: string }> => {
  const query = new QueryCommand({
    TableName: tableName(),
    IndexName: table.index.name,
    KeyConditionExpression: 'listPk = :listPk',
    ...options.filter,
    ExpressionAttributeValues: { ':listPk': listPk, ...options.filter?.ExpressionAttributeValues },
    ScanIndexForward: !options.newestFirst,
    Limit: options.limit,
    ...(options.cursor ? { ExclusiveStartKey: decodeCursor(options.cursor, listPk) } : {}),
  });
  const answer = await calling(dynamo.send(query));
  return {
    items: (answer.Items ?? []) as T[],
    ...(answer.LastEvaluatedKey ? { nextCursor: encodeCursor(answer.LastEvaluatedKey) } : {}),
  };
};
