import type { StoredObject } from './object-store.ts';
import { assertVersionId, type Operation, type S3Context, type S3Request, sendXml } from './request.ts';
import { S3Error } from './s3-error.ts';
import { encodeUri } from './signature.ts';
import type { XmlObject } from './xml.ts';

/** Where a page goes on: after a key, or after one version of it. */
interface Cursor {
  after: Buffer;
  /** Versions of the key itself that are older than this are still to come; 0 where none is. */
  sequence: number;
}

interface Listed {
  contents: StoredObject[];
  prefixes: string[];
  /** Absent at the end. */
  next?: Cursor;
  /** Key and version of what came last; a prefix has no version. */
  last: { key: string; versionId?: string };
}

interface ListOptions {
  prefix: string;
  delimiter: string;
  most: number;
  cursor: Cursor;
}

type Fetch = (options: ListOptions & Cursor & { count: number }) => StoredObject[];

const batch = 1000;

/** After every key that begins with `text`. */
const beyond = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.from([0xff])]);

const commonPrefix = (key: string, { prefix, delimiter }: ListOptions): string | undefined => {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
};

/** Walks the keys in byte order, rolling up those that share what stands before the delimiter. */
const walk = (options: ListOptions, fetch: Fetch): Listed => {
  const listed: Listed = { contents: [], prefixes: [], last: { key: '' } };
  let { cursor } = options;
  for (;;) {
    const objects = fetch({ ...options, ...cursor, count: batch });
    for (const object of objects) {
      const { key, versionId, sequence } = object;
      const rolled = commonPrefix(key, options);
      if (rolled !== undefined && rolled === listed.prefixes.at(-1)) continue;
      const full = listed.contents.length + listed.prefixes.length >= options.most;
      if (full) return options.most === 0 ? listed : { ...listed, next: cursor };
      if (rolled === undefined) listed.contents.push(object);
      else listed.prefixes.push(rolled);
      listed.last = rolled === undefined ? { key, versionId } : { key: rolled };
      cursor =
        rolled === undefined ? { after: Buffer.from(key), sequence } : { after: beyond(rolled), sequence: 0 };
    }
    if (objects.length < batch) return listed;
  }
};

const mostKeys = (query: Map<string, string>): number => {
  const most = Number(query.get('max-keys') ?? 1000);
  if (!Number.isInteger(most) || most < 0)
    throw new S3Error('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647');
  return Math.min(1000, most);
};

/** Names as an answer has them: URL-encoded like a form's fields where that is asked for, with slashes as they are. */
const encoderOf = (query: Map<string, string>): ((text: string) => string) => {
  const encoding = query.get('encoding-type');
  if (encoding === undefined) return (text) => text;
  if (encoding !== 'url')
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  return (text) =>
    encodeUri(text)
      .replaceAll('%2F', '/')
      .replaceAll('%20', '+')
      .replaceAll('%2A', '*')
      .replaceAll('~', '%7E');
};

const optionsOf = ({ query }: S3Request, cursor: Cursor): ListOptions => ({
  prefix: query.get('prefix') ?? '',
  delimiter: query.get('delimiter') ?? '',
  most: mostKeys(query),
  cursor,
});

/** What every listing says of itself. */
const head = ({ bucket, query }: S3Request, options: ListOptions, { prefixes, next }: Listed): XmlObject => {
  const encode = encoderOf(query);
  return {
    Name: bucket,
    Prefix: encode(options.prefix),
    ...(options.delimiter === '' ? {} : { Delimiter: encode(options.delimiter) }),
    MaxKeys: options.most,
    IsTruncated: next !== undefined,
    ...(query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    CommonPrefixes: prefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  };
};

/** S3 lists times in whole seconds. */
const listedTime = (at: number): string => new Date(Math.floor(at / 1000) * 1000).toISOString();

const owner = { ID: 'embedded', DisplayName: 'embedded' };

const entry = (object: StoredObject, encode: (key: string) => string): XmlObject => ({
  Key: encode(object.key),
  LastModified: listedTime(object.lastModified),
  ETag: `"${object.etag}"`,
  Size: object.size,
  StorageClass: 'STANDARD',
});

const afterToken = (token: string): Buffer => {
  const after = Buffer.from(token, 'base64url');
  if (token === '' || after.toString('base64url') !== token)
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
  return after;
};

export const listObjectsV2: Operation = ({ store }, request) => {
  const { query, bucket } = request;
  if (query.get('list-type') !== '2')
    throw new S3Error('InvalidArgument', 'Invalid List Type specified in Request');
  const token = query.get('continuation-token');
  const after = token === undefined ? Buffer.from(query.get('start-after') ?? '') : afterToken(token);
  const options = optionsOf(request, { after, sequence: 0 });
  const listed = walk(options, (page) => store.list(bucket, page));
  const encode = encoderOf(query);
  const owned = query.get('fetch-owner') === 'true' ? { Owner: owner } : {};
  sendXml(request, 'ListBucketResult', {
    ...head(request, options, listed),
    KeyCount: listed.contents.length + listed.prefixes.length,
    ...(query.has('start-after') ? { StartAfter: encode(query.get('start-after') ?? '') } : {}),
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(listed.next ? { NextContinuationToken: listed.next.after.toString('base64url') } : {}),
    Contents: listed.contents.map((object) => ({ ...entry(object, encode), ...owned })),
  });
};

/**
 * Where a listing of versions begins. A marker that is a rolled-up prefix stands for all of its keys; a version that has been deleted
 * since a page ended with it stands before the versions that its key still has.
 */
const versionCursor = ({ store }: S3Context, { bucket, query }: S3Request): Cursor => {
  const [key, versionId] = [query.get('key-marker') ?? '', query.get('version-id-marker') ?? ''];
  const delimiter = query.get('delimiter') ?? '';
  if (versionId === '') {
    const rolled = delimiter !== '' && key.endsWith(delimiter);
    return { after: rolled ? beyond(key) : Buffer.from(key), sequence: 0 };
  }
  if (key === '')
    throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.');
  assertVersionId(versionId);
  const sequence = store.version(bucket, key, versionId)?.sequence ?? Number.MAX_SAFE_INTEGER;
  return { after: Buffer.from(key), sequence };
};

export const listObjectVersions: Operation = (context, request) => {
  const { query, bucket } = request;
  const options = optionsOf(request, versionCursor(context, request));
  const listed = walk(options, (page) => context.store.listVersions(bucket, page));
  const encode = encoderOf(query);
  const version = (object: StoredObject) => ({
    ...(object.deleteMarker
      ? { Key: encode(object.key), LastModified: listedTime(object.lastModified) }
      : entry(object, encode)),
    VersionId: object.versionId,
    IsLatest: object.latest,
    Owner: owner,
  });
  const { last, contents } = listed;
  sendXml(request, 'ListVersionsResult', {
    ...head(request, options, listed),
    KeyMarker: encode(query.get('key-marker') ?? ''),
    VersionIdMarker: query.get('version-id-marker') ?? '',
    ...(listed.next ? { NextKeyMarker: encode(last.key), NextVersionIdMarker: last.versionId } : {}),
    Version: contents.filter((object) => !object.deleteMarker).map(version),
    DeleteMarker: contents.filter((object) => object.deleteMarker).map(version),
  });
};
