import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { type ErrorCode, isErrorCode } from '../errors.ts';

/** `zod/mini` has no texts of its own. Every schema comes by here, so every message is in English. */
z.config(en());

/**
 * A schema's error text that carries its code: `z.int({ error: coded('PORT_OUT_OF_RANGE', 'a port is …') })`.
 * `readCoded` takes the two apart again where problems are made.
 */
export const coded = (code: ErrorCode, message: string): string => `${code}: ${message}`;

/** Splits a text made by `coded`; null for any other text. */
export const readCoded = (text: string): { code: ErrorCode; message: string } | null => {
  const [code = '', ...rest] = text.split(': ');
  return isErrorCode(code) && rest.length > 0 ? { code, message: rest.join(': ') } : null;
};

const SCANNER_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A Scanner's id, which is also its IoT thing name (DESIGN 2). */
export const scannerId = z.string().check(
  z.regex(SCANNER_ID, {
    error: coded(
      'SCANNER_ID_INVALID',
      '1 to 63 lower-case letters, digits and hyphens, starting with a letter or digit',
    ),
  }),
  z.meta({ description: 'Id of a Scanner; also its IoT thing name.', example: 'mx1' }),
);

export const isScannerId = (text: string): boolean => SCANNER_ID.test(text);

/** Text that a person wrote, on one line or several: no control characters but tab and line feed. */
export const text = (longest: number) =>
  z.string().check(
    z.maxLength(longest),
    z.regex(/^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/, {
      error: coded('VALUE_INVALID', 'control characters are not text'),
    }),
  );

/** A TCP port. */
export const port = z
  .int()
  .check(
    z.minimum(1, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') }),
    z.maximum(65535, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') }),
  );

/** The flag in a schema, and in the OpenAPI document, of what belongs to one host alone. */
export const hostSpecificFlag = 'x-host-specific';

/**
 * Marks a member that belongs to one host alone (ports, addresses, TLS): what is applied to other Scanners leaves theirs as it is (tab, last
 * row). Rollout, validation and the OpenAPI document read this flag; `shared/domain/host-specific.ts` walks it.
 */
export const hostSpecific = <T extends z.ZodMiniType>(schema: T, description?: string): T =>
  schema.check(z.meta({ [hostSpecificFlag]: true, ...(description ? { description } : {}) })) as T;

/** Times are ISO 8601 in UTC. */
export const time = z.iso
  .datetime()
  .check(z.meta({ description: 'ISO 8601, UTC', example: '2026-11-24T10:00:00.000Z' }));

export const revision = z
  .int()
  .check(
    z.minimum(1),
    z.meta({ description: "Number of an immutable snapshot of a Scanner's configuration." }),
  );

/** The number that a text of nothing but decimal digits is, or one too many; anything else is left as it is, for the schema behind to judge. */
const fromDigits = (most: number) => (given: unknown) =>
  typeof given === 'string' && /^\d+$/.test(given) ? Math.min(Number(given), most + 1) : given;

const digitsExpected = coded('TYPE_INVALID', 'Give a whole number in decimal digits, and nothing else.');

/** A whole number from 1 in a path or a query, where numbers are text: digits alone, no sign, point, exponent, other base or space. */
export const wholeNumber = (most = Number.MAX_SAFE_INTEGER) => {
  const number = z.int({ error: ({ code }) => (code === 'invalid_type' ? digitsExpected : undefined) });
  const bounds = [z.minimum(1), ...(most === Number.MAX_SAFE_INTEGER ? [] : [z.maximum(most)])];
  return z.pipe(z.transform(fromDigits(most)), number.check(...bounds));
};

/** A revision in a path or a query. */
export const revisionNumber = wholeNumber().check(z.meta({ description: 'Number of a revision.' }));

/** A sha-256 in lower-case hex. */
export const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));

export const warning = z
  .object({ pointer: z.string(), code: z.string(), message: z.string() })
  .check(z.meta({ id: 'Warning' }));
export const warnings = z.array(warning).check(z.meta({ description: 'What to know; never blocks.' }));

/** Version of something of the fleet, which has no revisions. */
export const memberVersion = z
  .int()
  .check(
    z.minimum(1),
    z.meta({ description: 'Counts its changes, from 1; also its ETag, which If-Match takes.' }),
  );

/** One page of a list that is walked with a cursor. */
export const pageOf = <T extends z.ZodMiniType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.optional(z.string()) });

/** What a caller may acknowledge, so that a guarded change goes through (DESIGN 3 and 4). */
export const acknowledgements = ['empty-list', 'open-relay'] as const;
export type Acknowledgement = (typeof acknowledgements)[number];

/** `acknowledge=empty-list,open-relay`; repeating the parameter works too (the gateway joins with a comma). */
export const acknowledge = z.string().check(
  z.regex(/^(empty-list|open-relay)(,(empty-list|open-relay))*$/, {
    error: coded('VALUE_INVALID', `one or more of ${acknowledgements.join(', ')}, separated by commas`),
  }),
  z.meta({ description: 'Guards that the caller knowingly passes, separated by commas.' }),
);

/** `true` or `false` in a query. */
export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' });

/** `dryRun=true` runs a write up to its commit, and answers what would be. */
export const dryRun = z._default(flag, false).check(
  z.meta({
    description:
      'Runs everything up to the commit, stores nothing, and answers what would be, with `dryRun: true`.',
    type: 'boolean',
  }),
);

/** What the answer to a dry run has besides: it looks like that of the write, and may be taken for it. */
export const ofDryRun = {
  dryRun: z
    .optional(z.literal(true))
    .check(z.meta({ description: 'Only of a dry run: this is what would be, and nothing was stored.' })),
};

/** What every write of a Scanner's configuration takes in its query. */
export const writeQuery = { acknowledge: z.optional(acknowledge), dryRun };

/** Cursor lists take `limit`, 50 unless told, at most 1,000. */
export const limit = z
  .prefault(wholeNumber(1000), 50)
  .check(z.meta({ description: 'How many to answer at most.' }));

/** Where a walk goes on: what the page before gave. */
export const cursor = z
  .optional(z.string())
  .check(z.meta({ description: 'The nextCursor of the page before; without it, the first page.' }));
