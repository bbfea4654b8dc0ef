import type * as z from 'zod/mini';
import type { operations } from '../operations/index.ts';

/**
 * Examples of the API, for its documentation alone: `shared/openapi.ts` imports them, and no function does, so that no bundle
 * grows. They are typed by the operations' schemas, and a test parses every one of them.
 */
type Registered = (typeof operations)[number];

/** Every name of a part, with its value as it comes over the wire: text. */
type Texts<O, K extends 'params' | 'query'> =
  O extends Record<K, infer S extends z.ZodMiniType>
    ? { readonly [key in K]: { readonly [name in keyof z.input<S>]-?: string } }
    : { readonly [key in K]?: undefined };

type Body<O> =
  O extends Record<'body', infer S extends z.ZodMiniType>
    ? { readonly body: z.input<S> }
    : { readonly body?: undefined };

type Returns<R> = {
  readonly [status in keyof R]: R[status] extends z.ZodMiniType ? z.output<R[status]> : never;
};

/** The text of a 200 that may be text, under each of its types. */
type Text<O> = O extends { readonly textTypes: readonly (infer T extends string)[] }
  ? { readonly texts: { readonly [type in T]: string } }
  : { readonly texts?: undefined };

/** One request with all of its parameters, and one answer for each status of success. */
export type ExampleOf<O extends Registered> = Texts<O, 'params'> &
  Texts<O, 'query'> &
  Body<O> &
  Text<O> & { readonly returns: Returns<O['returns']> };

/** An example for each operation; a file of examples has some of them: `{ … } satisfies Partial<Examples>`. */
export type Examples = { readonly [O in Registered as O['id']]: ExampleOf<O> };

/** An example as the documentation reads it, whichever operation it is of. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly texts?: Readonly<Record<string, string>>;
  readonly returns: Readonly<Record<string, unknown>>;
}
