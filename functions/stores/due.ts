import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Due, failureOf, nextLook, nextTry } from '../../shared/domain/due.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { requireEnv } from '../lib/env.ts';
import {
  dynamo,
  format,
  getItem,
  onCondition,
  type PageOptions,
  queryListed,
  type TransactItem,
  tableName,
} from './dynamo.ts';
import { calling } from './faults.ts';

const periodMinutes = (): number => Number(requireEnv('RECONCILE_MINUTES'));

const keyOf = (scannerId: string) => ({ pk: keys.ofScanner(scannerId), sk: sortKeys.due });

const listed = ({ scannerId, at }: Pick<Due, 'scannerId' | 'at'>) => ({
  listPk: keys.listedDue,
  listSk: `${at}#${scannerId}`,
});

const itemOf = (due: Due) => ({ ...keyOf(due.scannerId), ...listed(due), ...due });

/** The first look at a Scanner, for the transaction that registers it; of an earlier registration of the id one may be left. */
export const firstDue = (scannerId: string, now: Date): TransactItem => {
  const at = nextLook(now, periodMinutes(), Math.random());
  const item = itemOf({ scannerId, at, failures: 0, version: now.getTime() });
  return { Put: { TableName: tableName(), Item: { ...item, format } } };
};

/**
 * After a look that went well: the next comes a period later, and what failed before is forgotten. Does nothing where somebody else has written
 * since `seen` was read: whoever failed or asked meanwhile must not be put off.
 */
export const lookLater = async (scannerId: string, seen: Due | undefined, now: Date): Promise<void> => {
  const at = nextLook(now, periodMinutes(), Math.random());
  const next = itemOf({ scannerId, at, failures: 0, version: (seen?.version ?? 0) + 1 });
  const put = new PutCommand({
    TableName: tableName(),
    Item: { ...next, format },
    ConditionExpression: seen ? 'version = :seen' : 'attribute_not_exists(pk)',
    ...(seen ? { ExpressionAttributeValues: { ':seen': seen.version } } : {}),
  });
  await onCondition(dynamo.send(put));
};

/** Writes members of the item and counts the write, whatever is there. Who asked is answered by it: left there, it would wake the worker again. */
const setting = (scannerId: string, at: string, members: Partial<Due>) => {
  const written = { scannerId, at, ...listed({ scannerId, at }), ...members, format };
  const names = Object.keys(written);
  return {
    TableName: tableName(),
    Key: keyOf(scannerId),
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')} ADD version :one${members.askedAt ? '' : ' REMOVE askedAt, askedRequestId'}`,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(written).map(([name, value]) => [`:${name}`, value])),
      ':one': 1,
    },
  };
};

const set = async (scannerId: string, at: string, members: Partial<Due>): Promise<void> => {
  await calling(dynamo.send(new UpdateCommand(setting(scannerId, at, members))));
};

/** A look at a time, whatever was meant before, for a transaction. */
export const dueAt = (scannerId: string, at: Date): TransactItem => ({
  Update: setting(scannerId, at.toISOString(), {}),
});

/** After a look that failed: it is tried again soon, whatever anybody else meant, and what failed is kept to be shown. */
export const tryAgain = async (scannerId: string, error: unknown, now: Date): Promise<void> => {
  const present = await getItem<Due>(keys.ofScanner(scannerId), sortKeys.due);
  const failures = (present?.failures ?? 0) + 1;
  const at = nextTry(now, failures, periodMinutes(), Math.random());
  await set(scannerId, at, { failures, lastError: failureOf(error, now) });
};

/** An operator asks for a look now: the write wakes the worker, by the router. */
export const askNow = (scannerId: string, now: Date, askedRequestId?: string): Promise<void> =>
  set(scannerId, now.toISOString(), {
    askedAt: now.toISOString(),
    ...(askedRequestId === undefined ? {} : { askedRequestId }),
  });

/** Ends the looks at a Scanner that is no more, unless somebody has written since `seen` was read: the id may be registered again. */
export const forgetDue = async (scannerId: string, seen: Due | undefined): Promise<void> => {
  if (!seen) return;
  const forget = new DeleteCommand({
    TableName: tableName(),
    Key: keyOf(scannerId),
    ConditionExpression: 'version = :seen',
    ExpressionAttributeValues: { ':seen': seen.version },
  });
  await onCondition(dynamo.send(forget));
};

/** Scanners that are due at a time, the longest due first. */
export const listDue = (now: Date, page: PageOptions) =>
  queryListed<Due>(keys.listedDue, {
    ...page,
    filter: {
      KeyConditionExpression: 'listPk = :listPk AND listSk <= :now',
      ExpressionAttributeValues: { ':now': `${now.toISOString()}~` },
    },
  });
