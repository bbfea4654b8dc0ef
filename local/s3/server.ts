import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Wanted } from '../iam/policy.ts';
import { AccessDenied, administrator, nobody, type Principals } from '../iam/principals.ts';
import { serveLoopback } from '../loopback.ts';
import type { BucketModel } from '../model.ts';
import type { Credentials } from '../sigv4.ts';
import type { State } from '../state.ts';
import { type ObjectEvent, objectEvent } from './events.ts';
import { listObjectsV2, listObjectVersions } from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
} from './multipart.ts';
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from './object-operations.ts';
import { openObjectStore } from './object-store.ts';
import { onBucket, onObject, onService, onVersion, type Target } from './permissions.ts';
import { postObject } from './post-form.ts';
import { assertKey, type Operation, type S3Context, type S3Request, sendEmpty, sendXml } from './request.ts';
import { decodeUri, notImplemented, S3Error } from './s3-error.ts';
import { readQuery, type SignatureOptions, verifyRequest } from './signature.ts';
import { assertSupported } from './unsupported.ts';
import { xmlDocument } from './xml.ts';

export interface S3Options {
  state: State;
  port: number;
  region: string;
  accountId?: string;
  credentials: Credentials;
  /** Those who may sign; absent: whoever has the credentials, and no one else. */
  principals?: Principals;
  buckets: BucketModel[];
  /** Called inside the transaction that makes the change. */
  emit: (event: ObjectEvent) => void;
  now?: () => Date;
}

export interface EmbeddedS3 {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Query parameters that say nothing about which operation is meant; a presigned URL carries headers as parameters, too. */
const plainParameters = new Set(['versionId', 'x-id']);
const isPlain = (name: string): boolean =>
  plainParameters.has(name) || /^x-amz-/i.test(name) || name.startsWith('response-');

const listBuckets: Operation = ({ buckets, now }, request) =>
  sendXml(request, 'ListAllMyBucketsResult', {
    Owner: { ID: 'embedded', DisplayName: 'embedded' },
    Buckets: { Bucket: [...buckets.keys()].map((Name) => ({ Name, CreationDate: now().toISOString() })) },
  });

const headBucket =
  (region: string): Operation =>
  (_, request) =>
    sendEmpty(request, 200, { 'x-amz-bucket-region': region });

const getBucketLocation =
  (region: string): Operation =>
  (_, request) =>
    sendXml(request, 'LocationConstraint', region === 'us-east-1' ? '' : region);

interface Entry {
  method: string;
  level: 'service' | 'bucket' | 'object';
  /** Parameters that must be there; any other but the plain ones means an operation that is not known. */
  parameters?: string[];
  optional?: string[];
  header?: string;
  /** What it takes leave for, before it is done. */
  needs(target: Target): Wanted | Wanted[];
  run: Operation;
}

const listing = [
  'prefix',
  'delimiter',
  'max-keys',
  'encoding-type',
  'fetch-owner',
  'start-after',
  'continuation-token',
];

/** A bulk delete asks for each of its keys; a form is signed in its fields: who made it is known when they are read. */
const unsigned = { payload: '', principal: nobody };

/**
 * Runs what its principal may have done. Who may not list a bucket is not told that an object is missing (S3 API reference, "GetObject":
 * 403 without `s3:ListBucket`).
 */
const runAllowed = async (entry: Entry, context: S3Context, request: S3Request): Promise<void> => {
  const { principal } = request;
  principal.demand(...[entry.needs(request)].flat());
  try {
    await entry.run(context, request);
  } catch (error) {
    const hidden = error instanceof S3Error && error.code === 'NoSuchKey';
    if (hidden) principal.demand(onBucket('ListBucket')(request));
    throw error;
  }
};

/** Every operation there is. What does not match exactly one of them is answered with NotImplemented. */
const entriesOf = (region: string): Entry[] => [
  { method: 'GET', level: 'service', needs: onService('ListAllMyBuckets'), run: listBuckets },
  { method: 'HEAD', level: 'bucket', needs: onBucket('ListBucket'), run: headBucket(region) },
  {
    method: 'GET',
    level: 'bucket',
    parameters: ['location'],
    needs: onBucket('GetBucketLocation'),
    run: getBucketLocation(region),
  },
  {
    method: 'GET',
    level: 'bucket',
    parameters: ['list-type'],
    optional: listing,
    needs: onBucket('ListBucket'),
    run: listObjectsV2,
  },
  {
    method: 'GET',
    level: 'bucket',
    parameters: ['versions'],
    optional: ['prefix', 'delimiter', 'max-keys', 'encoding-type', 'key-marker', 'version-id-marker'],
    needs: onBucket('ListBucketVersions'),
    run: listObjectVersions,
  },
  { method: 'POST', level: 'bucket', parameters: ['delete'], needs: () => [], run: deleteObjects },
  {
    method: 'PUT',
    level: 'object',
    header: 'x-amz-copy-source',
    needs: onObject('PutObject'),
    run: copyObject,
  },
  { method: 'PUT', level: 'object', needs: onObject('PutObject'), run: putObject },
  { method: 'GET', level: 'object', needs: onVersion('GetObject'), run: getObject },
  { method: 'HEAD', level: 'object', needs: onVersion('GetObject'), run: getObject },
  { method: 'DELETE', level: 'object', needs: onVersion('DeleteObject'), run: deleteObject },
  {
    method: 'POST',
    level: 'object',
    parameters: ['uploads'],
    needs: onObject('PutObject'),
    run: createMultipartUpload,
  },
  {
    method: 'PUT',
    level: 'object',
    parameters: ['partNumber', 'uploadId'],
    needs: onObject('PutObject'),
    run: uploadPart,
  },
  {
    method: 'POST',
    level: 'object',
    parameters: ['uploadId'],
    needs: onObject('PutObject'),
    run: completeMultipartUpload,
  },
  {
    method: 'DELETE',
    level: 'object',
    parameters: ['uploadId'],
    needs: onObject('AbortMultipartUpload'),
    run: abortMultipartUpload,
  },
  {
    method: 'GET',
    level: 'object',
    parameters: ['uploadId'],
    optional: ['max-parts', 'part-number-marker'],
    needs: onObject('ListMultipartUploadParts'),
    run: listParts,
  },
];

const matches = (entry: Entry, request: S3Request): boolean => {
  const level = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  if (entry.method !== request.http.method || entry.level !== level) return false;
  if (
    (entry.header !== undefined) !== (request.http.headers['x-amz-copy-source'] !== undefined) &&
    entry.method === 'PUT'
  )
    return false;
  const given = [...request.query.keys()].filter((name) => !isPlain(name));
  const required = entry.parameters ?? [];
  const allowed = [...required, ...(entry.optional ?? [])];
  return required.every((name) => given.includes(name)) && given.every((name) => allowed.includes(name));
};

const splitTarget = (url: string): [string, string] => {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
};

const decodeKey = (raw: string): string => {
  const key = decodeUri(raw);
  assertKey(key);
  return key;
};

const isForm = (http: IncomingMessage, key: string): boolean =>
  http.method === 'POST' &&
  key === '' &&
  (http.headers['content-type'] ?? '').startsWith('multipart/form-data');

const toldAs = (error: unknown): S3Error => {
  if (error instanceof S3Error) return error;
  if (error instanceof AccessDenied) return new S3Error('AccessDenied', error.message);
  return new S3Error('InternalError', 'We encountered an internal error.');
};

const sendError = (
  http: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  requestId: string,
): void => {
  const known = toldAs(error);
  const isGone = (error as { code?: string }).code === 'ERR_STREAM_PREMATURE_CLOSE';
  const brokeOff = isGone || (http.destroyed && !http.complete);
  if (known.code === 'InternalError' && !brokeOff) console.error(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const [Resource] = splitTarget(http.url ?? '/');
  const body = Buffer.from(
    http.method === 'HEAD'
      ? ''
      : xmlDocument('Error', { Code: known.code, Message: known.message, Resource, RequestId: requestId }),
  );
  response.writeHead(known.status, {
    ...known.headers,
    'content-type': 'application/xml',
    'content-length': body.length,
  });
  response.end(body);
  http.resume();
};

const contextOf = (options: S3Options, now: () => Date): S3Context => {
  const buckets = new Map(options.buckets.map((bucket) => [bucket.name, bucket]));
  const versioned = (name: string) => buckets.get(name)?.versioned ?? false;
  const tell =
    (type: ObjectEvent['detail-type']): S3Context['created'] =>
    (object, reason) => {
      if (!buckets.get(object.bucket)?.eventBridge) return;
      const { region, accountId = '000000000000' } = options;
      options.emit(
        objectEvent(type, object, { region, accountId, versioned: versioned(object.bucket), reason }),
      );
    };
  return {
    state: options.state,
    store: openObjectStore(options.state, buckets, now),
    buckets,
    region: options.region,
    now,
    created: tell('Object Created'),
    deleted: tell('Object Deleted'),
  };
};

/**
 * Starts the embedded bucket on 127.0.0.1: a subset of S3 that verifies every signature and checksum, and answers NotImplemented to
 * everything that it does not know, so that nothing is done wrongly in silence.
 */
export const startS3 = async (options: S3Options): Promise<EmbeddedS3> => {
  const now = options.now ?? (() => new Date());
  const context = contextOf(options, now);
  const principals = options.principals ?? administrator(options.credentials);
  const signing: SignatureOptions = { principals, region: options.region, now };
  const entries = entriesOf(options.region);

  const handle = async (
    http: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> => {
    const [path, rawQuery] = splitTarget(http.url ?? '/');
    const [, bucket = '', rawKey = ''] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
    const key = decodeKey(rawKey);
    const pairs = readQuery(rawQuery);
    const base = { http, response, bucket, key, query: new Map(pairs), requestId };
    const form = isForm(http, key);
    const { payload, principal } = form ? unsigned : verifyRequest(http, path, pairs, signing);
    assertSupported([...Object.entries(http.headers), ...pairs], context.buckets.get(bucket)?.encryption);
    if (bucket !== '' && !context.buckets.has(bucket))
      throw new S3Error('NoSuchBucket', 'The specified bucket does not exist');
    const request = { ...base, payload, principal };
    if (form) return postObject(context, request, signing);
    const entry = entries.find((candidate) => matches(candidate, request));
    if (!entry) throw notImplemented(`${http.method} ${[...base.query.keys()].join(' ')}`);
    await runAllowed(entry, context, request);
  };

  const serve = (http: IncomingMessage, response: ServerResponse): void => {
    const requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
    response.setHeader('x-amz-request-id', requestId);
    response.setHeader('server', 'embedded-s3');
    response.setHeader('date', now().toUTCString());
    handle(http, response, requestId).catch((error: unknown) => sendError(http, response, error, requestId));
  };
  return serveLoopback(options.port, serve, { requestTimeout: 0, headersTimeout: 60_000 });
};
