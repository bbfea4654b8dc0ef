import type { AccessEntry } from '../../schemas/lists.ts';
import type { Manifest } from './chunks.ts';
import { compareEntries, type ListEntry } from './order.ts';

/** One value in which two lists differ: what it was, what it is, or both. */
export interface Difference<T> {
  value: string;
  change: 'added' | 'removed' | 'changed';
  before?: T;
  after?: T;
}

export type EntryDifference = Difference<AccessEntry>;

/** Chunks that only one of two lists has: equal chunks hold equal entries, so only these need to be read. */
export const differingChunks = (before: Manifest, after: Manifest): { before: string[]; after: string[] } => {
  const hashes = (manifest: Manifest) => manifest.chunks.map((chunk) => chunk.sha256);
  const [old, present] = [new Set(hashes(before)), new Set(hashes(after))];
  return {
    before: [...old].filter((hash) => !present.has(hash)),
    after: [...present].filter((hash) => !old.has(hash)),
  };
};

const plain = ({ key: _, ...entry }: ListEntry): AccessEntry => entry;

const alike = (one: ListEntry, other: ListEntry): boolean =>
  one.enabled === other.enabled && (one.comment ?? '') === (other.comment ?? '');

/** What differs between two sorted lists, in their order. */
export const compareLists = (
  before: readonly ListEntry[],
  after: readonly ListEntry[],
): EntryDifference[] => {
  const differences: EntryDifference[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length || right < after.length) {
    const [old, present] = [before[left], after[right]];
    const order = !old ? 1 : !present ? -1 : compareEntries(old, present);
    if (order < 0 && old) differences.push({ value: old.value, change: 'removed', before: plain(old) });
    else if (order > 0 && present)
      differences.push({ value: present.value, change: 'added', after: plain(present) });
    else if (old && present && !alike(old, present))
      differences.push({ value: old.value, change: 'changed', before: plain(old), after: plain(present) });
    if (order <= 0) left += 1;
    if (order >= 0) right += 1;
  }
  return differences;
};

/** How many values differ, and how. */
export const countDifferences = (differences: readonly Pick<Difference<unknown>, 'change'>[]) => {
  const counts = { added: 0, removed: 0, changed: 0 };
  for (const { change } of differences) counts[change] += 1;
  return counts;
};
