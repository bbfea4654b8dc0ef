import type { ErrorCode, Problem } from '../errors.ts';
import { partsOf } from './pointer.ts';

type Json = unknown;

const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Applies a JSON merge patch (RFC 7396, section 2): null removes, objects merge, everything else replaces. */
export const mergePatch = (target: Json, patch: Json): Json => {
  if (!isObject(patch)) return patch;
  // A map, because a member may be called `__proto__`.
  const result = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, mergePatch(result.get(name), value));
  }
  return Object.fromEntries(result);
};

/** Rules by which a member is one too many. */
const tooMany: readonly ErrorCode[] = ['UNKNOWN_FIELD', 'TLS_FIELDS_WITHOUT_TLS'];

/** True where a patch gives the member at a JSON pointer, or a value instead of what held it. */
const gives = (patch: Json, pointer: string): boolean => {
  let inner = patch;
  for (const part of partsOf(pointer)) {
    if (!isObject(inner)) return true;
    if (!Object.hasOwn(inner, part)) return false;
    inner = inner[part];
  }
  return true;
};

/**
 * Problems of a patched document. What is left out of a merge patch stays (RFC 7396, section 2): of a member that is one too many and that
 * only the stored document has, the way out is said.
 */
export const withWayOut = (problems: readonly Problem[], patch: Json): Problem[] =>
  problems.map((problem) =>
    tooMany.includes(problem.code) && !gives(patch, problem.pointer)
      ? { ...problem, suggestion: 'It is there from before; in a merge patch, null takes it out.' }
      : problem,
  );
