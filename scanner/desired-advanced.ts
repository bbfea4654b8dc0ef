import { advancedProblems } from '../shared/domain/advanced.ts';
import { advancedOf } from '../shared/domain/desired.ts';
import { pointerOf } from '../shared/domain/pointer.ts';
import { isObject, type JsonObject } from '../shared/domain/sections.ts';
import { shadowDifference } from '../shared/domain/shadow-difference.ts';
import { advancedSettings, defaultAdvanced } from '../shared/schemas/advanced.ts';
import { type Refusal, refusalOf, unknownMember } from './refusal.ts';

/** Where the advanced settings are in what a Scanner applies. */
const root = '/advanced';

const parts = (difference: JsonObject, at: string[] = []): Refusal[] =>
  Object.entries(difference).flatMap(([name, value]) => {
    const path = [...at, name];
    if (value === null) return unknownMember(path, root);
    if (isObject(value)) return parts(value, path);
    return { pointer: pointerOf(path, root), message: `"${name}" is missing, and no Scanner guesses it.` };
  });

/**
 * Why the state of the shadow `smtp-advanced` can never work here. Its form is exact: the advanced settings without what is null and without
 * the bindings of domains, every other member of them, and no further one.
 */
export const advancedRefusals = (document: unknown): Refusal[] => {
  const parsed = advancedSettings.safeParse(document);
  if (!parsed.success) return parsed.error.issues.map((issue) => refusalOf(issue, root));
  const inexact = shadowDifference(document as JsonObject, { ...advancedOf(parsed.data) });
  if (inexact) return parts(inexact);
  return advancedProblems(document, defaultAdvanced()).map(({ pointer, message }) => ({
    pointer: `${root}${pointer}`,
    message,
  }));
};
