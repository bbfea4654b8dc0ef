import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '../state.ts';
import { type Checksums, startChecksums } from './checksums.ts';
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
  md5: string;
  checksums: Record<string, string>;
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

export interface ObjectStore {
  /** Writes bytes to a file, checking what the request claims of them; nothing names the file yet. */
  write(payload: Payload, options: { checksums: Checksums; md5?: string; limit?: number }): Promise<Blob>;
  path(file: string): string;
  discard(file: string): void;
  /** Makes an object visible, as a new version where the bucket has versions; inside a transaction of the caller's. */
  put(object: NewObject): StoredObject;
  latest(bucket: string, key: string): StoredObject | undefined;
  version(bucket: string, key: string, versionId: string): StoredObject | undefined;
  /** Takes one version away for good; inside a transaction of the caller's. */
  erase(object: StoredObject): void;
  /** Up to `count` objects after `after` (exclusive) with the prefix, in byte order of their keys. */
  list(
    bucket: string,
    options: { prefix: string; after: Buffer; count: number; versions: boolean },
  ): StoredObject[];
}

const firstByteAfter = (prefix: string): Buffer =>
  Buffer.concat([bytesOf(prefix), Buffer.from([0xff, 0xff, 0xff, 0xff])]);

/** Objects: their bytes in files, everything else in the state. A file that the index does not name is swept at the next start. */
export const openObjectStore = (
  state: State,
  versioned: (bucket: string) => boolean,
  now: () => Date,
): ObjectStore => {
  const { db } = state;
  const folder = join(state.dir, 's3');
  mkdirSync(folder, { recursive: true });
  db.exec(schema);
  const named = db.prepare(
    'SELECT 1 FROM s3_objects WHERE file = ?1 UNION SELECT 1 FROM s3_parts WHERE file = ?1',
  );
  for (const file of readdirSync(folder)) if (!named.get(file)) rmSync(join(folder, file), { force: true });

  const insert = db.prepare(
    'INSERT INTO s3_objects (bucket, key, version_id, latest, delete_marker, size, etag, file, headers, metadata, checksums, last_modified) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *',
  );
  const demote = db.prepare('UPDATE s3_objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1');
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
    'SELECT * FROM s3_objects WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key, sequence DESC LIMIT ?',
  );
  const one = (row: unknown): StoredObject | undefined =>
    row === undefined ? undefined : objectOf(row as Row);
  const path = (file: string) => join(folder, file);
  const discard = (file: string) => {
    if (file !== '') rmSync(path(file), { force: true });
  };

  const latest = (bucket: string, key: string) => one(newest.get(bucket, bytesOf(key)));

  const erase = (object: StoredObject) => {
    remove.run(object.sequence);
    if (object.latest) promote.run(object.bucket, bytesOf(object.key));
    setImmediate(() => discard(object.file));
  };

  return {
    path,
    discard,
    latest,
    erase,
    version: (bucket, key, versionId) => one(exact.get(bucket, bytesOf(key), versionId)),
    async write(payload, options) {
      const file = `${randomUUID()}`;
      try {
        return { file, ...(await writeFile(path(file), payload, options)) };
      } catch (error) {
        discard(file);
        throw error;
      }
    },
    put(object) {
      const key = bytesOf(object.key);
      const hasVersions = versioned(object.bucket);
      const before = hasVersions ? undefined : latest(object.bucket, object.key);
      if (before) {
        remove.run(before.sequence);
        setImmediate(() => discard(before.file));
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
    list(bucket, { prefix, after, count, versions }) {
      const statement = versions ? pageOfVersions : page;
      const rows = statement.all(bucket, after, bytesOf(prefix), firstByteAfter(prefix), count);
      return rows.map((row) => objectOf(row as unknown as Row));
    },
  };
};

const writeFile = async (
  path: string,
  payload: Payload,
  options: { checksums: Checksums; md5?: string; limit?: number },
): Promise<Omit<Blob, 'file'>> => {
  const file = createWriteStream(path);
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of payload.bytes) {
      size += piece.length;
      if (options.limit !== undefined && size > options.limit)
        throw new S3Error('EntityTooLarge', 'The upload is larger than the form allows.');
      md5.update(piece);
      if (payload.sha256) sha256.update(piece);
      options.checksums.update(piece);
      if (!file.write(piece)) await once(file, 'drain');
    }
  } finally {
    file.end();
    await once(file, 'close');
  }
  if (payload.sha256 && sha256.digest('hex') !== payload.sha256)
    throw new S3Error('XAmzContentSHA256Mismatch', 'The body does not match x-amz-content-sha256.');
  const digest = md5.digest();
  if (options.md5 !== undefined && options.md5 !== digest.toString('base64'))
    throw new S3Error('BadDigest', 'The body does not match Content-MD5.');
  return { size, md5: digest.toString('hex'), checksums: options.checksums.verify(payload.trailers) };
};

export const noChecksums = (): Checksums => startChecksums([]);
