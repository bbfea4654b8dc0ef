import { randomUUID } from 'node:crypto';
import { copyFileSync, createReadStream, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { checksumClaims, checksumHeaders, startChecksums } from './checksums.ts';
import type { StoredObject } from './object-store.ts';
import {
  assertMayWrite,
  findObject,
  headersToKeep,
  isNotModified,
  metadataHeaders,
  metadataOf,
  type Operation,
  readText,
  type S3Context,
  type S3Request,
  sendEmpty,
  sendXml,
  versionHeader,
} from './request.ts';
import { decodeUri, S3Error } from './s3-error.ts';
import { payloadOf } from './streaming-body.ts';
import { parseXml } from './xml.ts';

export const putObject: Operation = async (context, request) => {
  assertMayWrite(context, request);
  const { http, bucket, key } = request;
  const md5 = http.headers['content-md5'];
  const blob = await context.store.write(payloadOf(http, request.payload), {
    checksums: startChecksums(checksumClaims(http.headers)),
    ...(md5 === undefined ? {} : { md5: String(md5) }),
  });
  const object = makeVisible(context, request, blob.file, () =>
    context.store.put({
      bucket,
      key,
      deleteMarker: false,
      size: blob.size,
      etag: blob.md5,
      file: blob.file,
      headers: headersToKeep(http),
      metadata: metadataOf(http),
      checksums: blob.checksums,
    }),
  );
  sendEmpty(request, 200, {
    etag: `"${object.etag}"`,
    ...versionHeader(context, object),
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
      return value === undefined ? [] : [[name, value]];
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
  ...(request.http.headers['x-amz-checksum-mode'] === 'ENABLED' && request.http.headers.range === undefined
    ? checksumHeaders(object.checksums)
    : {}),
  etag: `"${object.etag}"`,
  'last-modified': new Date(object.lastModified).toUTCString(),
  'accept-ranges': 'bytes',
});

export const getObject: Operation = async (context, request) => {
  const object = findObject(context, request);
  const headers = objectHeaders(context, request, object);
  if (isNotModified(request, object)) return sendEmpty(request, 304, { etag: headers['etag'] ?? '' });
  const path = context.store.path(object.file);
  const { size } = statSync(path);
  const range = rangeOf(request.http.headers.range, size);
  const { from, to } = range ?? { from: 0, to: size - 1 };
  request.response.writeHead(range ? 206 : 200, {
    ...headers,
    'content-length': to - from + 1,
    ...(range ? { 'content-range': `bytes ${from}-${to}/${size}` } : {}),
  });
  if (request.http.method === 'HEAD' || size === 0) request.response.end();
  else await pipeline(createReadStream(path, { start: from, end: to }), request.response);
};

/** What a delete did: a marker on top, or a version gone. */
const deleteOne = (context: S3Context, bucket: string, key: string, versionId?: string) =>
  context.state.transaction(() => {
    const { store } = context;
    if (versionId !== undefined) {
      const object = store.version(bucket, key, versionId);
      if (object) store.erase(object);
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
    if (object) {
      store.erase(object);
      context.deleted(object, 'DeleteObject');
    }
    return { versionId: undefined, deleteMarker: false };
  });

export const deleteObject: Operation = (context, request) => {
  const { bucket, key, query } = request;
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

export const deleteObjects: Operation = async (context, request) => {
  const text = await readText(payloadOf(request.http, request.payload).bytes);
  const { Object: items = [], Quiet } = parseXml(text, 'Delete') as { Object?: DeleteItem[]; Quiet?: string };
  if (items.length > 1000) throw new S3Error('MalformedXML', 'One request deletes at most 1,000 objects.');
  const Deleted = items.map(({ Key, VersionId }) => {
    const done = deleteOne(context, request.bucket, String(Key), VersionId);
    return {
      Key: String(Key),
      ...(VersionId === undefined ? {} : { VersionId }),
      ...(done.deleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: done.versionId } : {}),
    };
  });
  sendXml(request, 'DeleteResult', { Deleted: Quiet === 'true' ? [] : Deleted });
};

/** The object that `x-amz-copy-source` names. */
const copySource = (context: S3Context, request: S3Request): StoredObject => {
  const [path = '', version] = String(request.http.headers['x-amz-copy-source'])
    .replace(/^\//, '')
    .split('?versionId=');
  const [bucket = '', ...key] = path.split('/').map(decodeUri);
  if (!context.buckets.has(bucket))
    throw new S3Error('NoSuchBucket', 'The bucket of the copy source does not exist.');
  const query = new Map(version === undefined ? [] : [['versionId', version]]);
  return findObject(context, { ...request, bucket, key: key.join('/'), query });
};

export const copyObject: Operation = (context, request) => {
  const source = copySource(context, request);
  const replace = request.http.headers['x-amz-metadata-directive'] === 'REPLACE';
  const file = randomUUID();
  copyFileSync(context.store.path(source.file), context.store.path(file));
  const { etag, size, checksums } = source;
  const kept = replace
    ? { headers: headersToKeep(request.http), metadata: metadataOf(request.http) }
    : { headers: source.headers, metadata: source.metadata };
  const { bucket, key } = request;
  const put = () =>
    context.store.put({ bucket, key, deleteMarker: false, size, etag, file, checksums, ...kept });
  const object = makeVisible(context, request, file, put, 'CopyObject');
  request.response.setHeaders(new Map(Object.entries(versionHeader(context, object))));
  sendXml(request, 'CopyObjectResult', {
    ETag: `"${object.etag}"`,
    LastModified: new Date(object.lastModified).toISOString(),
  });
};
