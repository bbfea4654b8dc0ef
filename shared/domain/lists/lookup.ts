import type { AccessEntry } from '../../schemas/lists.ts';
import type { Manifest } from './chunks.ts';
import { entryOfStored, type ParsedEntry } from './entry.ts';
import { compareEntries } from './order.ts';

/** As much of an entry as its place in a list needs. */
export type Placed = Pick<ParsedEntry, 'value' | 'kind' | 'key'>;

/**
 * Finds the chunk in which a value is, if it is in the list, by a binary search over the first values of the chunks. A value before the
 * first one belongs to the first chunk; -1 in an empty list.
 */
export const chunkFinder = ({
  chunks,
}: Pick<Manifest, 'chunks'>): ((wanted: Omit<Placed, 'value'>) => number) => {
  const firsts = new Map<number, ParsedEntry>();
  const firstOf = (index: number): ParsedEntry => {
    const known = firsts.get(index) ?? entryOfStored(chunks[index]?.first ?? '');
    firsts.set(index, known);
    return known;
  };
  return (wanted) => {
    let [low, high] = [0, chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareEntries(firstOf(middle), wanted) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, Math.min(0, chunks.length - 1));
  };
};

/** Values wanted, by the index of the one chunk that can hold each. */
export const byChunk = <T extends Omit<Placed, 'value'>>(
  manifest: Pick<Manifest, 'chunks'>,
  wanted: readonly T[],
): Map<number, T[]> => {
  const find = chunkFinder(manifest);
  const result = new Map<number, T[]>();
  for (const one of wanted) {
    const index = find(one);
    if (index >= 0) result.set(index, [...(result.get(index) ?? []), one]);
  }
  return result;
};

/** Those of the wanted values that a chunk has. */
export const foundIn = (
  entries: readonly AccessEntry[],
  wanted: readonly Pick<Placed, 'value'>[],
): AccessEntry[] => {
  const values = new Set(wanted.map(({ value }) => value));
  return entries.filter(({ value }) => values.has(value));
};
