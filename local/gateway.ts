import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import { tokenJudge } from './access-token.ts';
import { gatewayEvent } from './gateway-event.ts';
import type { Invoker } from './lambda.ts';
import { FunctionError } from './lambda-environment.ts';
import { serveLoopback } from './loopback.ts';
import type { ApiModel } from './model.ts';

export interface GatewayOptions {
  api: ApiModel;
  keys: { keys: JWK[] };
  lambda: Invoker;
  port: number;
  accountId: string;
  onError(error: unknown): void;
}

/** HTTP API quotas: body, request line with headers, integration time-out. */
const bodyLimit = 10 * 1024 * 1024;
const headerLimit = 10_240;
const integrationTimeoutMs = 30_000;

/** What API Gateway itself refuses: its own status and message, never a problem document. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Route = ApiModel['routes'][number];

interface Matched {
  route: Route;
  pathParameters: Record<string, string>;
}

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** Parameters of the path where it matches the route, else null. A parameter is one whole segment. */
const matchPath = (pattern: string[], path: string[]): Record<string, string> | null => {
  if (pattern.length !== path.length) return null;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = path[index] ?? '';
    if (part.startsWith('{')) {
      if (segment === '') return null;
      parameters[part.slice(1, -1)] = decoded(segment);
    } else if (part !== segment) return null;
  }
  return parameters;
};

const fixedParts = (routeKey: string): number =>
  routeKey.split('/').filter((part) => !part.startsWith('{')).length;

/** Finds a route as API Gateway does: a full match before one with parameters. */
const router = (api: ApiModel) => {
  const routes = [...api.routes]
    .sort((one, other) => fixedParts(other.routeKey) - fixedParts(one.routeKey))
    .map((route) => {
      const [method = '', path = ''] = route.routeKey.split(' ');
      return { route, method, pattern: path.split('/') };
    });
  return (method: string, path: string): Matched => {
    const segments = path.split('/');
    for (const candidate of routes.filter((one) => one.method === method)) {
      const pathParameters = matchPath(candidate.pattern, segments);
      if (pathParameters) return { route: candidate.route, pathParameters };
    }
    throw new Refusal(404, 'Not Found');
  };
};

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= bodyLimit) pieces.push(piece);
  }
  if (bytes > bodyLimit) throw new Refusal(413, 'Request Entity Too Large');
  return Buffer.concat(pieces);
};

const assertHeaders = (request: IncomingMessage): void => {
  const bytes = request.rawHeaders.reduce((sum, part) => sum + part.length + 2, (request.url ?? '').length);
  if (bytes > headerLimit) throw new Refusal(431, 'Request Header Fields Too Large');
};

interface FunctionAnswer {
  statusCode?: number;
  headers?: Record<string, string | number | boolean>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** A function's answer without a status code is the body of a 200 (payload format 2.0). */
const send = (response: ServerResponse, result: unknown): void => {
  const answer = result as FunctionAnswer | null;
  if (typeof answer !== 'object' || answer?.statusCode === undefined) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(result));
    return;
  }
  const body = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, String(value));
  if (answer.cookies) response.setHeader('set-cookie', answer.cookies);
  response.writeHead(answer.statusCode, { 'content-length': body.length });
  response.end(body);
};

const refuse = (response: ServerResponse, { status, message }: Refusal): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message }));
};

/** What the gateway answers where a function was not reached or failed. An event that is larger than Lambda takes is the caller's fault. */
const refusalOf = (error: unknown): Refusal => {
  if (error instanceof Refusal) return error;
  return error instanceof FunctionError && error.errorType === 'RequestEntityTooLarge'
    ? new Refusal(413, 'Request Entity Too Large')
    : new Refusal(500, 'Internal Server Error');
};

const withinTime = async (work: Promise<unknown>): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(503, 'Service Unavailable')), integrationTimeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The HTTP API on a loopback port, with the routes and scopes that the template declares. */
export const startGateway = async (
  options: GatewayOptions,
): Promise<{ url: string; close(): Promise<void> }> => {
  const { api, lambda } = options;
  const find = router(api);
  const judge = tokenJudge(api, options.keys);

  const authorize = async (request: IncomingMessage, route: Route) => {
    if (route.scopes === null) return {};
    const verdict = await judge(request.headers.authorization, route.scopes);
    if (verdict.kind === 'unauthorized') throw new Refusal(401, 'Unauthorized');
    if (verdict.kind === 'forbidden') throw new Refusal(403, 'Forbidden');
    return { authorization: { claims: verdict.claims, scopes: verdict.scopes } };
  };

  const call = async (request: IncomingMessage, body: Buffer): Promise<unknown> => {
    assertHeaders(request);
    const [path = '/'] = (request.url ?? '/').split('?');
    const { route, pathParameters } = find(request.method ?? '', path);
    const authorized = await authorize(request, route);
    const { accountId } = options;
    const event = gatewayEvent({
      request,
      body,
      routeKey: route.routeKey,
      pathParameters,
      accountId,
      ...authorized,
    });
    return withinTime(lambda.invoke(route.functionArn, event));
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      send(response, await call(request, await readBody(request)));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.status === 500) options.onError(error);
      if (response.headersSent) response.destroy();
      else refuse(response, refusal);
    }
  };

  const serve = (request: IncomingMessage, response: ServerResponse) => void handle(request, response);
  return serveLoopback(options.port, serve, { maxHeaderSize: 64 * 1024 });
};
