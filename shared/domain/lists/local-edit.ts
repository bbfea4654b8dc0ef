import type { AccessEntry } from '../../schemas/lists.ts';
import {
  accessFormat,
  type BuiltList,
  type ChunkReference,
  chunksOf,
  type Hash,
  largestChunk,
  type Manifest,
  manifestOf,
  reach,
  referenceOf,
} from './chunks.ts';
import { chunkFinder } from './lookup.ts';
import { type EntryChange, type MergeCounts, mergeEntries } from './merge.ts';
import type { ListEntry } from './order.ts';

/** Chunks `from` (inclusive) to `to` (exclusive) that an edit has to read and cut anew, and the changes that fall among them. */
export interface Region {
  from: number;
  to: number;
  changes: EntryChange[];
}

/** The edges of a region keep their boundaries only with this many untouched entries beside them. */
const margin = reach + 1;

/** The end of a chunk of exactly 16,000 entries may be a cut of a long stretch, which moves with what is before it. */
const endsSurely = (chunk: ChunkReference | undefined): boolean => chunk?.entries !== largestChunk;

const startOf = (chunks: readonly ChunkReference[], touched: number): number => {
  let from = touched;
  for (let before = 0; from > 0 && before < margin; ) before += chunks[--from]?.entries ?? 0;
  while (from > 0 && !endsSurely(chunks[from - 1])) from -= 1;
  return from;
};

const endOf = (chunks: readonly ChunkReference[], touched: number): number => {
  let to = Math.min(touched + 1, chunks.length);
  for (let after = 0; to < chunks.length && after < margin; ) after += chunks[to++]?.entries ?? 0;
  while (to < chunks.length && !endsSurely(chunks[to - 1])) to += 1;
  return to;
};

/**
 * Where a list has to be cut anew for changes (sorted, one a value): for each the chunk that it falls into, and 1,000 entries to each side,
 * widened to whole chunks and to ends that the entries themselves decide (DESIGN 4). Regions that overlap are one; they are in order.
 */
export const regionsOf = ({ chunks }: Manifest, changes: readonly EntryChange[]): Region[] => {
  const find = chunkFinder({ chunks });
  const regions: Region[] = [];
  for (const change of changes) {
    const touched = Math.max(0, find(change));
    const [from, to] = [startOf(chunks, touched), endOf(chunks, touched)];
    const last = regions.at(-1);
    if (last && (from < last.to || chunks.length === 0)) {
      last.to = Math.max(last.to, to);
      last.changes.push(change);
    } else regions.push({ from, to, changes: [change] });
  }
  return regions;
};

/** What one change did to its value. */
export interface Touched {
  value: string;
  before?: AccessEntry;
  after?: AccessEntry;
}

export interface EditedList {
  /** Its `chunks` are only those that were cut anew; the manifest names them all. */
  built: BuiltList;
  counts: MergeCounts;
  /** One for each change, in order. */
  touched: Touched[];
}

const among = (entries: readonly ListEntry[], values: ReadonlySet<string>): Map<string, AccessEntry> =>
  new Map(
    entries
      .filter(({ value }) => values.has(value))
      .map(({ key: _, ...entry }) => [entry.value, entry] as const),
  );

const touchedBy = (
  changes: readonly EntryChange[],
  before: readonly ListEntry[],
  after: readonly ListEntry[],
): Touched[] => {
  const values = new Set(changes.map(({ value }) => value));
  const [old, present] = [among(before, values), among(after, values)];
  return changes.map(({ value }) => {
    const [was, is] = [old.get(value), present.get(value)];
    return { value, ...(was ? { before: was } : {}), ...(is ? { after: is } : {}) };
  });
};

const sumOf = (all: readonly MergeCounts[]): MergeCounts => {
  const total: MergeCounts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  for (const counts of all)
    for (const name of Object.keys(total) as (keyof MergeCounts)[]) total[name] += counts[name];
  return total;
};

/**
 * The list after an edit, from its manifest and the entries of the regions alone. Its root is that of a list built from scratch: at the
 * edges of a region are boundaries that no entry within reach of them has moved, and between them every boundary has all it depends on.
 */
export const editRegions = (
  { chunks }: Manifest,
  regions: readonly (Region & { entries: readonly ListEntry[] })[],
  hash: Hash,
): EditedList => {
  const merged = regions.map(({ entries, changes }) => mergeEntries(entries, changes, 'merge'));
  const cut = merged.map(({ entries }) => chunksOf(entries, accessFormat, hash));
  let next = 0;
  const parts = regions.map(({ from, to }, index) => {
    const kept = chunks.slice(next, from);
    next = to;
    return [...kept, ...(cut[index] ?? []).map(referenceOf)];
  });
  return {
    built: { ...manifestOf([...parts.flat(), ...chunks.slice(next)], hash), chunks: cut.flat() },
    counts: sumOf(merged.map(({ counts }) => counts)),
    touched: regions.flatMap(({ changes, entries }, index) =>
      touchedBy(changes, entries, merged[index]?.entries ?? []),
    ),
  };
};
