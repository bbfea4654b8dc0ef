import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { JWTPayload } from 'jose';

export interface GatewayRequest {
  request: IncomingMessage;
  body: Buffer;
  routeKey: string;
  pathParameters: Record<string, string>;
  authorization?: { claims: JWTPayload; scopes: string[] };
  accountId: string;
}

/** Types that API Gateway passes on as text; everything else arrives base64-encoded at a function. */
const textTypes = /^(?:text\/|application\/(?:json|xml|javascript|x-www-form-urlencoded)(?:;|$))/i;

const headersOf = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headersDistinct)
      .filter(([name]) => name !== 'cookie')
      .map(([name, values]) => [name, (values ?? []).join(',')]),
  );

const queryOf = (raw: string): Record<string, string> | undefined => {
  if (raw === '') return undefined;
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(raw))
    query[name] = name in query ? `${query[name]},${value}` : value;
  return query;
};

/** Claims arrive as strings at a function. */
const textClaims = (claims: JWTPayload): Record<string, string> =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      Array.isArray(value) ? `[${value.join(' ')}]` : String(value),
    ]),
  );

const bodyOf = (request: IncomingMessage, body: Buffer) => {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = textTypes.test(request.headers['content-type'] ?? 'text/plain');
  return { body: body.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
};

/** The event that an HTTP API hands to a function, payload format 2.0; what is absent is missing, not null. */
export const gatewayEvent = (options: GatewayRequest): Record<string, unknown> => {
  const { request, routeKey, pathParameters, authorization } = options;
  const [rawPath = '/', rawQueryString = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const query = queryOf(rawQueryString);
  const cookies = request.headers.cookie?.split('; ');
  const now = new Date();
  const host = request.headers.host ?? 'localhost';
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString,
    ...(cookies ? { cookies } : {}),
    headers: headersOf(request),
    ...(query ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: options.accountId,
      apiId: 'embedded',
      ...(authorization
        ? { authorizer: { jwt: { claims: textClaims(authorization.claims), scopes: authorization.scopes } } }
        : {}),
      domainName: host,
      domainPrefix: host.split('.')[0],
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
    ...bodyOf(request, options.body),
  };
};
