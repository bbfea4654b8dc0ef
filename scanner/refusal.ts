import type * as z from 'zod/mini';
import { pointerOf } from '../shared/domain/pointer.ts';
import { readCoded } from '../shared/schemas/common.ts';

/**
 * Why a configuration can never work on this Scanner, and where: a JSON pointer (RFC 6901) into the desired document, in which `/advanced/…`
 * leads into that of the shadow `smtp-advanced`.
 */
export interface Refusal {
  pointer: string;
  message: string;
}

/** Whoever leaves out what it does not know may open what was meant to be closed. */
export const unknownMember = (path: readonly PropertyKey[], root = ''): Refusal => ({
  pointer: pointerOf(path, root),
  message: `This Scanner does not know "${String(path.at(-1))}", and leaving it out could open what it is meant to close.`,
});

/** What a schema says of a document below `root`. */
export const refusalOf = (issue: z.core.$ZodIssue, root = ''): Refusal => {
  if (issue.code === 'unrecognized_keys') return unknownMember([...issue.path, issue.keys[0] ?? ''], root);
  return {
    pointer: pointerOf(issue.path, root),
    message: readCoded(issue.message)?.message ?? issue.message,
  };
};
