import * as z from 'zod/mini';
import { hostSpecificFlag } from '../schemas/common.ts';
import { isObject, type JsonObject } from './sections.ts';

/** The schema within wrappers such as optional and default, and whether one of them carries the flag. */
const unwrapped = (schema: z.ZodMiniType): { schema: z.ZodMiniType; flagged: boolean } => {
  const flagged = z.globalRegistry.get(schema)?.[hostSpecificFlag] === true;
  const inner = (schema as z.ZodMiniType & { def: { innerType?: z.ZodMiniType } }).def.innerType;
  if (!inner) return { schema, flagged };
  const deeper = unwrapped(inner);
  return { schema: deeper.schema, flagged: flagged || deeper.flagged };
};

/** Paths of the members of a document's schema that belong to one host alone, by the flag in the schema itself. */
export const hostSpecificPaths = (schema: z.ZodMiniType, path: readonly string[] = []): string[][] => {
  const { schema: inner, flagged } = unwrapped(schema);
  if (flagged) return [[...path]];
  const shape = (inner as z.ZodMiniType & { shape?: Record<string, z.ZodMiniType> }).shape;
  return Object.entries(shape ?? {}).flatMap(([name, member]) => hostSpecificPaths(member, [...path, name]));
};

/** The value at a path of a document; undefined where there is none. */
export const valueAt = (document: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), document);

/** A document with the value at a path; where the path's holder is not there, nothing is put into it. */
const withValue = (
  document: JsonObject,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): JsonObject => {
  const { [name]: present, ...others } = document;
  if (rest.length > 0)
    return isObject(present) ? { ...document, [name]: withValue(present, rest, value) } : document;
  return value === undefined ? others : { ...others, [name]: value };
};

/**
 * A document as another host would have it: everything of `source`, except what belongs to one host alone, which stays as `target` has it
 * (tab, "Apply above settings to all Scanners"). What `target` lacks of that is left out, for the rules to ask for.
 */
export const appliedTo = <T extends object>(schema: z.ZodMiniType, source: T, target: object): unknown =>
  hostSpecificPaths(schema).reduce<JsonObject>(
    (document, path) => withValue(document, path, valueAt(target, path)),
    { ...source } as JsonObject,
  );
