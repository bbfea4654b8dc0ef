import type { AccessEntry, EntryKind } from '../../schemas/lists.ts';
import type { Manifest, Slice } from './chunks.ts';
import { entryOfStored, keysWithin, type ParsedEntry } from './entry.ts';
import { chunkFinder } from './lookup.ts';

/** Which entries of a list are wanted: of one kind, or in a network, or at and below a domain. */
export interface EntryFilter {
  kind?: EntryKind | undefined;
  under?: ParsedEntry | undefined;
}

const isIpv4 = ({ kind }: Pick<AccessEntry, 'kind'>) => kind === 'ipv4' || kind === 'ipv4-network';

const isUnderDomain = (domain: string, value: string): boolean => {
  if (value === domain) return true;
  const suffix = domain.startsWith('.') ? domain : `.${domain}`;
  return value.endsWith(suffix);
};

const isUnder = (under: ParsedEntry, entry: AccessEntry): boolean => {
  const range = keysWithin(under);
  if (!range) return entry.kind === 'domain' && isUnderDomain(under.value, entry.value);
  if (entry.kind === 'domain' || isIpv4(under) !== isIpv4(entry)) return false;
  const { key } = entryOfStored(entry.value);
  return range[0] <= key && key <= range[1];
};

/** True for an entry that the filter wants. */
export const isWanted = ({ kind, under }: EntryFilter, entry: AccessEntry): boolean =>
  (kind === undefined || entry.kind === kind) && (under === undefined || isUnder(under, entry));

/** The first and last chunk that can hold what is under a network: its entries stand together. Other filters leave all. */
const chunksUnder = (manifest: Manifest, under: ParsedEntry | undefined): [number, number] => {
  const range = under ? keysWithin(under) : null;
  if (!under || !range) return [0, manifest.chunks.length - 1];
  const find = chunkFinder(manifest);
  const [first, last] = range.map((key) => find({ kind: under.kind, key }));
  return [first ?? 0, last ?? -1];
};

/** A part of a walk: what to read of it, the number of the entry that each part begins with, and where the walk goes on after it. */
export interface Step {
  slices: Slice[];
  starts: number[];
  next: number | null;
}

/** As many chunks as one page of a walk may read (DESIGN 10: three objects, one of which is the manifest). */
const mostChunks = 2;

/** Which chunks to read next, from entry `from` on; chunks that can hold nothing wanted are passed over unread. */
export const nextSlices = (manifest: Manifest, filter: EntryFilter, from: number): Step => {
  const kind = filter.kind ?? (filter.under?.kind === 'domain' ? 'domain' : undefined);
  const [first, last] = chunksUnder(manifest, filter.under);
  const step: Step = { slices: [], starts: [], next: null };
  let start = 0;
  for (const [index, chunk] of manifest.chunks.entries()) {
    const end = start + chunk.entries;
    const may = index >= first && index <= last && (kind === undefined || (chunk.kinds[kind] ?? 0) > 0);
    if (may && end > from) {
      const begin = Math.max(start, from);
      if (step.slices.length === mostChunks) return { ...step, next: begin };
      step.slices.push({ sha256: chunk.sha256, from: begin - start, to: chunk.entries });
      step.starts.push(begin);
    }
    start = end;
  }
  return step;
};

/** Up to `size` of the entries of a step that are wanted, and the number of the entry to go on with; null at the end. */
export const filtered = (
  entries: readonly AccessEntry[],
  { slices, starts, next }: Step,
  filter: EntryFilter,
  size: number,
): { items: AccessEntry[]; next: number | null } => {
  const numbers = slices.flatMap(({ from, to }, index) =>
    Array.from({ length: to - from }, (_, offset) => (starts[index] ?? 0) + offset),
  );
  const items: AccessEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    if (!isWanted(filter, entry)) continue;
    if (items.length === size) return { items, next: numbers[index] ?? null };
    items.push(entry);
  }
  return { items, next };
};
