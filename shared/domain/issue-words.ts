import type * as z from 'zod/mini';
import type { ErrorCode } from '../errors.ts';
import { readCoded } from '../schemas/common.ts';

type Issue = z.core.$ZodIssue;

/** What zod calls a kind of value, in plain words. */
const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

const kindOf = (value: unknown): string => {
  if (value === null || typeof value === 'boolean') return String(value);
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return 'a number too large';
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a number with a fraction';
  return kinds[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
};

/** `"all"`, `"all" or "listed"`, `"a", "b" or "c"`. */
const oneOf = (all: readonly string[]): string =>
  all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;

const quoted = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value));

const units: Readonly<Record<string, readonly [string, string]>> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
};

/** A bound, of a number or of a length. */
const bound = (
  { origin }: { origin: string },
  count: number | bigint,
  [ofLength, ofNumber]: readonly [string, string],
): string => {
  const unit = units[origin];
  return unit ? `${ofLength} ${count} ${Number(count) === 1 ? unit[0] : unit[1]}` : `${count} or ${ofNumber}`;
};

/** What is to be given; null for what no words are known. */
const wanted = (issue: Issue): string | null => {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? null;
    case 'invalid_value':
      return oneOf(quoted(issue.values));
    case 'too_small':
      return bound(issue, issue.minimum, ['at least', 'more']);
    case 'too_big':
      return bound(issue, issue.maximum, ['at most', 'less']);
    // Other unions say themselves what they take.
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? oneOf(quoted(issue.options)) : null;
    default:
      return null;
  }
};

/** What came instead. Only numbers are repeated: a text may be a secret in the wrong place. */
const came = (issue: Issue, value: unknown): string => {
  if (value === undefined) return '';
  const long = (issue.code === 'too_small' || issue.code === 'too_big') && issue.origin in units;
  if (long) return `; this has ${(value as string | unknown[]).length}`;
  const isBeyond = typeof value === 'number' && issue.code !== 'invalid_type';
  if (isBeyond) return `; this is ${value}`;
  return issue.code === 'invalid_type' ? `; this is ${kindOf(value)}` : '';
};

/** What is wrong with a value in plain words, under the code that it is refused with: what is to be given, and what came. */
export const wordsOf = (issue: Issue, code: ErrorCode, value: unknown): string => {
  if (code === 'REQUIRED') return 'This field must be given.';
  // What is wrong with the name of a member is said by the rule that names keep to.
  const named = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  if (named) return readCoded(named.message)?.message ?? named.message;
  const what = wanted(issue);
  return what ? `Give ${what}${came(issue, value)}.` : issue.message;
};
