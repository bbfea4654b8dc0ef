import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { buildColumns } from '../shared/domain/lists/build-columns.ts';
import { ColumnStore } from '../shared/domain/lists/columns.ts';
import { readImportFile } from '../shared/domain/lists/import-file.ts';
import { mergeColumns } from '../shared/domain/lists/merge-columns.ts';
import { sha256Lanes } from '../shared/domain/sha256-lanes.ts';

const pieceBytes = 64 * 1024;
/** As `functions/stores/objects.ts` stores texts, and as many at once as `lists.ts` writes. */
const level = 4;
const concurrent = 16;

const compress = promisify(gzip);
const sha256 = (text: string | Uint8Array) => hash('sha256', text);

/** What the import function does with one file, without its calls: milliseconds of each part, and what came out. */
export interface Sample {
  parse: number;
  sort: number;
  merge: number;
  build: number;
  compress: number;
  whole: number;
  /** Of the processor, in all threads. */
  busy: number;
  entries: number;
  chunks: number;
  bytes: number;
  manifest: { text: number; stored: number; parse: number };
}

const compressAll = async (texts: readonly Uint8Array[]): Promise<number> => {
  let next = 0;
  let bytes = 0;
  const lane = async () => {
    while (next < texts.length) {
      const { length } = await compress(texts[next++] ?? '', { level });
      bytes += length;
    }
  };
  await Promise.all(Array.from({ length: concurrent }, lane));
  return bytes;
};

const once = async (path: string): Promise<Sample> => {
  const before = process.cpuUsage();
  const times = [performance.now()];
  const mark = () => times.push(performance.now());
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 10_000_000 });
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) reader.push(piece);
  mark();
  const { columns } = reader.end();
  mark();
  const merged = mergeColumns(new ColumnStore(), columns, 'replace');
  mark();
  const built = buildColumns(merged.columns, { hash: sha256, digest: sha256, lanes: sha256Lanes() });
  mark();
  const bytes = await compressAll(built.chunks.map((chunk) => chunk.text));
  const stored = (await compress(built.manifestText, { level })).length;
  mark();
  const { user, system } = process.cpuUsage(before);
  JSON.parse(built.manifestText);
  mark();
  const between = (part: number) => (times[part + 1] ?? 0) - (times[part] ?? 0);
  return {
    parse: between(0),
    sort: between(1),
    merge: between(2),
    build: between(3),
    compress: between(4),
    whole: (times[5] ?? 0) - (times[0] ?? 0),
    busy: (user + system) / 1000,
    entries: built.manifest.entries,
    chunks: built.chunks.length,
    bytes,
    manifest: { text: built.manifestText.length, stored, parse: between(5) },
  };
};

/** Runs the pipeline on a file in a process of its own, whose peak memory (MiB) is then that of the pipeline. */
export const runPipeline = (path: string, runs: number): { samples: Sample[]; peak: number } =>
  JSON.parse(
    execFileSync(process.execPath, [join(import.meta.dirname, 'pipeline-process.ts'), path, String(runs)], {
      encoding: 'utf8',
    }),
  );

if (import.meta.main) {
  const [, , path = '', runs = '1'] = process.argv;
  const samples: Sample[] = [];
  for (let run = 0; run < Number(runs); run++) samples.push(await once(path));
  console.log(JSON.stringify({ samples, peak: process.resourceUsage().maxRSS / 1024 }));
}
