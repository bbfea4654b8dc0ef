import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Wanted } from '../iam/policy.ts';
import { AccessDenied, type Principal, type Principals } from '../iam/principals.ts';
import { serveLoopback } from '../loopback.ts';
import { SignatureError, verifySignature } from '../sigv4.ts';
import { ApiError, invalidRequest, notImplemented } from './api-error.ts';
import { isObject, type JsonObject } from './json.ts';

/** A request that matched a route and whose signature holds. */
export interface ApiRequest {
  /** Values of the `{name}` segments of the route's path, decoded. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Uint8Array;
}

/** One operation. In `path`, `{name}` is one segment and `{name+}` takes all that follow. */
export interface ApiRoute {
  method: string;
  path: string;
  /** Names that a signature for this operation may be made for. */
  services: readonly string[];
  /** What whoever asks for it must be allowed. */
  wanted(request: ApiRequest): Wanted[];
  /** The error of one who is not. */
  denied(message: string): ApiError;
  handle(request: ApiRequest): JsonObject | Promise<JsonObject>;
}

/** An HTTP server with routes. */
export interface HttpApi {
  url: string;
  close(): Promise<void>;
}

/** Larger bodies are refused while they arrive; the largest that any operation takes is 128 KB. */
const maxBodyBytes = 256 * 1024;

interface Matcher {
  route: ApiRoute;
  pattern: RegExp;
}

const compile = (route: ApiRoute): Matcher => {
  const source = route.path.replace(
    /\{(\w+)(\+?)\}/g,
    (_, name, many) => `(?<${name}>${many ? '.+' : '[^/]+'})`,
  );
  return { route, pattern: new RegExp(`^${source}$`) };
};

const decodeSegment = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidRequest('The path is not well formed');
  }
};

const find = (matchers: Matcher[], method: string, path: string) => {
  for (const { route, pattern } of matchers) {
    const groups = route.method === method ? pattern.exec(path) : null;
    if (groups) {
      const entries = Object.entries(groups.groups ?? {});
      return { route, params: Object.fromEntries(entries.map(([key, text]) => [key, decodeSegment(text)])) };
    }
  }
  throw notImplemented(`${method} ${path}`);
};

const readBody = async (request: IncomingMessage): Promise<Uint8Array> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBodyBytes)
      throw new ApiError(
        413,
        'RequestEntityTooLargeException',
        'The payload exceeds the maximum size allowed',
      );
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};

const errorOf = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error;
  if (error instanceof SignatureError) return new ApiError(403, error.code, error.message);
  return new ApiError(500, 'InternalFailureException', `Internal service failure: ${error}`);
};

const answer = (
  response: ServerResponse,
  status: number,
  body: object,
  more: Record<string, string>,
): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...more,
  });
  response.end(text);
};

const assertAllowed = (principal: Principal, route: ApiRoute, request: ApiRequest): void => {
  try {
    principal.demand(...route.wanted(request));
  } catch (error) {
    throw error instanceof AccessDenied ? route.denied(error.message) : error;
  }
};

/** Members of a JSON body. @throws ApiError when the body is something else; an empty body has none. */
export const jsonBody = ({ body }: ApiRequest): JsonObject => {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    if (isObject(value)) return value;
  } catch {
    // the same answer as for JSON that is no object
  }
  throw invalidRequest('The body is not a JSON object');
};

/** A number from the query. @throws ApiError unless it is a whole number from `min` to `max`. */
export const queryNumber = (
  { query }: ApiRequest,
  name: string,
  { min, max, fallback }: { min: number; max: number; fallback: number },
): number => {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidRequest(`${name} must be from ${min} to ${max}`);
  return value;
};

/**
 * Serves the routes on 127.0.0.1 at `port`, or a free one for 0. Every request must carry a Signature Version 4
 * of one of `principals`, who must be allowed what the route wants. Errors have the form of REST-JSON: `x-amzn-errortype` and `message`.
 */
export const startHttpApi = async (options: {
  port: number;
  routes: ApiRoute[];
  principals: Principals;
  region: string;
  newId: () => string;
}): Promise<HttpApi> => {
  const { principals, region, newId } = options;
  const matchers = options.routes.map(compile);

  const perform = async (request: IncomingMessage): Promise<JsonObject> => {
    const [method, target] = [request.method ?? '', request.url ?? ''];
    const url = new URL(target, 'http://localhost');
    const body = await readBody(request);
    const { route, params } = find(matchers, method, url.pathname);
    const signed = { method, target, headers: request.headersDistinct, body };
    const principal = verifySignature(signed, {
      principals,
      region,
      services: route.services,
      now: new Date(),
    });
    const asked = { params, query: url.searchParams, headers: request.headers, body };
    assertAllowed(principal, route, asked);
    return route.handle(asked);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const ids = { 'x-amzn-requestid': newId() };
    try {
      answer(response, 200, await perform(request), ids);
    } catch (thrown) {
      const { status, code, message, data } = errorOf(thrown);
      answer(response, status, { message, ...data }, { ...ids, 'x-amzn-errortype': code });
    }
  };

  return serveLoopback(options.port, (request, response) => void serve(request, response));
};
