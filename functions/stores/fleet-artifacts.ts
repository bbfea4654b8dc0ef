import { type Artifacts, artifactChanges } from '../../shared/domain/artifacts.ts';
import { AppError, type ErrorCode } from '../../shared/errors.ts';
import type { Certificate } from '../../shared/schemas/certificates.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { batchGet, format, getItem, queryItems, type TransactItem, tableName, transact } from './dynamo.ts';

/** What the table holds of a certificate, of the directory sources or of the client authorities, as far as all of them have it. */
export interface FleetArtifact {
  artifact: string;
  /** sha-256 of the text that Scanners fetch. */
  digest: string;
  /** Counts its changes, from 1. */
  version: number;
  /** Who changed it last, by which request: that is also who renews what Scanners have of it. */
  updatedBy: string;
  requestId: string;
}

/** A certificate with its key; the artifact is named by its id. */
export interface CertificateRecord extends FleetArtifact, Omit<Certificate, 'assignedTo' | 'warnings'> {
  /** sha-256 of certificate and chain: a renewal that brings the same ones changes nothing for Scanners. */
  chainDigest: string;
}

/** All directory sources, or all client authorities: Scanners use each, so they are one artifact. Each is an item of its own. */
export interface CollectionRecord extends FleetArtifact {
  /** sha-256 of the text with everything, passwords among it, which no Scanner is given. */
  vault: string;
  /** Those that Scanners use: directory sources with the function `authentication`; every client authority. */
  used: number;
}

/** Artifacts of the fleet by name, in one read, strongly consistent; those that are not there are left out. */
export const readFleetArtifacts = async <T extends FleetArtifact>(
  names: readonly string[],
): Promise<Map<string, T>> => {
  if (names.length === 0) return new Map();
  const items = await batchGet(names.map((name) => ({ pk: keys.ofArtifact(name), sk: sortKeys.artifact })));
  return new Map((items as unknown as T[]).map((item) => [item.artifact, item]));
};

/** One artifact's record, strongly consistent; undefined where there is none. */
export const findFleetArtifact = <T extends FleetArtifact>(name: string): Promise<T | undefined> =>
  getItem<T>(keys.ofArtifact(name), sortKeys.artifact);

const stillIs = ([name, digest]: [string, string]): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofArtifact(name), sk: sortKeys.artifact },
    ConditionExpression: 'digest = :digest',
    ExpressionAttributeValues: { ':digest': digest },
  },
});

const userKey = (name: string, scannerId: string) => ({
  pk: keys.ofArtifact(name),
  sk: keys.user(scannerId),
});

const usageKey = (name: string) => ({ pk: keys.ofArtifact(name), sk: keys.usage });

const counted = (name: string, more: 1 | -1): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: usageKey(name),
    UpdateExpression: 'SET #format = :format ADD #users :more',
    ExpressionAttributeNames: { '#users': 'users', '#format': 'format' },
    ExpressionAttributeValues: { ':more': more, ':format': format },
  },
});

/**
 * What a commit adds for the artifacts that it begins or ceases to use: each is still what it was when the change was computed, knows
 * its users, and counts them. So whoever renews it finds every Scanner whose head names it, and whoever deletes it can hold, in one
 * transaction, that there is none.
 */
export const artifactItems = (scannerId: string, before: Artifacts, after: Artifacts): TransactItem[] => {
  const { taken, left } = artifactChanges(before, after);
  const begun = taken.filter(([name]) => before[name] === undefined);
  return [
    ...taken.map(stillIs),
    ...begun.flatMap(([name]) => [
      { Put: { TableName: tableName(), Item: { ...userKey(name, scannerId), scannerId, format } } },
      counted(name, 1),
    ]),
    ...left.flatMap((name) => [
      { Delete: { TableName: tableName(), Key: userKey(name, scannerId) } },
      counted(name, -1),
    ]),
  ];
};

/** Scanners whose heads name an artifact, in the order of their ids, strongly consistent. */
export const listUsers = (name: string, page: { limit: number; cursor?: string | undefined }) =>
  queryItems<{ scannerId: string }>(keys.ofArtifact(name), keys.userPrefix, page);

/** Users that an answer names; there may be tens of thousands. */
const shownUsers = 1000;

export const firstUsers = async (name: string): Promise<string[]> =>
  (await listUsers(name, { limit: shownUsers })).items.map(({ scannerId }) => scannerId);

/** How many Scanners' heads name an artifact. */
export const countUsers = async (name: string): Promise<number> =>
  (await getItem<{ users: number }>(keys.ofArtifact(name), keys.usage))?.users ?? 0;

const unusedCondition = {
  ConditionExpression: 'attribute_not_exists(pk) OR #users = :none',
  ExpressionAttributeNames: { '#users': 'users' },
  ExpressionAttributeValues: { ':none': 0 },
};

/** For a commit that must not take away what a Scanner uses: holds that nobody does. */
export const unusedCheck = (name: string): TransactItem => ({
  ConditionCheck: { TableName: tableName(), Key: usageKey(name), ...unusedCondition },
});

/** As `unusedCheck`, and the count goes, too. */
export const unusedDelete = (name: string): TransactItem => ({
  Delete: { TableName: tableName(), Key: usageKey(name), ...unusedCondition },
});

/** The refusal to take away what Scanners use, with the first of them. */
export const inUse = async (code: ErrorCode, name: string): Promise<AppError> => {
  const [users, scannerIds] = await Promise.all([countUsers(name), firstUsers(name)]);
  const shown = scannerIds.slice(0, 3).join(', ');
  return new AppError(
    code,
    `${users} ${users === 1 ? 'Scanner uses' : 'Scanners use'} it: ${shown}${users > 3 ? ' and more' : ''}.`,
    {
      data: { users, scannerIds },
    },
  );
};

/** Throws the refusal where an artifact has users. */
export const assertUnused = async (code: ErrorCode, name: string): Promise<void> => {
  if ((await countUsers(name)) > 0) throw await inUse(code, name);
};

/** The record of an artifact as it will be, in place of the one that was read. */
export const recordPut = (record: FleetArtifact, listed: object = {}): TransactItem => ({
  Put: {
    TableName: tableName(),
    Item: { pk: keys.ofArtifact(record.artifact), sk: sortKeys.artifact, ...listed, ...record, format },
    ...(record.version === 1
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: '#version = :seen',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: { ':seen': record.version - 1 },
        }),
  },
});

/** Takes the record of an artifact away, if it is still the one that was read. */
export const recordDelete = ({ artifact, version }: FleetArtifact): TransactItem => ({
  Delete: {
    TableName: tableName(),
    Key: { pk: keys.ofArtifact(artifact), sk: sortKeys.artifact },
    ConditionExpression: '#version = :seen',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':seen': version },
  },
});

/** Items of a commit, each with what its refusal means; null: read again and decide again. */
export type CommitItem = readonly [TransactItem, (() => Promise<AppError>) | null];

/** Commits all items; false where somebody else was faster. The error of the first item that is refused, where it has one. */
export const commitItems = async (items: readonly CommitItem[]): Promise<boolean> => {
  const outcome = await transact(items.map(([item]) => item));
  if (outcome.kind === 'committed') return true;
  const refused = outcome.kind === 'refused' ? items[outcome.index]?.[1] : null;
  if (refused) throw await refused();
  return false;
};

/** For the item that remembers an answer: another request under the same key was faster. */
export const superseded = async (): Promise<AppError> => new AppError('SUPERSEDED');

/** `If-Match` of something of the fleet: its version. REVISION_CONFLICT when it has another one. */
export const assertVersion = (version: number, ifMatch: number | '*' | undefined): void => {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch === version) return;
  throw new AppError('REVISION_CONFLICT', `The present version is ${version}; read it and decide again.`, {
    data: { revision: version },
  });
};
