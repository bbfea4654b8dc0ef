import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../iam/principals.ts';
import type { BucketModel } from '../model.ts';
import type { State } from '../state.ts';
import { type BodyClaims, startDigests } from './checksums.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { demandKey } from './permissions.ts';
import { S3Error } from './s3-error.ts';
import { payloadOf } from './streaming-body.ts';
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
  /** Who signed it. */
  principal: Principal;
  requestId: string;
}

/** What every operation works on. */
export interface S3Context {
  state: State;
  store: ObjectStore;
  buckets: Map<string, BucketModel>;
  region: string;
  now: () => Date;
  /** Tells of an object made or deleted; inside the transaction that does it. */
  created(object: StoredObject, reason: string): void;
  deleted(object: StoredObject, reason: string): void;
}

/** Holds that whoever asks may use the bucket's key so (`demandKey`). */
export const demandKeyOf = (
  { buckets, region }: S3Context,
  { principal, bucket, key }: Pick<S3Request, 'principal' | 'bucket' | 'key'>,
  ...actions: ('kms:Decrypt' | 'kms:GenerateDataKey')[]
): void => demandKey(principal, buckets.get(bucket), region, key, ...actions);

export type Operation = (context: S3Context, request: S3Request) => void | Promise<void>;

export const sendXml = (request: S3Request, root: string, value: XmlObject | string, status = 200): void => {
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

const bodyLimit = 2 * 1024 * 1024;

/** A document in the body, as text, once it is what the signature and the claims say. */
export const readText = async ({ http, payload }: S3Request, claims: BodyClaims): Promise<string> => {
  const { bytes, trailers, sha256 } = payloadOf(http, payload);
  const digests = startDigests(claims, sha256);
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes) {
    size += piece.length;
    if (size > bodyLimit) throw new S3Error('MaxMessageLengthExceeded', 'Your request was too large.');
    digests.update(piece);
    pieces.push(piece);
  }
  digests.verify(trailers);
  return Buffer.concat(pieces).toString('utf8');
};

export const versionHeader = (context: S3Context, object: StoredObject): Record<string, string> =>
  context.buckets.get(object.bucket)?.versioned ? { 'x-amz-version-id': object.versionId } : {};

/** Keys are at most 1,024 bytes long. */
export const assertKey = (key: string): void => {
  if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError', 'Your key is too long');
};

/** Refuses what no version is called here. */
export const assertVersionId = (versionId: string): void => {
  if (!/^(null|[\w-]{22})$/.test(versionId))
    throw new S3Error('InvalidArgument', 'Invalid version id specified');
};

const markerHeaders = (context: S3Context, marker: StoredObject): Record<string, string> => ({
  'x-amz-delete-marker': 'true',
  ...versionHeader(context, marker),
});

const findVersion = (context: S3Context, { bucket, key }: S3Request, versionId: string): StoredObject => {
  assertVersionId(versionId);
  const found = context.store.version(bucket, key, versionId);
  if (!found) throw new S3Error('NoSuchVersion', 'The specified version does not exist.');
  if (!found.deleteMarker) return found;
  const headers = { ...markerHeaders(context, found), allow: 'DELETE' };
  throw new S3Error(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource.',
    headers,
  );
};

/** The object that a request means: its latest version, or the one that it names. */
export const findObject = (context: S3Context, request: S3Request): StoredObject => {
  const versionId = request.query.get('versionId');
  if (versionId !== undefined) return findVersion(context, request, versionId);
  const found = context.store.latest(request.bucket, request.key);
  if (found && !found.deleteMarker) return found;
  const headers = found ? markerHeaders(context, found) : {};
  throw new S3Error('NoSuchKey', 'The specified key does not exist.', headers);
};
