import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, type Figure, median } from './bench.ts';
import { bundleSizes, coldImport, entries, nameOf } from './function-bundles.ts';

const runs = 7;

const measure = async (entry: string, folder: string): Promise<Record<string, Figure>> => {
  const name = nameOf(entry);
  const { file, withoutSdk, withSdk } = await bundleSizes(entry, folder);
  const imports = Array.from({ length: runs }, () => coldImport(file));
  return {
    [`${name}: bundle without the SDK`]: { value: withoutSdk / 1000, unit: 'kB' },
    [`${name}: bundle with the SDK`]: { value: withSdk / 1000, unit: 'kB' },
    [`${name}: cold import, median`]: { value: median(imports), unit: 'ms' },
  };
};

export const bench: Bench = {
  what: 'size of each function and what its cold import costs',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
    const figures: Record<string, Figure> = {};
    for (const entry of entries()) Object.assign(figures, await measure(entry, folder));
    rmSync(folder, { recursive: true });
    return { runs, figures };
  },
};
