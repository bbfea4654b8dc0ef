import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { buildColumns } from '../shared/domain/lists/build-columns.ts';
import { type BuiltList, decodeChunk, type Manifest, slicesOf } from '../shared/domain/lists/chunks.ts';
import { type ColumnStore, columnsOf } from '../shared/domain/lists/columns.ts';
import { entryOfStored } from '../shared/domain/lists/entry.ts';
import { readImportFile } from '../shared/domain/lists/import-file.ts';
import { editRegions, regionsOf } from '../shared/domain/lists/local-edit.ts';
import { mergeColumns } from '../shared/domain/lists/merge-columns.ts';
import { keyed } from '../shared/domain/lists/order.ts';
import { sha256Lanes } from '../shared/domain/sha256-lanes.ts';
import { type Bench, type Figure, median } from './bench.ts';
import { lineKinds, numbers } from './list-files.ts';

const size = 1_000_000;
const level = 4;
const pages = 1000;
const edits = 50;

const sha256 = (text: string | Uint8Array) => hash('sha256', text);
const next = numbers(4_711);

const read = (lines: readonly string[]): ColumnStore => {
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 10_000_000 });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  return reader.end().columns as ColumnStore;
};

const build = (lines: readonly string[]): BuiltList<Uint8Array> =>
  buildColumns(mergeColumns(columnsOf([]), read(lines), 'replace').columns, {
    hash: sha256,
    digest: sha256,
    lanes: sha256Lanes(),
  });

/** The lines with some of them, anywhere, replaced by others. */
const withOthers = (lines: readonly string[], count: number): string[] => {
  const changed = [...lines];
  for (let left = count; left > 0; left--) changed[next() % lines.length] = lineKinds.ipv4(next);
  return changed;
};

const stored = (text: string | Uint8Array): number => gzipSync(text, { level }).length;

/** Bytes of the objects of a list that a Scanner with another list lacks: chunks, and the manifest. */
const fetched = (built: BuiltList<string | Uint8Array>, has: Manifest): number => {
  const known = new Set(has.chunks.map((chunk) => chunk.sha256));
  const fresh = built.chunks.filter((chunk) => !known.has(chunk.sha256));
  return fresh.reduce((sum, chunk) => sum + stored(chunk.text), stored(built.manifestText));
};

const bytes = (value: number): Figure => ({ value, unit: 'B' });
const count = (value: number): Figure => ({ value, unit: '' });

/** Objects that pages anywhere are read from, the manifest among them: what `readEntries` asks for. */
const pageReads = ({ manifest }: BuiltList<Uint8Array>): number[] =>
  Array.from({ length: pages }, () => {
    const from = (next() % Math.ceil(size / 1000)) * 1000;
    return 1 + slicesOf(manifest, from, from + 1000).length;
  });

/** What one new entry anywhere reads, writes and makes a Scanner fetch: what `editOf` and `writeList` do. */
const editOnce = (base: BuiltList<Uint8Array>) => {
  const { ok: _, ...change } = entryOfStored(
    `${next() >>> 24}.${next() & 255}.${next() & 255}.${next() & 255}`,
  );
  const regions = regionsOf(base.manifest, [change]).map((region) => ({
    ...region,
    entries: base.chunks
      .slice(region.from, region.to)
      .flatMap(({ text }) => decodeChunk(Buffer.from(text).toString()).map(keyed)),
  }));
  const { built } = editRegions(base.manifest, regions, sha256);
  const known = new Set(base.manifest.chunks.map((chunk) => chunk.sha256));
  return {
    reads: 1 + regions.reduce((sum, { from, to }) => sum + to - from, 0),
    writes: 1 + built.chunks.filter((chunk) => !known.has(chunk.sha256)).length,
    bytes: fetched(built, base.manifest),
  };
};

const editFigures = (base: BuiltList<Uint8Array>): Record<string, Figure> => {
  const done = Array.from({ length: edits }, () => editOnce(base));
  const all = (of: keyof (typeof done)[number]) => done.map((one) => one[of]);
  return {
    'one edit: objects read, most': count(Math.max(...all('reads'))),
    'one edit: objects written, median': count(median(all('writes'))),
    'one edit: objects written, most': count(Math.max(...all('writes'))),
    'a Scanner fetches after one edit, median': bytes(median(all('bytes'))),
    'a Scanner fetches after one edit, most': bytes(Math.max(...all('bytes'))),
  };
};

export const bench: Bench = {
  what: `objects and bytes, counted, of a list of ${size.toLocaleString('en')} IPv4 addresses and networks`,
  run: async () => {
    const lines = Array.from({ length: size }, () => lineKinds.ipv4(next));
    const base = build(lines);
    const reads = pageReads(base);
    const after = (changed: number) => bytes(fetched(build(withOthers(lines, changed)), base.manifest));
    return {
      runs: edits,
      figures: {
        'the whole list': bytes(fetched(base, { ...base.manifest, chunks: [] })),
        'its manifest': bytes(stored(base.manifestText)),
        'a page of 1,000: objects read, median': count(median(reads)),
        'a page of 1,000: objects read, most': count(Math.max(...reads)),
        ...editFigures(base),
        'a Scanner fetches after 1,000 scattered edits': after(1000),
        'a Scanner fetches after 1 % is replaced': after(size / 100),
        'a Scanner fetches after 50 % is replaced': after(size / 2),
      },
    };
  },
};
