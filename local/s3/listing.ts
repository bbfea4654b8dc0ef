import type { StoredObject } from './object-store.ts';
import { type Operation, type S3Context, type S3Request, sendXml } from './request.ts';
import { S3Error } from './s3-error.ts';
import { encodeUri } from './signature.ts';

interface Listed {
  contents: StoredObject[];
  prefixes: string[];
  /** Where the next page goes on; undefined at the end. */
  next?: Buffer;
}

interface ListOptions {
  bucket: string;
  prefix: string;
  delimiter: string;
  after: Buffer;
  most: number;
  versions: boolean;
}

const batch = 1000;

/** After every key that begins with `text`. */
const beyond = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.from([0xff])]);

const commonPrefix = (key: string, prefix: string, delimiter: string): string | undefined => {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
};

/** Walks the keys in byte order, rolling up those that share what stands before the delimiter. */
const walk = (context: S3Context, options: ListOptions): Listed => {
  const listed: Listed = { contents: [], prefixes: [] };
  let { after } = options;
  for (;;) {
    const objects = context.store.list(options.bucket, { ...options, after, count: batch });
    for (const object of objects) {
      const rolled = commonPrefix(object.key, options.prefix, options.delimiter);
      if (rolled !== undefined && rolled === listed.prefixes.at(-1)) continue;
      if (listed.contents.length + listed.prefixes.length >= options.most) return { ...listed, next: after };
      if (rolled === undefined) listed.contents.push(object);
      else listed.prefixes.push(rolled);
      after = rolled === undefined ? Buffer.from(object.key) : beyond(rolled);
    }
    if (objects.length < batch) return listed;
  }
};

const mostKeys = (query: Map<string, string>): number => {
  const most = Number(query.get('max-keys') ?? 1000);
  if (!Number.isInteger(most) || most < 0)
    throw new S3Error('InvalidArgument', 'max-keys is a whole number.');
  return Math.min(1000, most);
};

const encoder = (query: Map<string, string>) =>
  query.get('encoding-type') === 'url'
    ? (key: string) => encodeUri(key).replaceAll('%2F', '/')
    : (key: string) => key;

const optionsOf = ({ bucket, query }: S3Request, versions: boolean, after: Buffer): ListOptions => ({
  bucket,
  prefix: query.get('prefix') ?? '',
  delimiter: query.get('delimiter') ?? '',
  after,
  most: mostKeys(query),
  versions,
});

const entry = (object: StoredObject, encode: (key: string) => string) => ({
  Key: encode(object.key),
  LastModified: new Date(object.lastModified).toISOString(),
  ETag: `"${object.etag}"`,
  Size: object.size,
  StorageClass: 'STANDARD',
});

export const listObjectsV2: Operation = (context, request) => {
  const { query, bucket } = request;
  const token = query.get('continuation-token');
  const after =
    token === undefined ? Buffer.from(query.get('start-after') ?? '') : Buffer.from(token, 'base64url');
  const options = optionsOf(request, false, after);
  const { contents, prefixes, next } = walk(context, options);
  const encode = encoder(query);
  sendXml(request, 'ListBucketResult', {
    Name: bucket,
    Prefix: encode(options.prefix),
    ...(options.delimiter === '' ? {} : { Delimiter: encode(options.delimiter) }),
    MaxKeys: options.most,
    KeyCount: contents.length + prefixes.length,
    IsTruncated: next !== undefined,
    ...(query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(next === undefined ? {} : { NextContinuationToken: next.toString('base64url') }),
    Contents: contents.map((object) => entry(object, encode)),
    CommonPrefixes: prefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  });
};

export const listObjectVersions: Operation = (context, request) => {
  const { query, bucket } = request;
  const options = optionsOf(request, true, Buffer.from(query.get('key-marker') ?? ''));
  const objects = context.store.list(bucket, { ...options, count: 1000 });
  const encode = encoder(query);
  const version = (object: StoredObject) => ({
    Key: encode(object.key),
    VersionId: object.versionId,
    IsLatest: object.latest,
    LastModified: new Date(object.lastModified).toISOString(),
  });
  if (options.delimiter !== '' || objects.length === 1000)
    throw new S3Error(
      'NotImplemented',
      'The embedded bucket lists up to 1,000 versions, without a delimiter.',
    );
  sendXml(request, 'ListVersionsResult', {
    Name: bucket,
    Prefix: encode(options.prefix),
    MaxKeys: options.most,
    IsTruncated: false,
    Version: objects
      .filter((object) => !object.deleteMarker)
      .map((object) => ({
        ...version(object),
        ETag: `"${object.etag}"`,
        Size: object.size,
        StorageClass: 'STANDARD',
      })),
    DeleteMarker: objects.filter((object) => object.deleteMarker).map(version),
  });
};
