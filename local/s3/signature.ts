import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Principal, Principals } from '../iam/principals.ts';
import { decodeUri, type S3Code, S3Error } from './s3-error.ts';

export interface SignatureOptions {
  principals: Principals;
  region: string;
  now: () => Date;
}

const maxSkewMs = 15 * 60 * 1000;
const maxExpirySeconds = 7 * 86_400;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** Percent-encoding as signatures want it (RFC 3986 unreserved characters stay). */
export const encodeUri = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** S3 signs the path as it is, each segment encoded once: `a//b` and `x/../y` are names of their own. */
const canonicalPath = (path: string): string =>
  path
    .split('/')
    .map((segment) => encodeUri(decodeUri(segment)))
    .join('/');

const canonicalQuery = (query: [string, string][]): string =>
  query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encodeUri(name), encodeUri(value)] as const)
    .sort(([one, oneValue], [other, otherValue]) =>
      one === other ? (oneValue < otherValue ? -1 : 1) : one < other ? -1 : 1,
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** Query parameters in order, decoded; `+` is a plus here. */
export const readQuery = (query: string): [string, string][] =>
  query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [decodeUri(pair), ''] : [decodeUri(pair.slice(0, at)), decodeUri(pair.slice(at + 1))];
    });

const headerValue = (request: IncomingMessage, name: string): string => {
  const values = request.headersDistinct[name];
  if (!values) throw new S3Error('SignatureDoesNotMatch', `The signed header ${name} is missing.`);
  return values.map((value) => value.trim().replace(/ +/g, ' ')).join(',');
};

interface Claim {
  malformed: S3Code;
  credential: string;
  date: string;
  signedHeaders: string[];
  signature: string;
  payload: string;
}

const canonicalRequest = (
  request: IncomingMessage,
  path: string,
  query: [string, string][],
  claim: Claim,
): string =>
  [
    request.method,
    canonicalPath(path),
    canonicalQuery(query),
    ...claim.signedHeaders.map((name) => `${name}:${headerValue(request, name)}`),
    '',
    claim.signedHeaders.join(';'),
    claim.payload,
  ].join('\n');

const timeOf = (date: string): number => {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
};

/**
 * The scope of a credential, once it is one of ours, and whose it is: date, region, service and end. `malformed` is the code of a scope that nothing here
 * could be signed for.
 */
const scopeOf = (
  credential: string,
  date: string,
  malformed: S3Code,
  options: SignatureOptions,
): { scope: string[]; principal: Principal } => {
  const [accessKeyId = '', ...scope] = credential.split('/');
  const principal = options.principals.find(accessKeyId);
  if (!principal) throw new S3Error('InvalidAccessKeyId', 'The AWS access key id is not one of this stack.');
  const [day, region, service, end] = scope;
  if (region !== options.region)
    throw new S3Error(malformed, `The region '${region}' is wrong; expecting '${options.region}'.`);
  if (day !== date.slice(0, 8) || service !== 's3' || end !== 'aws4_request')
    throw new S3Error(malformed, 'The credential scope is not for this day and service.');
  return { scope, principal };
};

const signatureOf = (text: string, scope: string[], secret: string): Buffer => {
  const key = scope.reduce<Buffer>((inner, part) => hmac(inner, part), Buffer.from(`AWS4${secret}`));
  return hmac(key, text);
};

const assertSame = (wanted: Buffer, given: string): void => {
  const bytes = Buffer.from(given, 'hex');
  if (bytes.length !== wanted.length || !timingSafeEqual(bytes, wanted))
    throw new S3Error('SignatureDoesNotMatch', 'The signature is not the one that this request has.');
};

const assertSigned = (
  request: IncomingMessage,
  path: string,
  query: [string, string][],
  claim: Claim,
  options: SignatureOptions,
): Principal => {
  const { scope, principal } = scopeOf(claim.credential, claim.date, claim.malformed, options);
  const canonical = sha256(canonicalRequest(request, path, query, claim));
  const text = ['AWS4-HMAC-SHA256', claim.date, scope.join('/'), canonical].join('\n');
  assertSame(signatureOf(text, scope, principal.credentials.secretAccessKey), claim.signature);
  return principal;
};

const headerPattern =
  /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

const fromHeader = (request: IncomingMessage, authorization: string, options: SignatureOptions): Claim => {
  const malformed = 'AuthorizationHeaderMalformed';
  if (!authorization.startsWith('AWS4-HMAC-SHA256'))
    throw new S3Error('InvalidArgument', 'Unsupported Authorization Type');
  const [, credential, signed, signature] = headerPattern.exec(authorization) ?? [];
  if (!credential || !signed || !signature)
    throw new S3Error(malformed, 'The authorization header that you provided is not valid.');
  const date = String(request.headers['x-amz-date'] ?? '');
  const skew = Math.abs(options.now().getTime() - timeOf(date));
  if (!(skew <= maxSkewMs))
    throw new S3Error('RequestTimeTooSkewed', 'The time of the request is more than 15 minutes from ours.');
  const payload = String(request.headers['x-amz-content-sha256'] ?? '');
  if (payload === '') throw new S3Error('InvalidRequest', 'The header x-amz-content-sha256 is missing.');
  return { malformed, credential, date, signedHeaders: signed.split(';'), signature, payload };
};

const fromQuery = (query: Map<string, string>, options: SignatureOptions): Claim => {
  const malformed = 'AuthorizationQueryParametersError';
  const part = (name: string): string => {
    const value = query.get(`X-Amz-${name}`);
    if (value === undefined) throw new S3Error(malformed, `The query parameter X-Amz-${name} is missing.`);
    return value;
  };
  if (part('Algorithm') !== 'AWS4-HMAC-SHA256')
    throw new S3Error(malformed, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256".');
  const date = part('Date');
  const expires = Number(part('Expires'));
  const begun = timeOf(date);
  if (!(expires >= 0 && expires <= maxExpirySeconds))
    throw new S3Error(malformed, 'X-Amz-Expires is a number of seconds, of a week at most.');
  if (Number.isNaN(begun)) throw new S3Error(malformed, 'X-Amz-Date is not a date like 20130524T000000Z.');
  const now = options.now().getTime();
  if (begun - now > maxSkewMs) throw new S3Error('AccessDenied', 'Request is not yet valid');
  if (now > begun + expires * 1000) throw new S3Error('AccessDenied', 'Request has expired');
  return {
    malformed,
    credential: part('Credential'),
    date,
    signedHeaders: part('SignedHeaders').split(';'),
    signature: part('Signature'),
    payload: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
  };
};

/** Parameters that only a presigned URL has; with one of them, the others must be there, too. */
const signingParameters = new Set(
  ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'].map((name) => `X-Amz-${name}`),
);

/** The host and every header of S3's own must be signed: whoever passes a signed URL on cannot add to what it does. */
const assertCovered = (request: IncomingMessage, signedHeaders: string[]): void => {
  const unsigned = [
    'host',
    ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-')),
  ].filter((name) => !signedHeaders.includes(name));
  if (unsigned.length > 0)
    throw new S3Error(
      'AccessDenied',
      `There were headers present in the request which were not signed: ${unsigned.join(', ')}`,
    );
};

/**
 * Verifies Signature Version 4 of a request, in its header or its query, and answers who made it and what it says of the payload. AccessDenied for a
 * request with neither.
 */
export const verifyRequest = (
  request: IncomingMessage,
  path: string,
  query: [string, string][],
  options: SignatureOptions,
): { payload: string; principal: Principal } => {
  const authorization = request.headers.authorization;
  const byName = new Map(query);
  if (authorization === undefined && ![...byName.keys()].some((name) => signingParameters.has(name)))
    throw new S3Error('AccessDenied', 'Access Denied');
  const claim =
    authorization === undefined ? fromQuery(byName, options) : fromHeader(request, authorization, options);
  assertCovered(request, claim.signedHeaders);
  return { principal: assertSigned(request, path, query, claim, options), payload: claim.payload };
};

/** Verifies the signature of a form's policy, and answers who made it (S3 API reference, "Authenticating requests in browser-based uploads"). */
export const verifyPolicy = (
  policy: string,
  fields: {
    algorithm?: string | undefined;
    credential?: string | undefined;
    date?: string | undefined;
    signature?: string | undefined;
  },
  options: SignatureOptions,
): Principal => {
  const { algorithm, credential, date, signature } = fields;
  if (algorithm !== 'AWS4-HMAC-SHA256' || !credential || !date || !signature)
    throw new S3Error('AccessDenied', 'The form is not signed.');
  const { scope, principal } = scopeOf(credential, date, 'InvalidArgument', options);
  assertSame(signatureOf(policy, scope, principal.credentials.secretAccessKey), signature);
  return principal;
};
