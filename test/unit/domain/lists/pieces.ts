import { hash as digest } from 'node:crypto';
import fc from 'fast-check';
import { accessFormat, buildList, type Manifest } from '../../../../shared/domain/lists/chunks.ts';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { byChunk, foundIn } from '../../../../shared/domain/lists/lookup.ts';
import { type ListEntry, sortEntries } from '../../../../shared/domain/lists/order.ts';
import type { AskedList } from '../../../../shared/domain/match.ts';
import type { AccessEntry } from '../../../../shared/schemas/lists.ts';

export const hash = (text: string): string => digest('sha256', text);

export const entryOf = (text: string, more: Partial<ListEntry> = {}): ListEntry => {
  const entry = parseEntry(text);
  if (!entry.ok) throw new TypeError(text);
  const { ok: _, ...parsed } = entry;
  return { ...parsed, enabled: true, ...more };
};

/** A list in chunks of a few entries each, so that small lists have many. */
export const inChunks = (
  entries: readonly ListEntry[],
  size: number,
): { manifest: Manifest; parts: ListEntry[][] } => {
  const parts = Array.from({ length: Math.ceil(entries.length / size) }, (_, index) =>
    entries.slice(index * size, (index + 1) * size),
  );
  const chunks = parts.flatMap((part) => buildList(part, accessFormat, hash).manifest.chunks);
  const enabled = entries.filter((entry) => entry.enabled).length;
  return { manifest: { format: 1, entries: entries.length, enabled, chunks }, parts };
};

/** A list whose chunks are at hand, as `match` asks it. */
export const askedIn = (manifest: Manifest, parts: readonly (readonly AccessEntry[])[]): AskedList => ({
  manifest,
  entriesOf: async (wanted) =>
    [...byChunk(manifest, wanted)].flatMap(([index, values]) => foundIn(parts[index] ?? [], values)),
  chunk: async (wanted) => parts[manifest.chunks.findIndex(({ sha256 }) => sha256 === wanted)] ?? [],
});

/** Addresses and networks close enough together to nest and to touch, of both families, and domains below each other. */
const ipv4 = fc
  .tuple(
    fc.constantFrom(10, 11, 128, 192),
    fc.nat(3),
    fc.nat(3),
    fc.constantFrom(0, 1, 2, 7, 8, 9, 15, 16, 22, 23, 24, 25, 30, 31, 32),
  )
  .map(([a, b, c, prefix]) => `${a}.0.${b}.${c}/${prefix}`);
const ipv6 = fc
  .tuple(
    fc.constantFrom('2001:db8:', '2600:', 'fd00:', '::ffff:10.0', '::'),
    fc.nat(3),
    fc.constantFrom(0, 12, 15, 16, 47, 48, 64, 95, 96, 100, 103, 104, 120, 127, 128),
  )
  .map(([start, low, prefix]) =>
    start.includes('.')
      ? `${start}.${low}.1/${prefix}`
      : `${start === '::' ? '::' : `${start}:`}${low}/${prefix}`,
  );
const domain = fc
  .tuple(
    fc.constantFrom('', '.'),
    fc.array(fc.constantFrom('a', 'b', 'mail'), { maxLength: 2 }),
    fc.constantFrom('x.org', 'y.org', 'xx.org'),
  )
  .map(([dot, labels, end]) => `${dot}${[...labels, end].join('.')}`);

export const value = fc.oneof(ipv4, ipv6, domain);

/** Sorted lists of such values, some of them disabled. */
export const list = fc.array(fc.tuple(value, fc.boolean(), fc.boolean()), { maxLength: 60 }).map((given) => {
  const entries = given.map(([text, one, other]) => entryOf(text, { enabled: one || other }));
  return sortEntries([...new Map(entries.map((entry) => [entry.value, entry])).values()]);
});
