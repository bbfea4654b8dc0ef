import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import type { Principal, Principals } from './iam/principals.ts';

/** A request as it came over the wire; `target` is path and query, still encoded. */
export interface SignedRequest {
  method: string;
  target: string;
  /** By lower-case name, each with all of its values. */
  headers: Record<string, string[] | undefined>;
  body: Uint8Array;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Why a signature does not hold; `code` is the error name of AWS, all with status 403. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How far the date of a request may be from ours. */
const maxSkewMs = 5 * 60 * 1000;

interface Authorization {
  accessKeyId: string;
  scope: string[];
  signedHeaders: string[];
  signature: string;
}

const authorizationPattern =
  /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\/([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

const header = (request: SignedRequest, name: string): string | undefined => request.headers[name]?.join(',');

const readAuthorization = (request: SignedRequest): Authorization => {
  const text = header(request, 'authorization');
  if (text === undefined)
    throw new SignatureError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const [, accessKeyId, scope, signed, signature] = authorizationPattern.exec(text) ?? [];
  if (!accessKeyId || !scope || !signed || !signature)
    throw new SignatureError('IncompleteSignatureException', 'The Authorization header is not well formed');
  return { accessKeyId, scope: scope.split('/'), signedHeaders: signed.split(';'), signature };
};

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string): Buffer =>
  createHmac('sha256', key).update(data).digest();

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'));
  } catch {
    throw new SignatureError('InvalidSignatureException', 'The query string is not well formed');
  }
};

// Every service but S3 signs the path normalised and encoded once more than it travels.
const canonicalPath = (path: string): string => {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  return `/${segments.join('/')}${path.endsWith('/') && segments.length > 0 ? '/' : ''}`;
};

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const canonicalQuery = (query: string): string =>
  query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return `${encode(decode(name))}=${encode(decode(value))}`;
    })
    .sort(byText)
    .join('&');

const canonicalHeaders = (request: SignedRequest, names: string[]): string =>
  names
    .map((name) => {
      const value = header(request, name);
      if (value === undefined)
        throw new SignatureError('InvalidSignatureException', `The signed header ${name} is missing`);
      return `${name}:${value.trim().replace(/ +/g, ' ')}\n`;
    })
    .join('');

const payloadHash = (request: SignedRequest): string => {
  const actual = sha256(request.body);
  const claimed = header(request, 'x-amz-content-sha256') ?? actual;
  if (claimed !== actual && claimed !== 'UNSIGNED-PAYLOAD')
    throw new SignatureError('InvalidSignatureException', 'The payload does not match x-amz-content-sha256');
  return claimed;
};

const canonicalRequest = (request: SignedRequest, signedHeaders: string[]): string => {
  const at = request.target.indexOf('?');
  const [path, query] =
    at < 0 ? [request.target, ''] : [request.target.slice(0, at), request.target.slice(at + 1)];
  return [
    request.method,
    canonicalPath(path),
    canonicalQuery(query),
    canonicalHeaders(request, signedHeaders),
    signedHeaders.join(';'),
    payloadHash(request),
  ].join('\n');
};

const checkDate = (date: string, scopeDate: string | undefined, now: Date): void => {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (Number.isNaN(at) || date.slice(0, 8) !== scopeDate || Math.abs(now.getTime() - at) > maxSkewMs)
    throw new SignatureError('InvalidSignatureException', 'The date of the signature is missing or not now');
};

const signingKey = (secret: string, scope: string[]): Buffer =>
  scope.reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));

/**
 * Verifies a Signature Version 4 in the Authorization header, for services other than S3
 * ("Create a signed AWS API request", IAM user guide), and returns who made it.
 * @throws SignatureError when the header is missing or malformed, the key unknown, the date more than five minutes
 * off, the scope not this region and one of `services`, or the signature wrong.
 */
export const verifySignature = (
  request: SignedRequest,
  expected: { principals: Principals; region: string; services: readonly string[]; now: Date },
): Principal => {
  const authorization = readAuthorization(request);
  const [scopeDate, region, service, end] = authorization.scope;
  const principal = expected.principals.find(authorization.accessKeyId);
  if (!principal)
    throw new SignatureError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid',
    );
  const inScope = region === expected.region && expected.services.includes(service ?? '');
  if (!inScope || end !== 'aws4_request' || !authorization.signedHeaders.includes('host'))
    throw new SignatureError(
      'InvalidSignatureException',
      'The credential scope is not for this region and service',
    );
  const date = header(request, 'x-amz-date') ?? '';
  checkDate(date, scopeDate, expected.now);
  const canonical = sha256(canonicalRequest(request, authorization.signedHeaders));
  const text = ['AWS4-HMAC-SHA256', date, authorization.scope.join('/'), canonical].join('\n');
  const wanted = hmac(signingKey(principal.credentials.secretAccessKey, authorization.scope), text);
  if (!timingSafeEqual(wanted, Buffer.from(authorization.signature, 'hex')))
    throw new SignatureError(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided',
    );
  return principal;
};
