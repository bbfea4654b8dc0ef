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

export type Arguments<R extends Route> = Given<ByRoute<R>, 'params'> &
  Given<ByRoute<R>, 'query'> &
  Given<ByRoute<R>, 'body'> & { headers?: Record<string, string> };

/** What follows the route in a call: nothing, where nothing must be given. */
type Following<R extends Route> =
  Record<never, never> extends Arguments<R> ? [args?: Arguments<R>] : [args: Arguments<R>];

/** What an operation answers when it succeeds. */
export type AnswerOf<R extends Route> = OutputOf<ByRoute<R>['returns'][keyof ByRoute<R>['returns']]>;

/** What the API refused: the problem document's members, or the gateway's own message. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;
  readonly problems: { pointer: string; code: string; message: string; suggestion?: string }[];

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body['detail'] ?? body['message'] ?? `The API answered ${status}.`));
    this.status = status;
    this.code = String(body['code'] ?? 'GATEWAY');
    this.problems = (body['errors'] as ApiProblem['problems'] | undefined) ?? [];
  }
}

export interface ClientOptions {
  /** Up to and without `/v1`. */
  baseUrl: string;
  /** An access token, or how to get one. */
  token: string | (() => Promise<string>);
  fetch?: typeof globalThis.fetch;
}

export interface Client {
  /** Calls an operation. ApiProblem for any answer that is not a success. */
  call<R extends Route>(route: R, ...following: Following<R>): Promise<AnswerOf<R>>;
}

interface LooseArguments {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
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

export const createClient = ({ baseUrl, token, fetch = globalThis.fetch }: ClientOptions): Client => ({
  async call<R extends Route>(route: R, ...[args]: Following<R>): Promise<AnswerOf<R>> {
    const [method = '', path = ''] = route.split(' ');
    const loose = (args ?? {}) as LooseArguments;
    const bearer = typeof token === 'string' ? token : await token();
    const answer = await fetch(urlOf(baseUrl, path, loose), {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(loose.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...loose.headers,
      },
      ...(loose.body === undefined ? {} : { body: JSON.stringify(loose.body) }),
    });
    const isText = answer.ok && /^text\//.test(answer.headers.get('content-type') ?? '');
    const body = isText ? await answer.text() : await readJson(answer);
    if (!answer.ok) throw new ApiProblem(answer.status, (body ?? {}) as Record<string, unknown>);
    return body as AnswerOf<R>;
  },
});
