import type * as z from 'zod/mini';
import type { ErrorCode, Problem } from '../errors.ts';
import { readCoded } from '../schemas/common.ts';
import { wordsOf } from './issue-words.ts';
import { pointerOf } from './pointer.ts';

type Issue = z.core.$ZodIssue;

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  );

const plainCode = (issue: Issue, input: unknown): ErrorCode => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return 'VALUE_INVALID';
  if (at(input, issue.path) === undefined) return 'REQUIRED';
  return issue.code === 'invalid_type' ? 'TYPE_INVALID' : 'VALUE_INVALID';
};

const problemsOfIssue = (issue: Issue, input: unknown, root: string): Problem[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerOf([...issue.path, key], root),
      code: 'UNKNOWN_FIELD',
      message: `There is no field "${key}" here.`,
    }));
  const pointer = pointerOf(issue.path, root);
  const coded = readCoded(issue.message);
  if (coded) return [{ pointer, ...coded }];
  const code = plainCode(issue, input);
  return [{ pointer, code, message: wordsOf(issue, code, at(input, issue.path)) }];
};

/**
 * Every problem that zod found in `input`, with its code and a JSON pointer below `root`
 * (empty for the body, `/query`, `/path`, `/headers` for the rest of a request).
 */
export const problemsOf = (error: z.core.$ZodError, input: unknown, root = ''): Problem[] =>
  error.issues.flatMap((issue) => problemsOfIssue(issue, input, root));
