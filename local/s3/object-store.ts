import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { BucketModel } from '../model.ts';
import type { State } from '../state.ts';
import { type BodyClaims, startDigests, type Verified } from './checksums.ts';
import { openDataKey } from './data-key.ts';
import { type ObjectFiles, openObjectFiles } from './object-files.ts';
import { S3Error } from './s3-error.ts';
import type { Payload } from './streaming-body.ts';

/** One version of an object, as the index has it. */
export interface StoredObject {
  bucket: string;
  key: string;
  versionId: string;
  deleteMarker: boolean;
  size: number;
  etag: string;
  /** Name of the file with its bytes; empty for a delete marker. */
  file: string;
  /** Content-Type and the other headers that come back as they were given. */
  headers: Record<string, string>;
  metadata: Record<string, string>;
  checksums: Record<string, string>;
  lastModified: number;
  /** Grows with every write; the sequencer of its event. */
  sequence: number;
  latest: boolean;
}

/** Bytes that are on disk and not yet named by the index. */
export interface Blob {
  file: string;
  size: number;
  etag: string;
  checksums: Verified['checksums'];
}

const schema = `
  CREATE TABLE IF NOT EXISTS s3_objects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key BLOB NOT NULL, version_id TEXT NOT NULL,
    latest INTEGER NOT NULL, delete_marker INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, file TEXT NOT NULL,
    headers TEXT NOT NULL, metadata TEXT NOT NULL, checksums TEXT NOT NULL, last_modified INTEGER NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS s3_objects_version ON s3_objects (bucket, key, version_id);
  CREATE INDEX IF NOT EXISTS s3_objects_latest ON s3_objects (bucket, latest, key);
  CREATE TABLE IF NOT EXISTS s3_parts (
    upload_id TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, file TEXT NOT NULL,
    last_modified INTEGER NOT NULL, PRIMARY KEY (upload_id, number));
  CREATE TABLE IF NOT EXISTS s3_uploads (
    upload_id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, headers TEXT NOT NULL, metadata TEXT NOT NULL,
    initiated INTEGER NOT NULL);`;

interface Row {
  sequence: number;
  bucket: string;
  key: Uint8Array;
  version_id: string;
  latest: number;
  delete_marker: number;
  size: number;
  etag: string;
  file: string;
  headers: string;
  metadata: string;
  checksums: string;
  last_modified: number;
}

const objectOf = (row: Row): StoredObject => ({
  bucket: row.bucket,
  key: Buffer.from(row.key).toString('utf8'),
  versionId: row.version_id,
  deleteMarker: row.delete_marker === 1,
  size: row.size,
  etag: row.etag,
  file: row.file,
  headers: JSON.parse(row.headers) as Record<string, string>,
  metadata: JSON.parse(row.metadata) as Record<string, string>,
  checksums: JSON.parse(row.checksums) as Record<string, string>,
  lastModified: row.last_modified,
  sequence: row.sequence,
  latest: row.latest === 1,
});

/** Keys are ordered and compared by their UTF-8 bytes. */
const bytesOf = (key: string): Buffer => Buffer.from(key, 'utf8');

export type NewObject = Omit<StoredObject, 'sequence' | 'latest' | 'versionId' | 'lastModified'>;

export interface ObjectStore extends Pick<ObjectFiles, 'read' | 'discard'> {
  /** Writes bytes of a bucket to a file, checking what the request claims of them; nothing names the file yet. */
  write(bucket: string, payload: Payload, claims: BodyClaims, limit?: number): Promise<Blob>;
  /** Writes bytes that need no checking, of a copy or of parts. */
  rewrite(bucket: string, bytes: AsyncIterable<Buffer>): Promise<string>;
  /** The ETag of what has this MD5: that, or under SSE-KMS one that says nothing of the bytes (S3 API reference, "Object"). */
  etagOf(bucket: string, md5: string): string;
  /** Makes an object visible, as a new version where the bucket has versions; inside a transaction of the caller's. */
  put(object: NewObject): StoredObject;
  latest(bucket: string, key: string): StoredObject | undefined;
  version(bucket: string, key: string, versionId: string): StoredObject | undefined;
  /** Takes one version away for good, and answers it with the sequence and the time of that; inside a transaction of the caller's. */
  erase(object: StoredObject): StoredObject;
  /** Up to `count` objects after `after` (exclusive) with the prefix, in byte order of their keys. */
  list(bucket: string, options: { prefix: string; after: Buffer; count: number }): StoredObject[];
  /** Versions and delete markers after a key, or after one version of it, newest first within a key. */
  listVersions(
    bucket: string,
    options: { prefix: string; after: Buffer; sequence: number; count: number },
  ): StoredObject[];
}

const firstByteAfter = (prefix: string): Buffer =>
  Buffer.concat([bytesOf(prefix), Buffer.from([0xff, 0xff, 0xff, 0xff])]);

/** Objects: their bytes in files, everything else in the state. A file that the index does not name is swept at the next start. */
export const openObjectStore = (
  state: State,
  buckets: ReadonlyMap<string, BucketModel>,
  now: () => Date,
): ObjectStore => {
  const { db } = state;
  db.exec(schema);
  const named = db.prepare(
    'SELECT 1 FROM s3_objects WHERE file = ?1 UNION SELECT 1 FROM s3_parts WHERE file = ?1',
  );
  const isNamed = (file: string) => named.get(file) !== undefined;
  const files = openObjectFiles(join(state.dir, 's3'), openDataKey(state), isNamed);
  const encrypts = (bucket: string) => buckets.get(bucket)?.encryption !== undefined;
  const etagOf = (bucket: string, md5: string) => (encrypts(bucket) ? randomBytes(16).toString('hex') : md5);

  const insert = db.prepare(
    'INSERT INTO s3_objects (bucket, key, version_id, latest, delete_marker, size, etag, file, headers, metadata, checksums, last_modified) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *',
  );
  const demote = db.prepare('UPDATE s3_objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1');
  const count = db.prepare(
    "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 's3_objects' RETURNING seq",
  );
  const remove = db.prepare('DELETE FROM s3_objects WHERE sequence = ?');
  const newest = db.prepare('SELECT * FROM s3_objects WHERE bucket = ? AND key = ? AND latest = 1');
  const exact = db.prepare('SELECT * FROM s3_objects WHERE bucket = ? AND key = ? AND version_id = ?');
  const promote = db.prepare(
    'UPDATE s3_objects SET latest = 1 WHERE sequence = (SELECT max(sequence) FROM s3_objects WHERE bucket = ? AND key = ?)',
  );
  const page = db.prepare(
    'SELECT * FROM s3_objects WHERE bucket = ? AND latest = 1 AND delete_marker = 0 AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
  );
  const pageOfVersions = db.prepare(
    'SELECT * FROM s3_objects WHERE bucket = ?1 AND (key > ?2 OR key = ?2 AND sequence < ?3) AND key >= ?4 AND key < ?5 ORDER BY key, sequence DESC LIMIT ?6',
  );
  const one = (row: unknown): StoredObject | undefined =>
    row === undefined ? undefined : objectOf(row as Row);
  /** Once the transaction has ended: what it rolled back is still named. */
  const discardLater = (file: string) => {
    setImmediate(() => {
      if (state.db.isOpen && !isNamed(file)) files.discard(file);
    });
  };

  const latest = (bucket: string, key: string) => one(newest.get(bucket, bytesOf(key)));

  const erase = (object: StoredObject) => {
    remove.run(object.sequence);
    if (object.latest) promote.run(object.bucket, bytesOf(object.key));
    discardLater(object.file);
    const { seq } = count.get() as { seq: number };
    return { ...object, sequence: seq, lastModified: now().getTime() };
  };

  return {
    read: files.read,
    discard: files.discard,
    etagOf,
    latest,
    erase,
    version: (bucket, key, versionId) => one(exact.get(bucket, bytesOf(key), versionId)),
    rewrite: (bucket, bytes) => files.write(bytes, encrypts(bucket)),
    async write(bucket, payload, claims, limit) {
      const watched = watch(payload, claims, limit);
      const file = await files.write(watched.bytes, encrypts(bucket));
      try {
        const { md5, ...rest } = watched.verify();
        return { file, etag: etagOf(bucket, md5), ...rest };
      } catch (error) {
        files.discard(file);
        throw error;
      }
    },
    put(object) {
      const key = bytesOf(object.key);
      const hasVersions = buckets.get(object.bucket)?.versioned ?? false;
      const before = hasVersions ? undefined : latest(object.bucket, object.key);
      if (before) {
        remove.run(before.sequence);
        discardLater(before.file);
      }
      demote.run(object.bucket, key);
      const row = insert.get(
        object.bucket,
        key,
        hasVersions ? randomBytes(16).toString('base64url') : 'null',
        object.deleteMarker ? 1 : 0,
        object.size,
        object.etag,
        object.file,
        JSON.stringify(object.headers),
        JSON.stringify(object.metadata),
        JSON.stringify(object.checksums),
        now().getTime(),
      );
      return objectOf(row as unknown as Row);
    },
    list(bucket, { prefix, after, count }) {
      const rows = page.all(bucket, after, bytesOf(prefix), firstByteAfter(prefix), count);
      return rows.map((row) => objectOf(row as unknown as Row));
    },
    listVersions(bucket, { prefix, after, sequence, count }) {
      const [from, to] = [bytesOf(prefix), firstByteAfter(prefix)];
      const rows = pageOfVersions.all(bucket, after, sequence, from, to, count);
      return rows.map((row) => objectOf(row as unknown as Row));
    },
  };
};

/** A body that is counted and digested while it streams by. EntityTooLarge above `limit`. */
const watch = (payload: Payload, claims: BodyClaims, limit = Number.POSITIVE_INFINITY) => {
  const digests = startDigests(claims, payload.sha256);
  let size = 0;
  const bytes = async function* () {
    for await (const piece of payload.bytes) {
      size += piece.length;
      if (size > limit)
        throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
      digests.update(piece);
      yield piece;
    }
  };
  return { bytes: bytes(), verify: () => ({ size, ...digests.verify(payload.trailers) }) };
};
