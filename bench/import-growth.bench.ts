import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, type Figure, median } from './bench.ts';
import { type LineKind, writeLines } from './list-files.ts';
import { runPipeline } from './pipeline-process.ts';

const sizes = [10_000, 100_000, 1_000_000, 9_750_000];
const kinds: LineKind[] = ['ipv4', 'mixed'];
const runsOf = (size: number) => (size > 1_000_000 ? 1 : 3);

/** The slope of a line through the points, both on logarithmic scales: 1 is linear. */
const exponentOf = (points: readonly (readonly [number, number])[]): number => {
  const logs = points.map(([size, time]) => [Math.log(size), Math.log(time)] as const);
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const along = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return along / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
};

const measure = (
  path: string,
  kind: LineKind,
  size: number,
): { figures: Record<string, Figure>; time: number } => {
  writeLines(path, kind, size);
  const { samples, peak } = runPipeline(path, runsOf(size));
  const time = median(samples.map((sample) => sample.whole));
  const [sample] = samples;
  const name = `${kind}, ${size.toLocaleString('en')} lines`;
  const figures: Record<string, Figure> = {
    [`${name}: all of it`]: { value: time, unit: 'ms' },
    [`${name}: entries`]: { value: sample?.entries ?? 0, unit: '' },
    [`${name}: chunks`]: { value: sample?.chunks ?? 0, unit: '' },
    [`${name}: manifest`]: { value: sample?.manifest.text ?? 0, unit: 'B' },
    [`${name}: manifest, stored`]: { value: sample?.manifest.stored ?? 0, unit: 'B' },
    [`${name}: manifest, parsed in`]: {
      value: median(samples.map(({ manifest }) => manifest.parse)),
      unit: 'ms',
    },
    [`${name}: most memory of the process`]: { value: peak, unit: 'MiB' },
  };
  return { figures, time };
};

export const bench: Bench = {
  what: 'from a file to compressed chunks, up to the longest list',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'import-growth-'));
    const figures: Record<string, Figure> = {};
    try {
      for (const kind of kinds) {
        const points = sizes.map((size) => {
          const { figures: more, time } = measure(join(folder, 'list.txt'), kind, size);
          Object.assign(figures, more);
          return [size, time] as const;
        });
        figures[`${kind}: exponent from 100,000 lines on`] = { value: exponentOf(points.slice(1)), unit: '' };
      }
      return { runs: runsOf(0), figures };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
