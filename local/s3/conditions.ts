import type { IncomingMessage } from 'node:http';
import type { StoredObject } from './object-store.ts';
import type { S3Context, S3Request } from './request.ts';
import { notImplemented, S3Error } from './s3-error.ts';

const unquoted = (tag: string): string => tag.trim().replace(/^"(.*)"$/, '$1');

const etags = (header: string | undefined): string[] | undefined => header?.split(',').map(unquoted);

const holds = (tags: string[], object: StoredObject): boolean =>
  tags.includes('*') || tags.includes(object.etag);

const failed = (): S3Error =>
  new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');

const missing = (): S3Error => new S3Error('NoSuchKey', 'The specified key does not exist.');

/** What a write may ask for: that nothing is there, or that one ETag is; S3 answers anything else as it does here. */
const assertKnown = (match: string | undefined, noneMatch: string | undefined): void => {
  if (noneMatch !== undefined && (noneMatch !== '*' || match !== undefined))
    throw notImplemented('If-None-Match of a write with anything but *, or beside If-Match');
};

/** Conditions of a write (S3 user guide, "Conditional writes"); asked again when the object is made visible. */
export const assertMayWrite = (context: S3Context, request: S3Request): void => {
  const { 'if-match': match, 'if-none-match': noneMatch } = request.http.headers;
  assertKnown(match, noneMatch);
  const present = context.store.latest(request.bucket, request.key);
  const visible = present?.deleteMarker ? undefined : present;
  if (noneMatch !== undefined && visible) throw failed();
  if (match === undefined) return;
  if (!visible) throw missing();
  if (!holds(etags(match) ?? [], visible)) throw failed();
};

/** Dates in headers are whole seconds. */
const secondsOf = (header: string | undefined): number | undefined => {
  const at = Date.parse(header ?? '');
  return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
};

/** 304 for a conditional read whose object has not changed; PreconditionFailed where it has (RFC 9110, 13.2.2). */
export const isNotModified = (http: IncomingMessage, object: StoredObject): boolean => {
  const match = etags(http.headers['if-match']);
  const noneMatch = etags(http.headers['if-none-match']);
  const modified = Math.floor(object.lastModified / 1000);
  const unmodifiedSince = secondsOf(http.headers['if-unmodified-since']);
  const modifiedSince = secondsOf(http.headers['if-modified-since']);
  if (match ? !holds(match, object) : unmodifiedSince !== undefined && modified > unmodifiedSince)
    throw failed();
  return noneMatch ? holds(noneMatch, object) : modifiedSince !== undefined && modified <= modifiedSince;
};
