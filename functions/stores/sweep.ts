import { gunzipSync, gzipSync } from 'node:zlib';
import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { ownDigests } from '../../shared/domain/artifacts.ts';
import type { Head } from '../../shared/domain/configuration.ts';
import type { StoredJob } from '../../shared/domain/import-job.ts';
import type { ObjectVersion, SweepRun } from '../../shared/domain/sweep.ts';
import { AppError } from '../../shared/errors.ts';
import { keys, prefixes } from '../../shared/tables.ts';
import { dynamo, format, getItem, onCondition, tableName } from './dynamo.ts';
import { calling } from './faults.ts';
import { bucketName, getObject, s3, sha256 } from './objects.ts';
import { surveyTable } from './survey.ts';

export const readRun = (): Promise<SweepRun | undefined> => getItem<SweepRun>(keys.ofSweep, keys.sweep);

/**
 * Stores how far a run has come, if the one stored is the version that it was read as. SUPERSEDED when another process was faster: this one
 * has nothing more to do.
 */
export const saveRun = async (run: SweepRun, seen: number): Promise<SweepRun> => {
  const next = { ...run, version: seen + 1 };
  const put = new PutCommand({
    TableName: tableName(),
    Item: { pk: keys.ofSweep, sk: keys.sweep, ...next, format },
    ConditionExpression: 'attribute_not_exists(pk) OR #version = :seen',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':seen': seen },
  });
  if (!(await onCondition(dynamo.send(put)))) throw new AppError('SUPERSEDED', 'Another sweep has gone on.');
  return next;
};

/** What a page of the table names: the roots and the own artifacts of heads and revisions, and the imports that were lost by `now`. */
export interface TablePage {
  roots: string[];
  /** Digests of objects under `artifacts/`. */
  artifacts: string[];
  lost: StoredJob[];
  next?: string;
}

const rootsOf = ({ configuration }: Head): string[] =>
  Object.values(configuration.lists).map((list) => list.root);

/**
 * One page of the whole table: what was written before the call is in it. Every revision that is still there names its lists and
 * its artifacts, also in its days of grace.
 */
export const scanTable = async (cursor: string | undefined, now: Date): Promise<TablePage> => {
  const from = cursor === undefined ? undefined : (JSON.parse(cursor) as Record<string, unknown>);
  const { heads, revisions, lost, next } = await surveyTable(from, now);
  const all = [...heads, ...revisions];
  return {
    roots: all.flatMap(rootsOf),
    artifacts: [...new Set(all.flatMap(({ configuration }) => ownDigests(configuration, sha256)))],
    lost,
    ...(next ? { next: JSON.stringify(next) } : {}),
  };
};

const partKey = (runId: string, part: string): string => `${prefixes.sweep}${runId}/${part}`;

/**
 * Keeps digests that a run has marked, one a line, before the run says how far it has come. `part` is nobody else's: of two processes that
 * mark from the same place only one goes on, and what the other has kept must not take the place of it. Marks too many do no harm.
 */
export const putPart = async (runId: string, part: string, digests: readonly string[]): Promise<void> => {
  const put = new PutObjectCommand({
    Bucket: bucketName(),
    Key: partKey(runId, part),
    Body: gzipSync(digests.map((digest) => `${digest}\n`).join('')),
    ContentType: 'text/plain; charset=utf-8',
    ContentEncoding: 'gzip',
  });
  await calling(s3.send(put));
};

const partsOf = async (runId: string): Promise<Set<string>> => {
  const found = new Set<string>();
  let cursor: string | undefined;
  do {
    const { versions, next } = await listVersions(partKey(runId, ''), cursor);
    for (const { key } of versions) found.add(key);
    cursor = next;
  } while (cursor !== undefined);
  return found;
};

/** What a run has marked. SOURCE_NOT_FOUND where not even the `parts` parts are there that it says it has. */
export const readParts = async (runId: string, parts: number): Promise<Set<string>> => {
  const named = new Set<string>();
  const found = await partsOf(runId);
  if (found.size < parts)
    throw new AppError(
      'SOURCE_NOT_FOUND',
      `Of ${parts} parts of the mark ${runId}, ${found.size} are there.`,
    );
  for (const key of found) {
    const { Body } = await getObject(key);
    const bytes = await calling(Body?.transformToByteArray() ?? Promise.resolve(new Uint8Array(0)));
    for (const digest of gunzipSync(bytes).toString('utf8').split('\n')) if (digest !== '') named.add(digest);
  }
  return named;
};

/** One page of the versions of a prefix, in the bucket's order. */
export interface VersionsPage {
  versions: ObjectVersion[];
  markers: ObjectVersion[];
  next?: string;
}

const versionOf = (listed: { Key?: string; VersionId?: string; LastModified?: Date }): ObjectVersion => ({
  key: listed.Key ?? '',
  versionId: listed.VersionId ?? '',
  modifiedAt: listed.LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
});

export const listVersions = async (prefix: string, cursor?: string): Promise<VersionsPage> => {
  const from: { key?: string; versionId?: string } = cursor === undefined ? {} : JSON.parse(cursor);
  const list = new ListObjectVersionsCommand({
    Bucket: bucketName(),
    Prefix: prefix,
    KeyMarker: from.key,
    VersionIdMarker: from.versionId,
  });
  const answer = await calling<ListObjectVersionsCommandOutput>(s3.send(list));
  const { NextKeyMarker: key, NextVersionIdMarker: versionId } = answer;
  return {
    versions: (answer.Versions ?? []).map(versionOf),
    markers: (answer.DeleteMarkers ?? []).map(versionOf),
    ...(answer.IsTruncated ? { next: JSON.stringify({ key, versionId }) } : {}),
  };
};

/** Deletes up to 1,000 versions, each by its id. UNAVAILABLE when the bucket could not delete one of them; the others are gone. */
export const deleteVersions = async (versions: readonly ObjectVersion[]): Promise<void> => {
  if (versions.length === 0) return;
  const Objects = versions.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
  const remove = new DeleteObjectsCommand({ Bucket: bucketName(), Delete: { Objects, Quiet: true } });
  const { Errors: errors = [] } = await calling(s3.send(remove));
  if (errors.length === 0) return;
  const [{ Key, Code }] = errors as [{ Key?: string; Code?: string }];
  throw new AppError('UNAVAILABLE', `${errors.length} versions could not be deleted: ${Key}, ${Code}.`);
};

/** Takes away what runs of the sweep have marked, all but those of the run named. */
export const clearParts = async (kept?: string): Promise<void> => {
  let cursor: string | undefined;
  do {
    const { versions, markers, next } = await listVersions(prefixes.sweep, cursor);
    const gone = [...versions, ...markers].filter(
      ({ key }) => kept === undefined || !key.startsWith(partKey(kept, '')),
    );
    await deleteVersions(gone);
    cursor = next;
  } while (cursor !== undefined);
};
