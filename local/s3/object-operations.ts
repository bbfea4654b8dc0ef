import { pipeline } from 'node:stream/promises';
import { checksumHeaders, claimsOf } from './checksums.ts';
import { assertMayWrite, isNotModified } from './conditions.ts';
import { encryptionHeaders } from './encryption.ts';
import { assertTravels, metadataHeaders, metadataOf } from './metadata.ts';
import type { StoredObject } from './object-store.ts';
import { onVersion } from './permissions.ts';
import {
  assertVersionId,
  demandKeyOf,
  findObject,
  headersToKeep,
  type Operation,
  readText,
  type S3Context,
  type S3Request,
  sendEmpty,
  sendXml,
  versionHeader,
} from './request.ts';
import { notImplemented, S3Error } from './s3-error.ts';
import { payloadOf } from './streaming-body.ts';
import { parseXml } from './xml.ts';

export const putObject: Operation = async (context, request) => {
  assertMayWrite(context, request);
  demandKeyOf(context, request, 'kms:GenerateDataKey');
  const { http, bucket, key } = request;
  const described = { headers: headersToKeep(http), metadata: metadataOf(http) };
  const blob = await context.store.write(bucket, payloadOf(http, request.payload), claimsOf(http.headers));
  const object = makeVisible(context, request, blob.file, () =>
    context.store.put({
      bucket,
      key,
      deleteMarker: false,
      size: blob.size,
      etag: blob.etag,
      file: blob.file,
      ...described,
      checksums: blob.checksums,
    }),
  );
  sendEmpty(request, 200, {
    etag: `"${object.etag}"`,
    ...versionHeader(context, object),
    ...encryptionHeaders(context, object),
    ...checksumHeaders(object.checksums),
  });
};

/** Names a written file in the index and tells of it, both or neither; the conditions are asked once more. */
export const makeVisible = (
  context: S3Context,
  request: S3Request,
  file: string,
  put: () => StoredObject,
  reason = 'PutObject',
): StoredObject => {
  try {
    return context.state.transaction(() => {
      assertMayWrite(context, request);
      const object = put();
      context.created(object, reason);
      return object;
    });
  } catch (error) {
    context.store.discard(file);
    throw error;
  }
};

interface Range {
  from: number;
  to: number;
}

/** One range of bytes (RFC 9110, 14.1.2); anything else than a single byte range is ignored, as S3 does. */
const rangeOf = (header: string | undefined, size: number): Range | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (from >= size || from > to) throw new S3Error('InvalidRange', 'The requested range is not satisfiable');
  return { from, to };
};

const overrides = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];

const overridden = (query: Map<string, string>): Record<string, string> =>
  Object.fromEntries(
    overrides.flatMap((name) => {
      const value = query.get(`response-${name}`);
      if (value === undefined) return [];
      assertTravels(`response-${name}`, value);
      return [[name, value]];
    }),
  );

const objectHeaders = (
  context: S3Context,
  request: S3Request,
  object: StoredObject,
): Record<string, string> => ({
  ...object.headers,
  ...overridden(request.query),
  ...metadataHeaders(object.metadata),
  ...versionHeader(context, object),
  ...encryptionHeaders(context, object),
  ...(request.http.headers['x-amz-checksum-mode'] === 'ENABLED' && request.http.headers.range === undefined
    ? checksumHeaders(object.checksums)
    : {}),
  etag: `"${object.etag}"`,
  'last-modified': new Date(object.lastModified).toUTCString(),
  'accept-ranges': 'bytes',
});

/** What an answer without the object says of it (RFC 9110, 15.4.5). */
const headersOfUnchanged = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      ['etag', 'last-modified', 'cache-control', 'expires', 'x-amz-version-id'].includes(name),
    ),
  );

export const getObject: Operation = async (context, request) => {
  const object = findObject(context, request);
  if (request.http.method === 'GET') demandKeyOf(context, request, 'kms:Decrypt');
  const headers = objectHeaders(context, request, object);
  if (isNotModified(request.http, object)) return sendEmpty(request, 304, headersOfUnchanged(headers));
  const { size } = object;
  const range = rangeOf(request.http.headers.range, size);
  const { from, to } = range ?? { from: 0, to: size - 1 };
  request.response.writeHead(range ? 206 : 200, {
    ...headers,
    'content-length': to - from + 1,
    ...(range ? { 'content-range': `bytes ${from}-${to}/${size}` } : {}),
  });
  if (request.http.method === 'HEAD' || size === 0) request.response.end();
  else await pipeline(context.store.read(object.file, { from, to }), request.response);
};

/** What a delete did: a marker on top, or a version gone. */
const deleteOne = (context: S3Context, bucket: string, key: string, versionId?: string) =>
  context.state.transaction(() => {
    const { store } = context;
    if (versionId !== undefined) {
      assertVersionId(versionId);
      const object = store.version(bucket, key, versionId);
      if (object) context.deleted(store.erase(object), 'DeleteObject');
      return { versionId, deleteMarker: object?.deleteMarker ?? false };
    }
    if (context.buckets.get(bucket)?.versioned) {
      const marker = store.put({
        bucket,
        key,
        deleteMarker: true,
        size: 0,
        etag: '',
        file: '',
        headers: {},
        metadata: {},
        checksums: {},
      });
      context.deleted(marker, 'DeleteObject');
      return { versionId: marker.versionId, deleteMarker: true };
    }
    const object = store.latest(bucket, key);
    if (object) context.deleted(store.erase(object), 'DeleteObject');
    return { versionId: undefined, deleteMarker: false };
  });

export const deleteObject: Operation = (context, request) => {
  const { bucket, key, query, http } = request;
  if (http.headers['if-match'] !== undefined) throw notImplemented('conditional deletes');
  const done = deleteOne(context, bucket, key, query.get('versionId'));
  sendEmpty(request, 204, {
    ...(done.versionId === undefined ? {} : { 'x-amz-version-id': done.versionId }),
    ...(done.deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
  });
};

interface DeleteItem {
  Key: string;
  VersionId?: string;
}

const deleteItems = (text: string): { items: DeleteItem[]; quiet: boolean } => {
  const { Object: items = [], Quiet } = parseXml(text, 'Delete') as { Object?: DeleteItem[]; Quiet?: string };
  if (items.length === 0 || items.length > 1000 || items.some(({ Key }) => typeof Key !== 'string'))
    throw new S3Error('MalformedXML', 'A request deletes 1 to 1,000 objects, each by its key.');
  if (items.some((item) => Object.keys(item).some((name) => !['Key', 'VersionId', '#text'].includes(name))))
    throw notImplemented('conditional deletes');
  return { items, quiet: Quiet?.trim() === 'true' };
};

const targetOf = (bucket: string, key: string, versionId?: string) => ({
  bucket,
  key,
  query: new Map(versionId === undefined ? [] : [['versionId', versionId]]),
});

/** Deletes many, each by a leave of its own; S3 wants a digest of the list of keys, as what is deleted by mistake is gone. */
export const deleteObjects: Operation = async (context, request) => {
  const claims = claimsOf(request.http.headers);
  if (claims.md5 === undefined && claims.checksums.length === 0)
    throw new S3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  const { items, quiet } = deleteItems(await readText(request, claims));
  const allowed = ({ Key, VersionId }: DeleteItem) =>
    request.principal.permits(onVersion('DeleteObject')(targetOf(request.bucket, Key, VersionId)));
  const refused = items
    .filter((item) => !allowed(item))
    .map(({ Key }) => ({ Key, Code: 'AccessDenied', Message: 'Access Denied' }));
  const Deleted = items.filter(allowed).map(({ Key, VersionId }) => {
    const done = deleteOne(context, request.bucket, Key, VersionId);
    return {
      Key,
      ...(VersionId === undefined ? {} : { VersionId }),
      ...(done.deleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: done.versionId } : {}),
    };
  });
  sendXml(request, 'DeleteResult', { Deleted: quiet ? [] : Deleted, Error: refused });
};

const decodeSource = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid copy source encoding.');
  }
};

/** The object that `x-amz-copy-source` names. */
const copySource = (context: S3Context, request: S3Request): StoredObject => {
  const [path = '', version] = String(request.http.headers['x-amz-copy-source'])
    .replace(/^\//, '')
    .split('?versionId=');
  const [bucket = '', ...key] = path.split('/').map(decodeSource);
  if (!context.buckets.has(bucket))
    throw new S3Error('NoSuchBucket', 'The bucket of the copy source does not exist.');
  const source = { ...request, ...targetOf(bucket, key.join('/'), version) };
  request.principal.demand(onVersion('GetObject')(source));
  demandKeyOf(context, source, 'kms:Decrypt');
  return findObject(context, source);
};

export const copyObject: Operation = async (context, request) => {
  assertMayWrite(context, request);
  const source = copySource(context, request);
  demandKeyOf(context, request, 'kms:GenerateDataKey');
  const replace = request.http.headers['x-amz-metadata-directive'] === 'REPLACE';
  if (!replace && source.latest && source.bucket === request.bucket && source.key === request.key)
    throw new S3Error(
      'InvalidRequest',
      'This copy request is illegal: it would change nothing of the object.',
    );
  const { size, checksums } = source;
  const kept = replace
    ? { headers: headersToKeep(request.http), metadata: metadataOf(request.http) }
    : { headers: source.headers, metadata: source.metadata };
  const { bucket, key } = request;
  const file = await context.store.rewrite(bucket, context.store.read(source.file));
  const etag = context.store.etagOf(bucket, source.etag);
  const put = () =>
    context.store.put({ bucket, key, deleteMarker: false, size, etag, file, checksums, ...kept });
  const object = makeVisible(context, request, file, put, 'CopyObject');
  const { 'x-amz-version-id': sourceVersion } = versionHeader(context, source);
  if (sourceVersion) request.response.setHeader('x-amz-copy-source-version-id', sourceVersion);
  const headers = { ...versionHeader(context, object), ...encryptionHeaders(context, object) };
  request.response.setHeaders(new Map(Object.entries(headers)));
  sendXml(request, 'CopyObjectResult', {
    ETag: `"${object.etag}"`,
    LastModified: new Date(object.lastModified).toISOString(),
  });
};
