import { compareHostLists, decodeHosts, type HostDifference, hostFormat } from '../../shared/domain/hosts.ts';
import {
  accessFormat,
  type BuiltList,
  buildList,
  decodeChunk,
  type Manifest,
  slicesOf,
} from '../../shared/domain/lists/chunks.ts';
import { compareLists, differingChunks, type EntryDifference } from '../../shared/domain/lists/difference.ts';
import { keyed, type ListEntry, sortEntries } from '../../shared/domain/lists/order.ts';
import type { Host } from '../../shared/schemas/hosts.ts';
import type { AccessEntry, ListReference } from '../../shared/schemas/lists.ts';
import { prefixes } from '../../shared/tables.ts';
import { getText, putText, sha256 } from './objects.ts';

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

export const readManifest = async (root: string): Promise<Manifest> =>
  JSON.parse(await getText(manifestKey(root))) as Manifest;

const textOfChunk = (hash: string): Promise<string> => getText(chunkKey(hash));
const readChunk = async (hash: string): Promise<AccessEntry[]> => decodeChunk(await textOfChunk(hash));

/** Entries `from` (inclusive) to `to` (exclusive): two chunks at most for up to 1,000 entries. */
export const readEntries = async (manifest: Manifest, from: number, to: number): Promise<AccessEntry[]> => {
  const parts = await eachOf(slicesOf(manifest, from, to), async (slice) =>
    (await readChunk(slice.sha256)).slice(slice.from, slice.to),
  );
  return parts.flat();
};

/** The whole list, in order, with the keys that a merge compares. */
export const readList = async (manifest: Manifest): Promise<ListEntry[]> =>
  (await readEntries(manifest, 0, manifest.entries)).map(keyed);

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
export const writeList = async (built: BuiltList, base?: Manifest): Promise<ListReference> => {
  const named = new Set(base?.chunks.map((chunk) => chunk.sha256));
  const fresh = built.chunks.filter((chunk) => !named.has(chunk.sha256));
  await eachOf(fresh, (chunk) => putText(chunkKey(chunk.sha256), chunk.text, 'text/plain; charset=utf-8'));
  await putText(manifestKey(built.root), built.manifestText, 'application/json');
  return { root: built.root, entries: built.manifest.entries, enabled: built.manifest.enabled };
};

export const build = (entries: readonly AccessEntry[]): BuiltList => buildList(entries, accessFormat, sha256);

/** Hosts, in the order in which they are tried. */
export const buildHosts = (hosts: readonly Host[]): BuiltList => buildList(hosts, hostFormat, sha256);

/** All hosts of a list, in order. */
export const readHosts = async ({ chunks }: Manifest): Promise<Host[]> =>
  (await eachOf(chunks, async ({ sha256: hash }) => decodeHosts(await textOfChunk(hash)))).flat();

/** The empty list, stored: a Scanner that is registered names it before anything else. */
export const writeEmptyList = (): Promise<ListReference> => writeList(build([]));
