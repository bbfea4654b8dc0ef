import type * as z from 'zod/mini';
import type { operations } from './operations/index.ts';

/**
 * A client that knows every operation by its route: method and path travel in the string, and everything else is
 * types, so no schema reaches the program that calls.
 */
type Operation = (typeof operations)[number];
type RouteOf<O extends Operation> = `${O['method']} ${O['path']}`;
export type Route = RouteOf<Operation>;
type ByRoute<R extends Route> = Extract<Operation, { method: MethodOf<R>; path: PathOf<R> }>;
type MethodOf<R extends string> = R extends `${infer M} ${string}` ? M : never;
type PathOf<R extends string> = R extends `${string} ${infer P}` ? P : never;

type Input<O, K extends 'params' | 'query' | 'body'> =
  O extends Record<K, infer S extends z.ZodMiniType> ? z.input<S> : never;
type Given<O, K extends 'params' | 'query' | 'body'> = [Input<O, K>] extends [never]
  ? { [key in K]?: undefined }
  : Record<never, never> extends Input<O, K>
    ? { [key in K]?: Input<O, K> }
    : { [key in K]: Input<O, K> };
type OutputOf<S> = S extends z.ZodMiniType ? z.output<S> : never;

/** A header that only some operations take. */
type Taken<O, Trait extends string, Name extends string> =
  O extends Record<Trait, true> ? { [name in Name]?: string | undefined } : { [name in Name]?: undefined };

export type Arguments<R extends Route> = Given<ByRoute<R>, 'params'> &
  Given<ByRoute<R>, 'query'> &
  Given<ByRoute<R>, 'body'> &
  /** What was read, as its answer's `etag`: written only if it is still so, else REVISION_CONFLICT. */
  Taken<ByRoute<R>, 'ifMatch', 'ifMatch'> &
  /** A name of your own for this request: sent again under the same one, it does nothing and gets the same answer. */
  Taken<ByRoute<R>, 'idempotencyKey', 'idempotencyKey'> & { headers?: Record<string, string> };

/** What follows the route in a call: nothing, where nothing must be given. */
type Following<R extends Route> =
  Record<never, never> extends Arguments<R> ? [args?: Arguments<R>] : [args: Arguments<R>];

/** What an operation answers when it succeeds. */
export type AnswerOf<R extends Route> = OutputOf<ByRoute<R>['returns'][keyof ByRoute<R>['returns']]>;

/** A success with what travels beside the body. */
export interface Answer<R extends Route> {
  status: number;
  /** The revision that was answered, in quotes: what `ifMatch` takes. */
  etag: string | undefined;
  body: AnswerOf<R>;
}

/** What the API refused: the problem document's members, or the gateway's own message. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  /** A code of docs/errors.md, or `GATEWAY`. */
  readonly code: string;
  readonly problems: { pointer: string; code: string; message: string; suggestion?: string }[];
  /** Names the request in the logs and in the audit. */
  readonly requestId: string | undefined;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body['detail'] ?? body['message'] ?? `The API answered ${status}.`));
    this.status = status;
    this.code = String(body['code'] ?? 'GATEWAY');
    this.problems = (body['errors'] as ApiProblem['problems'] | undefined) ?? [];
    this.requestId = body['requestId'] as string | undefined;
  }
}

export interface ClientOptions {
  /** Where the API is; the `/v1` at its end may be there or not. */
  baseUrl: string;
  /** An access token, or how to get one. */
  token: string | (() => Promise<string>);
  fetch?: typeof globalThis.fetch;
}

export interface Client {
  /** Calls an operation and gives the body of its answer. ApiProblem for any answer that is not a success. */
  call<R extends Route>(route: R, ...following: Following<R>): Promise<AnswerOf<R>>;
  /** The same, and gives the answer's status and `etag` too. */
  send<R extends Route>(route: R, ...following: Following<R>): Promise<Answer<R>>;
}

interface LooseArguments {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  ifMatch?: string;
  idempotencyKey?: string;
  headers?: Record<string, string>;
}

const urlOf = (baseUrl: string, path: string, { params = {}, query = {} }: LooseArguments): string => {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    ),
  ).toString();
  return `${baseUrl}${filled}${search === '' ? '' : `?${search}`}`;
};

const readJson = async (answer: Response): Promise<unknown> => {
  const text = await answer.text();
  try {
    return JSON.parse(text === '' ? 'null' : text) as unknown;
  } catch {
    return { message: text.slice(0, 200) };
  }
};

/** Every PATCH is a JSON merge patch (RFC 7396). */
const contentTypeOf = (method: string): string =>
  method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';

const requestOf = (method: string, bearer: string, given: LooseArguments): RequestInit => ({
  method,
  headers: {
    authorization: `Bearer ${bearer}`,
    ...(given.body === undefined ? {} : { 'content-type': contentTypeOf(method) }),
    ...(given.ifMatch === undefined ? {} : { 'if-match': given.ifMatch }),
    ...(given.idempotencyKey === undefined ? {} : { 'idempotency-key': given.idempotencyKey }),
    ...given.headers,
  },
  ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
});

export const createClient = ({ baseUrl, token, fetch = globalThis.fetch }: ClientOptions): Client => {
  const root = baseUrl.replace(/\/(v1\/?)?$/, '');
  const send = async <R extends Route>(route: R, ...[args]: Following<R>): Promise<Answer<R>> => {
    const [method = '', path = ''] = route.split(' ');
    const given = (args ?? {}) as LooseArguments;
    const bearer = typeof token === 'string' ? token : await token();
    const answer = await fetch(urlOf(root, path, given), requestOf(method, bearer, given));
    const isText = answer.ok && /^text\//.test(answer.headers.get('content-type') ?? '');
    const body = isText ? await answer.text() : await readJson(answer);
    if (!answer.ok) throw new ApiProblem(answer.status, (body ?? {}) as Record<string, unknown>);
    const etag = answer.headers.get('etag') ?? undefined;
    return { status: answer.status, etag, body: body as AnswerOf<R> };
  };
  return { send, call: async (route, ...following) => (await send(route, ...following)).body };
};

/**
 * Runs a read, change and write again while another writer was faster (REVISION_CONFLICT), up to `attempts` times in all; the last
 * refusal is thrown. `change` reads anew each time, and writes with `ifMatch` of what it read.
 */
export const retryConflicts = async <T>(change: () => Promise<T>, attempts = 10): Promise<T> => {
  for (let left = attempts; ; left -= 1)
    try {
      return await change();
    } catch (error) {
      if (left <= 1 || !(error instanceof ApiProblem) || error.code !== 'REVISION_CONFLICT') throw error;
    }
};
