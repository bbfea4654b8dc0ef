import { GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Head } from '../../shared/domain/configuration.ts';
import type { Item, RevisionAudit, StoredRevision } from '../../shared/domain/restore.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { pagesOf } from '../lib/pages.ts';
import { type Asked, auditItem } from './audit.ts';
import { dueAt } from './due.ts';
import {
  batchGet,
  dynamo,
  format,
  getItem,
  type ItemKey,
  onCondition,
  type PageOptions,
  putNew,
  queryItems,
  type TransactItem,
  tableName,
  transact,
} from './dynamo.ts';
import { calling } from './faults.ts';
import type { CertificateRecord } from './fleet-artifacts.ts';
import { retrying } from './retrying.ts';

/** One page of another table: that of a point-in-time recovery. @throws Error that names it where there is none. */
export const scanBackup = async (
  backup: string,
  from: Record<string, unknown> | undefined,
): Promise<{ items: Item[]; next?: Record<string, unknown> }> => {
  const scan = new ScanCommand({ TableName: backup, ConsistentRead: true, ExclusiveStartKey: from });
  const { Items = [], LastEvaluatedKey: next } = await calling(dynamo.send(scan), ({ name }) => {
    if (name === 'ResourceNotFoundException') throw new Error(`There is no table ${backup}.`);
    return undefined;
  });
  return { items: Items as Item[], ...(next ? { next } : {}) };
};

/** One item of the backup. */
export const backupItem = async <T>(backup: string, pk: string, sk: string): Promise<T | undefined> => {
  const get = new GetCommand({ TableName: backup, Key: { pk, sk }, ConsistentRead: true });
  return (await calling(dynamo.send(get))).Item as T | undefined;
};

/** One item of the live table, strongly consistent. */
export const liveItem = getItem;

const nameOf = ({ pk, sk }: ItemKey): string => `${pk}\n${sk}`;
const keysPerBatch = 100;

/** Those of the items that the live table lacks. */
export const missingOf = async (items: readonly Item[]): Promise<Item[]> => {
  const missing: Item[] = [];
  for (let from = 0; from < items.length; from += keysPerBatch) {
    const batch = items.slice(from, from + keysPerBatch);
    const found = await batchGet(batch.map(({ pk, sk }) => ({ pk, sk })));
    const there = new Set((found as unknown as ItemKey[]).map(nameOf));
    missing.push(...batch.filter((item) => !there.has(nameOf(item))));
  }
  return missing;
};

/** Puts an item where none is; false where somebody was faster. */
export const putMissing = async (item: object): Promise<boolean> => {
  const put = new PutCommand({
    TableName: tableName(),
    Item: { format, ...item },
    ConditionExpression: 'attribute_not_exists(pk)',
  });
  return (await onCondition(dynamo.send(put))) !== null;
};

const partition = async <T>(pk: string, prefix: string): Promise<T[]> => {
  const found: T[] = [];
  for await (const items of pagesOf((page: PageOptions) => queryItems<T>(pk, prefix, page), 1000))
    found.push(...items);
  return found;
};

/** What a partition is about, and whether the newest audit record about that says that it was deleted. */
export const deletedSubjects = async (pk: string): Promise<Map<string, boolean>> => {
  const audits = await partition<{ subject?: string; after: unknown }>(pk, keys.auditPrefix);
  return new Map(audits.map(({ subject = '', after }) => [subject, after === null]));
};

/** Everything that the live table says of one Scanner's history, strongly consistent, retained or not. */
export const readHistory = async (scannerId: string) => {
  const pk = keys.ofScanner(scannerId);
  const [head, registration, published] = await Promise.all(
    [sortKeys.head, sortKeys.scanner, sortKeys.published].map((sk) =>
      getItem<Record<string, unknown>>(pk, sk),
    ),
  );
  return {
    head,
    registration,
    revisions: await partition<StoredRevision>(pk, keys.revisionPrefix),
    audits: await partition<RevisionAudit>(pk, keys.auditPrefix),
    // What a Scanner reported is not asked: it may say any number.
    spokenOf: Number(published?.['revision'] ?? 0),
  };
};

/** Stores a revision where none with its number is. */
export const putRevision = (revision: StoredRevision): Promise<boolean> =>
  putMissing({ pk: keys.ofScanner(revision.scannerId), sk: keys.revision(revision.revision), ...revision });

/** The head that was read is still there, or still none is. */
const stillThere = (seen: Record<string, unknown> | undefined) => {
  if (!seen) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const revision = seen['revision'];
  return revision === undefined
    ? { ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(revision)' }
    : { ConditionExpression: 'revision = :seen', ExpressionAttributeValues: { ':seen': revision } };
};

/**
 * Puts a head in the place of the one that was read, with the revision that it begins, if it begins one, and the audit of that. False where somebody was
 * faster.
 */
export const putHead = async (
  head: Head,
  seen: Record<string, unknown> | undefined,
  made: StoredRevision | null,
  asked: Asked,
): Promise<boolean> => {
  const { scannerId, revision, configuration } = head;
  const pk = keys.ofScanner(scannerId);
  const item = { pk, sk: sortKeys.head, ...head, format };
  const begun: TransactItem[] = made
    ? [
        putNew({ pk, sk: keys.revision(revision), ...made }),
        auditItem(scannerId, asked, { before: null, after: configuration, revision }),
      ]
    : [];
  const headPut = { Put: { TableName: tableName(), Item: item, ...stillThere(seen) } };
  return (await transact([headPut, ...begun])).kind === 'committed';
};

const headStill = ({ scannerId, revision }: Head): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.head },
    ConditionExpression: 'revision = :revision',
    ExpressionAttributeValues: { ':revision': revision },
  },
});

/** Says that a head names an artifact, or that it does not, as the head says; false where that has moved on, or the item is so already. */
export const setUser = async (head: Head, artifact: string, uses: boolean): Promise<boolean> => {
  const { scannerId } = head;
  const key = { pk: keys.ofArtifact(artifact), sk: keys.user(scannerId) };
  const change: TransactItem = uses
    ? putNew({ ...key, scannerId })
    : { Delete: { TableName: tableName(), Key: key, ConditionExpression: 'attribute_exists(pk)' } };
  return (await transact([headStill(head), change])).kind === 'committed';
};

/** Brings the count of an artifact's users to what there are; true where it was another. */
export const settleUsage = (artifact: string): Promise<boolean> =>
  retrying(async () => {
    const key = { pk: keys.ofArtifact(artifact), sk: keys.usage };
    const seen = await getItem<{ users: number }>(key.pk, key.sk);
    const users = (await partition(key.pk, keys.userPrefix)).length;
    if (users === (seen?.users ?? 0)) return { changed: false };
    const update = new UpdateCommand({
      TableName: tableName(),
      Key: key,
      UpdateExpression: 'SET #users = :users, #format = :format',
      ConditionExpression: seen ? '#users = :seen' : 'attribute_not_exists(#users)',
      ExpressionAttributeNames: { '#users': 'users', '#format': 'format' },
      ExpressionAttributeValues: {
        ':users': users,
        ':format': format,
        ...(seen ? { ':seen': seen.users } : {}),
      },
    });
    return (await onCondition(dynamo.send(update))) && { changed: true };
  }).then(({ changed }) => changed);

/** Gives a certificate the name that its record says, where nobody has it; false where somebody has. */
export const holdName = async ({ artifact, name, version }: CertificateRecord): Promise<boolean> => {
  const outcome = await transact([
    {
      ConditionCheck: {
        TableName: tableName(),
        Key: { pk: keys.ofArtifact(artifact), sk: sortKeys.artifact },
        ConditionExpression: '#version = :seen',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':seen': version },
      },
    },
    putNew({ pk: keys.ofCertificateName(name), sk: keys.certificateName, certificateId: artifact }),
  ]);
  return outcome.kind === 'committed';
};

/** A Scanner is looked at as soon as somebody looks. */
export const dueNow = async (scannerId: string, now: Date): Promise<void> => {
  await transact([dueAt(scannerId, now)]);
};
