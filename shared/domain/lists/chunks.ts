import type { AccessEntry, EntryKind } from '../../schemas/lists.ts';
import { canonicalJson } from '../canonical-json.ts';

/** sha-256 of a text (as UTF-8), in lower-case hex. */
export type Hash = (text: string) => string;

/** Entries to each side of which a boundary's key must be the least (DESIGN 4). */
export const reach = 1000;
export const largestChunk = 16_000;
const smallestRemainder = 1000;

export type KindCounts = Partial<Record<EntryKind, number>>;

export interface ChunkReference {
  sha256: string;
  /** Value of its first entry. */
  first: string;
  entries: number;
  enabled: number;
  kinds: KindCounts;
}

export interface Manifest {
  format: 1;
  entries: number;
  enabled: number;
  chunks: ChunkReference[];
}

export interface Chunk<Text = string> extends ChunkReference {
  text: Text;
}

/** A list as it is stored; the text of its chunks is a string, or bytes. */
export interface BuiltList<Text = string> {
  root: string;
  manifest: Manifest;
  manifestText: string;
  chunks: Chunk<Text>[];
}

/** How entries of one sort are kept: what identifies one, its line, and what is counted. */
export interface ListFormat<T> {
  /** Identity of an entry: it decides, with those around it, where the list is cut. */
  value(entry: T): string;
  /** One line, ended by LF. */
  line(entry: T): string;
  enabled(entry: T): boolean;
  kind?(entry: T): EntryKind;
}

/** Access lists: a disabled entry stands behind `#`, so that a chunk is a safe import file as it is. */
export const accessFormat: ListFormat<AccessEntry> = {
  value: (entry) => entry.value,
  line: (entry) =>
    `${entry.enabled ? '' : '#'}${entry.value}${entry.comment ? `\t# ${entry.comment}` : ''}\n`,
  enabled: (entry) => entry.enabled,
  kind: (entry) => entry.kind,
};

/** A chunk's text: one entry a line. */
export const encodeChunk = (entries: readonly AccessEntry[]): string =>
  entries.map(accessFormat.line).join('');

const kindOf = (value: string): EntryKind => {
  if (value.includes(':')) return value.includes('/') ? 'ipv6-network' : 'ipv6';
  if (value.includes('/')) return 'ipv4-network';
  return /^[\d.]+$/.test(value) && !value.startsWith('.') ? 'ipv4' : 'domain';
};

/** The entry of a chunk's line, without its LF. */
export const entryOfLine = (line: string): AccessEntry => {
  const enabled = !line.startsWith('#');
  const tab = line.indexOf('\t# ');
  const value = line.slice(enabled ? 0 : 1, tab < 0 ? undefined : tab);
  return { value, kind: kindOf(value), enabled, ...(tab < 0 ? {} : { comment: line.slice(tab + 3) }) };
};

/** The entries of a chunk's text, in order. */
export const decodeChunk = (text: string): AccessEntry[] => text.split('\n').slice(0, -1).map(entryOfLine);

/** What a Scanner lets in: the values of a chunk's enabled entries, one a line. */
export const enabledLines = (text: string): string =>
  decodeChunk(text)
    .filter((entry) => entry.enabled)
    .map((entry) => `${entry.value}\n`)
    .join('');

/** What decides where a list is cut, for each entry: the first 8 bytes of sha-256(value), as two numbers; among equals the value itself. */
export interface CutKeys {
  highs: Uint32Array;
  lows: Uint32Array;
  value(index: number): string;
}

/** Both halves of the key of a value. */
export const cutKeyOf = (value: string, hash: Hash): [number, number] => {
  const digest = hash(value);
  return [Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16)];
};

const cutKeysOf = (values: readonly string[], hash: Hash): CutKeys => {
  const highs = new Uint32Array(values.length);
  const lows = new Uint32Array(values.length);
  values.forEach((value, index) => {
    [highs[index], lows[index]] = cutKeyOf(value, hash);
  });
  return { highs, lows, value: (index) => values[index] as string };
};

const isLess = ({ highs, lows, value }: CutKeys, one: number, other: number): boolean => {
  const high = (highs[one] as number) - (highs[other] as number);
  if (high !== 0) return high < 0;
  const low = (lows[one] as number) - (lows[other] as number);
  return low === 0 ? value(one) < value(other) : low < 0;
};

/** The entry with the least key of a stretch. */
const leastOf = (keys: CutKeys, from: number, to: number): number => {
  let least = from;
  for (let index = from + 1; index < to; index++) if (isLess(keys, index, least)) least = index;
  return least;
};

/**
 * Ends (exclusive) of the stretches between boundaries that the entries themselves decide. Of any 1,000 in a row only the least can be less than its thousand
 * neighbours to each side.
 */
const naturalEnds = (keys: CutKeys): number[] => {
  const { length } = keys.highs;
  if (length === 0) return [];
  const ends: number[] = [];
  for (let from = 0; from < length; from += reach) {
    const least = leastOf(keys, from, Math.min(length, from + reach));
    const isInside = least >= reach && least + reach < length;
    if (isInside && leastOf(keys, least - reach, least + reach + 1) === least) ends.push(least + 1);
  }
  return [...ends, length];
};

/** Cuts a stretch that is too long every 16,000 entries; a remainder under 1,000 joins the piece before it. */
const cutLong = (from: number, to: number): number[] => {
  const ends: number[] = [];
  for (let end = from + largestChunk; end < to; end += largestChunk) ends.push(end);
  if (ends.length > 0 && to - (ends.at(-1) as number) < smallestRemainder) ends.pop();
  return [...ends, to];
};

/**
 * Where a sorted list is cut, as exclusive ends: after each entry whose key is less than those of the 1,000 entries before it and
 * the 1,000 after it. A function of the entries alone, and local: an edit moves a boundary only near itself (DESIGN 4).
 */
export const cutEnds = (keys: CutKeys): number[] => {
  const result: number[] = [];
  let from = 0;
  for (const end of naturalEnds(keys)) {
    result.push(...cutLong(from, end));
    from = end;
  }
  return result;
};

/** Where a sorted list is cut, by the values of its entries. */
export const partition = (values: readonly string[], hash: Hash): number[] =>
  cutEnds(cutKeysOf(values, hash));

const kindsOf = <T>(entries: readonly T[], { kind }: ListFormat<T>): KindCounts => {
  const kinds: KindCounts = {};
  if (kind) for (const entry of entries) kinds[kind(entry)] = (kinds[kind(entry)] ?? 0) + 1;
  return kinds;
};

const chunkOf = <T>(entries: readonly T[], format: ListFormat<T>, hash: Hash): Chunk => {
  const text = entries.map(format.line).join('');
  return {
    text,
    sha256: hash(text),
    first: format.value(entries[0] as T),
    entries: entries.length,
    enabled: entries.reduce((sum, entry) => sum + (format.enabled(entry) ? 1 : 0), 0),
    kinds: kindsOf(entries, format),
  };
};

const sum = (chunks: readonly ChunkReference[], of: 'entries' | 'enabled'): number =>
  chunks.reduce((total, chunk) => total + chunk[of], 0);

/** What a manifest says of a chunk. */
export const referenceOf = ({ text: _, ...reference }: Chunk<unknown>): ChunkReference => reference;

/** The manifest of chunks, its text (canonical JSON) and the root: the sha-256 of that text. */
export const manifestOf = (references: readonly ChunkReference[], hash: Hash): Omit<BuiltList, 'chunks'> => {
  const manifest: Manifest = {
    format: 1,
    entries: sum(references, 'entries'),
    enabled: sum(references, 'enabled'),
    chunks: [...references],
  };
  const manifestText = canonicalJson({
    ...manifest,
    chunks: references.map((reference) => ({ ...reference })),
  });
  return { root: hash(manifestText), manifest, manifestText };
};

/** The chunks of sorted entries. */
export const chunksOf = <T>(entries: readonly T[], format: ListFormat<T>, hash: Hash): Chunk[] => {
  let from = 0;
  return partition(entries.map(format.value), hash).map((end) => {
    const chunk = chunkOf(entries.slice(from, end), format, hash);
    from = end;
    return chunk;
  });
};

/** Builds the stored form of a sorted list. Equal entries give equal roots, whatever their history. */
export const buildList = <T>(entries: readonly T[], format: ListFormat<T>, hash: Hash): BuiltList => {
  const chunks = chunksOf(entries, format, hash);
  return { ...manifestOf(chunks.map(referenceOf), hash), chunks };
};

/** Number of entries by kind, from the manifest alone. */
export const countKinds = (manifest: Manifest): Record<EntryKind, number> => {
  const total = { ipv4: 0, 'ipv4-network': 0, ipv6: 0, 'ipv6-network': 0, domain: 0 };
  for (const { kinds } of manifest.chunks)
    for (const [kind, count] of Object.entries(kinds)) total[kind as EntryKind] += count;
  return total;
};

/** A part of one chunk: entries `from` (inclusive) to `to` (exclusive) of it. */
export interface Slice {
  sha256: string;
  from: number;
  to: number;
}

/** The parts of chunks that hold entries `from` (inclusive) to `to` (exclusive) of the list. */
export const slicesOf = (manifest: Manifest, from: number, to: number): Slice[] => {
  const slices: Slice[] = [];
  let start = 0;
  for (const chunk of manifest.chunks) {
    const end = start + chunk.entries;
    if (start < to && end > from)
      slices.push({
        sha256: chunk.sha256,
        from: Math.max(0, from - start),
        to: Math.min(chunk.entries, to - start),
      });
    start = end;
  }
  return slices;
};
