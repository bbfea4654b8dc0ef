import { type Artifacts, artifactChanges } from '../../shared/domain/artifacts.ts';
import type { Certificate, ClientAuthority } from '../../shared/schemas/certificates.ts';
import type { DirectorySource } from '../../shared/schemas/directory-sources.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { batchGet, format, queryItems, type TransactItem, tableName } from './dynamo.ts';

/** What the table holds of a certificate, of the directory sources or of the client authorities, as far as all of them have it. */
export interface FleetArtifact {
  artifact: string;
  /** sha-256 of the text that Scanners fetch. */
  digest: string;
  /** Counts its changes, from 1. */
  version: number;
  /** Set while somebody deletes it: nobody may begin to use it. */
  deleting?: true;
}

/** A certificate with its key; the artifact is named by its id. */
export interface CertificateRecord extends FleetArtifact, Omit<Certificate, 'assignedTo' | 'warnings'> {}

/** All directory sources: Scanners ask each that has the function, so they are one artifact. Passwords are in its text alone. */
export interface DirectoriesRecord extends FleetArtifact {
  sources: DirectorySource[];
}

/** All client authorities, one artifact likewise. */
export interface AuthoritiesRecord extends FleetArtifact {
  authorities: ClientAuthority[];
}

/** Artifacts of the fleet by name, in one read, strongly consistent; those that are not there, or are being deleted, are left out. */
export const readFleetArtifacts = async <T extends FleetArtifact>(
  names: readonly string[],
): Promise<Map<string, T>> => {
  if (names.length === 0) return new Map();
  const items = await batchGet(names.map((name) => ({ pk: keys.ofArtifact(name), sk: sortKeys.artifact })));
  const found = (items as unknown as T[]).filter((item) => item.deleting === undefined);
  return new Map(found.map((item) => [item.artifact, item]));
};

const stillIs = ([name, digest]: [string, string]): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofArtifact(name), sk: sortKeys.artifact },
    ConditionExpression: 'digest = :digest AND attribute_not_exists(deleting)',
    ExpressionAttributeValues: { ':digest': digest },
  },
});

const userKey = (name: string, scannerId: string) => ({
  pk: keys.ofArtifact(name),
  sk: keys.user(scannerId),
});

/**
 * What a commit adds for the artifacts that it begins or ceases to use: each is still what it was when the change was computed, and knows
 * its users. So whoever renews or deletes it finds every Scanner whose head names it.
 */
export const artifactItems = (scannerId: string, before: Artifacts, after: Artifacts): TransactItem[] => {
  const { taken, left } = artifactChanges(before, after);
  const begun = taken.filter(([name]) => before[name] === undefined);
  return [
    ...taken.map(stillIs),
    ...begun.map(([name]) => ({
      Put: { TableName: tableName(), Item: { ...userKey(name, scannerId), scannerId, format } },
    })),
    ...left.map((name) => ({ Delete: { TableName: tableName(), Key: userKey(name, scannerId) } })),
  ];
};

/** Scanners whose heads name an artifact, in the order of their ids, strongly consistent. */
export const listUsers = (name: string, page: { limit: number; cursor?: string | undefined }) =>
  queryItems<{ scannerId: string }>(keys.ofArtifact(name), keys.userPrefix, page);
