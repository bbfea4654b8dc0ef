import { type ListName, listNames } from '../schemas/lists.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Configuration } from './configuration.ts';
import { pointerOf } from './pointer.ts';

/** One member in which two documents differ; null stands for one that is not there. */
export interface FieldChange {
  pointer: string;
  before: unknown;
  after: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const same = (one: unknown, other: unknown): boolean =>
  canonicalJson((one ?? null) as Json) === canonicalJson((other ?? null) as Json);

/** Names of the members to compare one by one: of objects, of which one may be missing. */
const namesIn = (before: unknown, after: unknown): string[] => {
  const sides = [before, after].filter((side) => side !== null && side !== undefined);
  if (!sides.every(isObject)) return [];
  return [...new Set(sides.flatMap((side) => Object.keys(side)))].sort();
};

/**
 * Members in which two documents differ, by JSON pointer: the deepest ones, in the order of their names. A whole section that comes or
 * goes is told member by member; an array is one member.
 */
export const fieldChanges = (
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): FieldChange[] => {
  if (same(before, after)) return [];
  const names = namesIn(before, after);
  if (names.length === 0) return [{ pointer: pointerOf(path), before: before ?? null, after: after ?? null }];
  const [one, other] = [before, after].map((side) => (isObject(side) ? side : {}));
  return names.flatMap((name) => fieldChanges(one?.[name], other?.[name], [...path, name]));
};

/** Fields of the settings and advanced settings in which two configurations differ, below `/smtp` and `/advanced`. */
export const settingsChanges = (before: Configuration | null, after: Configuration): FieldChange[] =>
  fieldChanges(
    { smtp: before?.smtp ?? null, advanced: before?.advanced ?? null },
    { smtp: after.smtp, advanced: after.advanced },
  );

/** Lists whose roots differ. */
export const changedLists = (before: Configuration['lists'], after: Configuration['lists']): ListName[] =>
  listNames.filter((name) => before[name].root !== after[name].root);

const shownFields = 3;

const fieldSummary = (before: Configuration | null, after: Configuration): string[] => {
  const changes = settingsChanges(before, after);
  if (changes.length === 0) return [];
  const shown = changes.slice(0, shownFields).map(({ pointer }) => pointer.slice(1));
  const more = changes.length - shown.length;
  return [`${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
};

const listSummary = (before: Configuration, after: Configuration): string[] =>
  changedLists(before.lists, after.lists).map((name) => {
    const [one, other] = [before.lists[name], after.lists[name]];
    return `${name} list: ${one.entries} to ${other.entries} entries, ${one.enabled} to ${other.enabled} enabled`;
  });

/** Artifacts that were renewed; those that come and go with a setting are told by that setting. */
const artifactSummary = (before: Configuration, after: Configuration): string[] =>
  Object.entries(after.artifacts)
    .filter(([name, digest]) => before.artifacts[name] !== undefined && before.artifacts[name] !== digest)
    .map(([name]) => `${name} renewed`);

/** What a revision changed, in a line for a person. */
export const summaryOf = (before: Configuration | null, after: Configuration): string => {
  if (!before) return 'registered';
  return [
    ...fieldSummary(before, after),
    ...listSummary(before, after),
    ...artifactSummary(before, after),
  ].join('; ');
};
