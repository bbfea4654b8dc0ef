import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BucketModel } from '../model.ts';
import type { State } from '../state.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { S3Error } from './s3-error.ts';
import { type XmlObject, xmlDocument } from './xml.ts';

/** A request that is signed, taken apart. */
export interface S3Request {
  http: IncomingMessage;
  response: ServerResponse;
  bucket: string;
  key: string;
  query: Map<string, string>;
  /** What the signature says of the body. */
  payload: string;
  requestId: string;
}

/** What every operation works on. */
export interface S3Context {
  state: State;
  store: ObjectStore;
  buckets: Map<string, BucketModel>;
  now: () => Date;
  /** Tells of an object made or deleted; inside the transaction that does it. */
  created(object: StoredObject, reason: string): void;
  deleted(object: StoredObject, reason: string): void;
}

export type Operation = (context: S3Context, request: S3Request) => void | Promise<void>;

export const sendXml = (request: S3Request, root: string, value: XmlObject, status = 200): void => {
  const body = Buffer.from(xmlDocument(root, value));
  request.response.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length });
  request.response.end(body);
};

export const sendEmpty = (request: S3Request, status: number, headers: Record<string, string> = {}): void => {
  request.response.writeHead(status, headers);
  request.response.end();
};

const keptHeaders = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
];

/** Headers that come back with the object as they were given. `aws-chunked` is how it travelled, not what it is. */
export const headersToKeep = (http: IncomingMessage): Record<string, string> => {
  const kept = Object.fromEntries(
    keptHeaders.flatMap((name) =>
      http.headers[name] === undefined ? [] : [[name, String(http.headers[name])]],
    ),
  );
  const encoding = (kept['content-encoding'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked');
  const { 'content-encoding': _, ...rest } = kept;
  return {
    'content-type': 'binary/octet-stream',
    ...rest,
    ...(encoding.length > 0 ? { 'content-encoding': encoding.join(',') } : {}),
  };
};

const metadataPrefix = 'x-amz-meta-';

export const metadataOf = (http: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(http.headers)
      .filter(([name]) => name.startsWith(metadataPrefix))
      .map(([name, value]) => [name.slice(metadataPrefix.length), String(value)]),
  );

export const metadataHeaders = (metadata: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [metadataPrefix + name, value]));

const bodyLimit = 2 * 1024 * 1024;

/** A small body, as text. */
export const readText = async (source: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > bodyLimit) throw new S3Error('EntityTooLarge', 'The document is too large.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

export const versionHeader = (context: S3Context, object: StoredObject): Record<string, string> =>
  context.buckets.get(object.bucket)?.versioned ? { 'x-amz-version-id': object.versionId } : {};

/** The object that a request means: its latest version, or the one that it names. */
export const findObject = ({ store }: S3Context, { bucket, key, query }: S3Request): StoredObject => {
  const versionId = query.get('versionId');
  const found = versionId === undefined ? store.latest(bucket, key) : store.version(bucket, key, versionId);
  if (versionId !== undefined && !found)
    throw new S3Error('NoSuchVersion', 'The specified version does not exist.');
  if (!found || (found.deleteMarker && versionId === undefined))
    throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  if (found.deleteMarker) throw new S3Error('MethodNotAllowed', 'The specified version is a delete marker.');
  return found;
};

const etags = (header: string | undefined): string[] | undefined =>
  header?.split(',').map((tag) => tag.trim());

const holds = (tags: string[], object: StoredObject | undefined): boolean =>
  object !== undefined &&
  (tags.includes('*') || tags.includes(`"${object.etag}"`) || tags.includes(object.etag));

/** Conditions of a write (S3 user guide, "Conditional writes"); asked again when the object is made visible. */
export const assertMayWrite = (context: S3Context, request: S3Request): void => {
  const present = context.store.latest(request.bucket, request.key);
  const visible = present?.deleteMarker ? undefined : present;
  const match = etags(request.http.headers['if-match']);
  const noneMatch = etags(request.http.headers['if-none-match']);
  if (match && !visible) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  if ((match && !holds(match, visible)) || (noneMatch && holds(noneMatch, visible)))
    throw new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
};

/** 304 for a conditional read whose object has not changed; PreconditionFailed where it has. */
export const isNotModified = (request: S3Request, object: StoredObject): boolean => {
  const match = etags(request.http.headers['if-match']);
  const noneMatch = etags(request.http.headers['if-none-match']);
  if (match && !holds(match, object))
    throw new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  return noneMatch !== undefined && holds(noneMatch, object);
};
