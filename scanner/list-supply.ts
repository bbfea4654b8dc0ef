import * as z from 'zod/mini';
import { enabledLines } from '../shared/domain/lists/chunks.ts';
import type { SmtpDesired } from '../shared/messages/shadow.ts';
import { digest } from '../shared/schemas/common.ts';
import type { ListName } from '../shared/schemas/lists.ts';
import { type ArtifactTools, fetchLacking } from './artifacts.ts';
import { parsedJson } from './parsed-json.ts';
import { ConfigurationRefused } from './sink.ts';

const count = z.int().check(z.minimum(0));

/** As much of a manifest (DESIGN 4) as a Scanner reads. */
const manifestSchema = z.object({
  format: z.literal(1),
  entries: count,
  enabled: count,
  chunks: z.array(z.object({ sha256: digest, entries: count, enabled: count })),
});
type Manifest = z.infer<typeof manifestSchema>;
type ChunkReference = Manifest['chunks'][number];

const linesIn = (text: string): number => {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
};

const refuse = (name: ListName, member: 'root' | 'entries', message: string): never => {
  throw new ConfigurationRefused({ pointer: `/lists/${name}/${member}`, message });
};

const total = (chunks: readonly ChunkReference[], of: 'entries' | 'enabled'): number =>
  chunks.reduce((sum, chunk) => sum + chunk[of], 0);

/** A manifest whose hash is right can still be none that this Scanner can use; no other bytes can ever have that hash. */
const readManifest = (text: string, name: ListName, desired: { entries: number }): Manifest => {
  const parsed = manifestSchema.safeParse(parsedJson(text));
  if (!parsed.success)
    return refuse(
      name,
      'root',
      `The manifest of the ${name} list cannot be used: ${z.prettifyError(parsed.error)}`,
    );
  const manifest = parsed.data;
  for (const member of ['entries', 'enabled'] as const)
    if (total(manifest.chunks, member) !== manifest[member])
      refuse(
        name,
        'root',
        `The manifest of the ${name} list counts ${manifest[member]} ${member}, its chunks another number.`,
      );
  if (manifest.entries !== desired.entries)
    refuse(name, 'entries', `The ${name} list has ${manifest.entries} entries, not ${desired.entries}.`);
  return manifest;
};

/** Makes the lists of a configuration available. */
export interface ListSupply {
  /**
   * Fetches what the named lists lack, then gives their enabled entries, one a line, in pieces, verified again as they
   * are read. @throws ConfigurationRefused for a list that contradicts itself; other errors may pass with time.
   */
  contents(
    desired: SmtpDesired,
    names: readonly ListName[],
    signal: AbortSignal,
  ): Promise<Map<ListName, AsyncIterable<string>>>;
  /** Every object that the lists of a configuration consist of, as far as is known here. */
  objectsOf(desired: SmtpDesired): Promise<string[]>;
}

export const listSupply = (tools: ArtifactTools, log: (line: string) => void): ListSupply => {
  const { cache } = tools;

  const fetchMissing = async (
    list: { name: ListName; revision: number; root: string },
    hashes: readonly string[],
    signal: AbortSignal,
  ): Promise<void> => {
    const { name, revision, root } = list;
    const fetched = await fetchLacking(tools, { revision, root }, hashes, signal);
    const what = hashes[0] === root ? 'manifest' : `${fetched} of ${hashes.length} chunks`;
    if (fetched > 0) log(`revision ${revision}: fetched ${what} of the ${name} list`);
  };

  async function* lines(name: ListName, chunks: readonly ChunkReference[]): AsyncIterable<string> {
    for (const chunk of chunks) {
      const text = await cache.read(chunk.sha256);
      const enabled = enabledLines(text);
      if (linesIn(text) !== chunk.entries || linesIn(enabled) !== chunk.enabled)
        refuse(
          name,
          'root',
          `The chunk ${chunk.sha256} of the ${name} list has not the entries its manifest says.`,
        );
      yield enabled;
    }
  }

  return {
    async contents(desired, names, signal) {
      const found = new Map<ListName, AsyncIterable<string>>();
      for (const name of names) {
        const list = desired.lists[name];
        if (!list) continue;
        const identity = { name, revision: desired.revision, root: list.root };
        await fetchMissing(identity, [list.root], signal);
        const manifest = readManifest(await cache.read(list.root), name, list);
        await fetchMissing(
          identity,
          manifest.chunks.map((chunk) => chunk.sha256),
          signal,
        );
        found.set(name, lines(name, manifest.chunks));
      }
      return found;
    },
    async objectsOf({ lists }) {
      const objects: string[] = [];
      for (const { root } of Object.values(lists)) {
        objects.push(root);
        if (!(await cache.has(root))) continue;
        const manifest = manifestSchema.safeParse(parsedJson(await cache.read(root)));
        for (const chunk of manifest.data?.chunks ?? []) objects.push(chunk.sha256);
      }
      return objects;
    },
  };
};
