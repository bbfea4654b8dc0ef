import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { accessFormat, buildList } from '../shared/domain/lists/chunks.ts';
import { readImportFile } from '../shared/domain/lists/import-file.ts';
import { mergeEntries } from '../shared/domain/lists/merge.ts';
import { type Bench, type Figure, median } from './bench.ts';

const runs = 5;
const lines = 1_000_000;
const pieceBytes = 64 * 1024;

/** Numbers below 2^32 that are the same in every run (Marsaglia's xorshift, 32 bits). */
const numbers = (seed: number) => () => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
};

const dotted = (address: number) =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');

/** Nine addresses to one network, in no order, a few of them twice. */
const makeFile = (): string => {
  const next = numbers(20_261_124);
  const line = () => {
    const address = next();
    if (next() % 10 > 0) return dotted(address);
    const prefix = 16 + (next() % 15);
    return `${dotted((address >>> (32 - prefix)) << (32 - prefix))}/${prefix}`;
  };
  return `${Array.from({ length: lines }, line).join('\n')}\n`;
};

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Sample {
  parse: number;
  merge: number;
  build: number;
  compress: number;
  whole: number;
}

/** What the import function does with a file, without its reads and writes. */
const importOnce = (file: Buffer): Sample & { entries: number; chunks: number; bytes: number } => {
  const begun = performance.now();
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 10_000_000 });
  for (let at = 0; at < file.length; at += pieceBytes) reader.push(file.subarray(at, at + pieceBytes));
  const { changes } = reader.end();
  const parsed = performance.now();
  const { entries } = mergeEntries([], changes, 'replace');
  const merged = performance.now();
  const built = buildList(entries, accessFormat, sha256);
  const cut = performance.now();
  let bytes = 0;
  for (const chunk of built.chunks) bytes += gzipSync(chunk.text).length;
  const end = performance.now();
  return {
    parse: parsed - begun,
    merge: merged - parsed,
    build: cut - merged,
    compress: end - cut,
    whole: end - begun,
    entries: entries.length,
    chunks: built.chunks.length,
    bytes,
  };
};

const peerName = 'FireHOL iprange';

/** Milliseconds of the peer on the same file: it sorts and merges, and writes the result. Null where it is not installed. */
const peerOnce = (path: string): number | null => {
  const begun = performance.now();
  try {
    execFileSync('iprange', ['--dont-fix-network', path], { stdio: ['ignore', 'ignore', 'ignore'] });
    return performance.now() - begun;
  } catch {
    return null;
  }
};

const against = (value: number, peers: number[]): Figure =>
  peers.length === 0
    ? { value, unit: 'ms' }
    : { value, unit: 'ms', peer: peerName, ratio: value / median(peers) };

export const bench: Bench = {
  what: `${lines.toLocaleString('en')} lines of IPv4 addresses and networks, from bytes to compressed chunks`,
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'import-pipeline-'));
    try {
      const file = Buffer.from(makeFile());
      const path = join(folder, 'list.txt');
      writeFileSync(path, file);
      const samples: ReturnType<typeof importOnce>[] = [];
      const peers: number[] = [];
      for (let run = 0; run < runs; run++) {
        samples.push(importOnce(file));
        const peer = peerOnce(path);
        if (peer !== null) peers.push(peer);
      }
      if (peers.length === 0)
        console.log(`  ${peerName} is not installed (Debian package iprange): no ratio.`);
      const figure = (key: keyof Sample): Figure => ({
        value: median(samples.map((sample) => sample[key])),
        unit: 'ms',
      });
      const [first] = samples;
      return {
        runs,
        figures: {
          'parse, canonicalise, sort, drop duplicates': figure('parse'),
          merge: figure('merge'),
          'cut and hash': figure('build'),
          compress: figure('compress'),
          'all of it': against(figure('whole').value, peers),
          ...(peers.length > 0 ? { [peerName]: { value: median(peers), unit: 'ms' } } : {}),
          entries: { value: first?.entries ?? 0, unit: '' },
          chunks: { value: first?.chunks ?? 0, unit: '' },
          'stored bytes': { value: first?.bytes ?? 0, unit: 'B' },
          'most memory of the process': { value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' },
        },
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
