import { compareHostLists, decodeHosts, type HostDifference, hostFormat } from '../../shared/domain/hosts.ts';
import { buildColumns } from '../../shared/domain/lists/build-columns.ts';
import {
  accessFormat,
  type BuiltList,
  buildList,
  type ChunkReference,
  decodeChunk,
  type Manifest,
  type Slice,
  slicesOf,
} from '../../shared/domain/lists/chunks.ts';
import { ColumnStore, type Columns } from '../../shared/domain/lists/columns.ts';
import { compareLists, differingChunks, type EntryDifference } from '../../shared/domain/lists/difference.ts';
import { mayOpenRelay } from '../../shared/domain/lists/entry.ts';
import {
  type EditedList,
  editRegions,
  regionsOf,
  type Touched,
} from '../../shared/domain/lists/local-edit.ts';
import { byChunk, foundIn, type Placed } from '../../shared/domain/lists/lookup.ts';
import type { EntryChange } from '../../shared/domain/lists/merge.ts';
import { keyed, type ListEntry, sortEntries } from '../../shared/domain/lists/order.ts';
import { appendChunk } from '../../shared/domain/lists/stored-columns.ts';
import { chunksWithWide } from '../../shared/domain/lists/wide.ts';
import { sha256Lanes } from '../../shared/domain/sha256-lanes.ts';
import type { Host } from '../../shared/schemas/hosts.ts';
import type { AccessEntry, ListReference } from '../../shared/schemas/lists.ts';
import { prefixes } from '../../shared/tables.ts';
import { readable } from './format.ts';
import { getBytes, getText, putText, sha256 } from './objects.ts';

const concurrent = 16;

/** Runs `work` for every item, a few at a time; results in the order of the items. */
export const eachOf = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrent, items.length) }, lane));
  return results;
};

export const chunkKey = (hash: string): string => `${prefixes.chunks}${hash}`;
export const manifestKey = (root: string): string => `${prefixes.manifests}${root}`;

/** What a list is made of. STORED_FORMAT where a newer version wrote it. */
export const readManifest = async (root: string): Promise<Manifest> =>
  readable(JSON.parse(await getText(manifestKey(root))) as Manifest);

const textOfChunk = (hash: string): Promise<string> => getText(chunkKey(hash));
const readChunk = async (hash: string): Promise<AccessEntry[]> => decodeChunk(await textOfChunk(hash));

/** The entries of parts of chunks, in their order. */
export const readSlices = async (slices: readonly Slice[]): Promise<AccessEntry[]> => {
  const parts = await eachOf(slices, async (slice) =>
    (await readChunk(slice.sha256)).slice(slice.from, slice.to),
  );
  return parts.flat();
};

/** Entries `from` (inclusive) to `to` (exclusive): two chunks at most for up to 1,000 entries. */
export const readEntries = (manifest: Manifest, from: number, to: number): Promise<AccessEntry[]> =>
  readSlices(slicesOf(manifest, from, to));

/** Chunks that are read ahead of whoever works through a list. */
const ahead = 8;

/** The entries of chunks in order, a chunk at a time: memory is bounded whatever the size of the list. */
export async function* eachChunk(
  chunks: readonly Pick<ChunkReference, 'sha256'>[],
): AsyncGenerator<AccessEntry[]> {
  for (let from = 0; from < chunks.length; from += ahead)
    yield* await eachOf(chunks.slice(from, from + ahead), ({ sha256: hash }) => readChunk(hash));
}

/** The whole list, in order, with the keys that a merge compares. */
export const readList = async (manifest: Manifest): Promise<ListEntry[]> =>
  (await readEntries(manifest, 0, manifest.entries)).map(keyed);

/** The whole list, in order, in columns; its text is in memory a few chunks at a time. */
export const readColumns = async ({ chunks }: Manifest): Promise<Columns> => {
  const columns = new ColumnStore();
  for (let from = 0; from < chunks.length; from += ahead) {
    const texts = await eachOf(chunks.slice(from, from + ahead), ({ sha256: hash }) =>
      getBytes(chunkKey(hash)),
    );
    for (const text of texts) appendChunk(text, columns);
  }
  return columns;
};

/** Those of some values that a list has, by value; reads only the chunks that can hold one. */
export const readValues = async (
  manifest: Manifest,
  wanted: readonly Placed[],
): Promise<Map<string, AccessEntry>> => {
  const parts = await eachOf([...byChunk(manifest, wanted)], async ([index, values]) =>
    foundIn(await readChunk(manifest.chunks[index]?.sha256 ?? ''), values),
  );
  return new Map(parts.flat().map((entry) => [entry.value, entry]));
};

/** The list after an edit; reads the chunks that the edit falls into and those beside them, whatever the size of the list. */
export const editOf = async (manifest: Manifest, changes: readonly EntryChange[]): Promise<EditedList> => {
  const regions = await eachOf(regionsOf(manifest, changes), async (region) => {
    const chunks = await eachOf(manifest.chunks.slice(region.from, region.to), ({ sha256: hash }) =>
      readChunk(hash),
    );
    return { ...region, entries: chunks.flat().map(keyed) };
  });
  return editRegions(manifest, regions, sha256);
};

/**
 * The enabled networks wide enough to open a relay that another list has, each with what stands in the list that it is to replace. Reads only
 * chunks that can hold one and that are not in both.
 */
export const openedBy = async (present: string, other: string): Promise<Touched[]> => {
  if (present === other) return [];
  const [old, wanted] = await Promise.all([readManifest(present), readManifest(other)]);
  const shared = new Set(old.chunks.map((chunk) => chunk.sha256));
  const fresh = chunksWithWide(wanted).filter((chunk) => !shared.has(chunk.sha256));
  const wide: ListEntry[] = [];
  for await (const entries of eachChunk(fresh))
    wide.push(...entries.filter((entry) => entry.enabled && mayOpenRelay(entry)).map(keyed));
  const before = await readValues(old, wide);
  return wide.map(({ key: _, ...after }) => {
    const was = before.get(after.value);
    return { value: after.value, after, ...(was ? { before: was } : {}) };
  });
};

const readChunks = async (hashes: readonly string[]): Promise<ListEntry[]> =>
  sortEntries((await eachOf(hashes, readChunk)).flat().map(keyed));

/** What differs between the lists of two roots, in their order; only chunks that differ are read. */
export const differenceOf = async (before: string, after: string): Promise<EntryDifference[]> => {
  if (before === after) return [];
  const [old, present] = await Promise.all([readManifest(before), readManifest(after)]);
  const chunks = differingChunks(old, present);
  return compareLists(await readChunks(chunks.before), await readChunks(chunks.after));
};

/** What differs between the host lists of two roots. */
export const hostDifferenceOf = async (before: string, after: string): Promise<HostDifference[]> => {
  if (before === after) return [];
  const [old, present] = await Promise.all([readManifest(before), readManifest(after)]);
  return compareHostLists(await readHosts(old), await readHosts(present));
};

/**
 * Stores a list: every chunk that the base does not name, then the manifest. An object that is there already is put
 * again: whoever sweeps must see that it is about to be named (DESIGN 4). Answers what a configuration holds of it.
 */
export const writeList = async (
  built: BuiltList<string | Uint8Array>,
  base?: Manifest,
): Promise<ListReference> => {
  const named = new Set(base?.chunks.map((chunk) => chunk.sha256));
  const fresh = built.chunks.filter((chunk) => !named.has(chunk.sha256));
  await eachOf(fresh, (chunk) => putText(chunkKey(chunk.sha256), chunk.text, 'text/plain; charset=utf-8'));
  await putText(manifestKey(built.root), built.manifestText, 'application/json');
  return referenceOf(built);
};

const referenceOf = ({ root, manifest }: BuiltList<string | Uint8Array>): ListReference => ({
  root,
  entries: manifest.entries,
  enabled: manifest.enabled,
});

export const build = (entries: readonly AccessEntry[]): BuiltList => buildList(entries, accessFormat, sha256);

/** The stored form of a list in columns. */
export const buildOfColumns = (columns: Columns): BuiltList<Uint8Array> =>
  buildColumns(columns, { hash: sha256, digest: sha256, lanes: sha256Lanes() });

/** Hosts, in the order in which they are tried. */
export const buildHosts = (hosts: readonly Host[]): BuiltList => buildList(hosts, hostFormat, sha256);

/** All hosts of a list, in order. */
export const readHosts = async ({ chunks }: Manifest): Promise<Host[]> =>
  (await eachOf(chunks, async ({ sha256: hash }) => decodeHosts(await textOfChunk(hash)))).flat();

/** The empty list, stored: a Scanner that is registered names it before anything else. */
export const writeEmptyList = (): Promise<ListReference> => writeList(build([]));

/** What names the empty list, whether it is stored or not. */
export const emptyList = (): ListReference => referenceOf(build([]));
