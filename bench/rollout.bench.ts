import type { Bench, Figure } from './bench.ts';
import { type RolloutSample, runRolloutOf } from './rollout-process.ts';

/**
 * Commits a second: what `infra/` sets unless told otherwise. The embedded table alone takes about 40 ms of a core for one commit, so that at
 * this rate it is the rate that is measured and not the machine; BENCH_RATE sets another.
 */
const rate = Number(process.env['BENCH_RATE'] ?? 10);

/** BENCH_TARGETS leaves the larger sizes out. */
const most = Number(process.env['BENCH_TARGETS'] ?? 10_000);
const sizes = [100, 1000, 10_000].filter((size) => size <= most);

/** Most commits in any stretch of so many milliseconds, wherever it begins. */
const mostWithin = (commits: readonly number[], ms: number): number => {
  let most = 0;
  let from = 0;
  for (const [index, at] of commits.entries()) {
    while ((commits[from] as number) <= at - ms) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
};

const atRate = (value: number, unit: string, allowed: number): Figure => ({
  value,
  unit,
  peer: 'what the rate allows',
  ratio: value / allowed,
});

const perTarget = (size: number, { planning, committing, objectRequests }: RolloutSample) => ({
  'finding it: table requests': planning.requests / size,
  'finding it: read units': planning.readUnits / size,
  'finding it: write units': planning.writeUnits / size,
  'its turn and its end: table requests': committing.requests / size,
  'its turn and its end: read units': committing.readUnits / size,
  'its turn and its end: write units': committing.writeUnits / size,
  'its turn and its end: object requests': objectRequests / size,
});

const figuresOf = (size: number, sample: RolloutSample): Record<string, Figure> => {
  const name = size.toLocaleString('en');
  const { planMs, commitMs, commits, applied } = sample;
  const each = Object.entries(perTarget(size, sample)).map(([what, value]): [string, Figure] => [
    `${name}: a target, ${what}`,
    { value, unit: '' },
  ]);
  return {
    [`${name}: applied`]: { value: applied, unit: '' },
    [`${name}: finding the targets`]: { value: planMs / 1000, unit: 's' },
    [`${name}: first commit to completed`]: atRate(commitMs / 1000, 's', size / rate),
    [`${name}: most commits in any second`]: atRate(mostWithin(commits, 1000), '/s', rate),
    [`${name}: most commits in any ten seconds`]: atRate(mostWithin(commits, 10_000) / 10, '/s', rate),
    ...Object.fromEntries(each),
  };
};

/** How a figure grows from the smallest size to the largest: as its power of so much. */
const growth = (
  samples: ReadonlyMap<number, RolloutSample>,
  of: (sample: RolloutSample) => number,
): Figure => {
  const [[small, first], [large, last]] = [[...samples][0], [...samples].at(-1)] as [
    [number, RolloutSample],
    [number, RolloutSample],
  ];
  return {
    value: Math.log(of(last) / of(first)) / Math.log(large / small),
    unit: `power of the size, ${small.toLocaleString('en')} to ${large.toLocaleString('en')}`,
  };
};

export const bench: Bench = {
  what: `a rollout at ${rate} commits a second to Scanners that apply at once: time against the rate, and the table's work a target`,
  run: async () => {
    const samples = new Map(sizes.map((size) => [size, runRolloutOf(size, rate)]));
    const figures = Object.assign({}, ...[...samples].map(([size, sample]) => figuresOf(size, sample)));
    if (samples.size < 2) return { runs: 1, figures };
    const total = (what: 'requests' | 'readUnits' | 'writeUnits') => (sample: RolloutSample) =>
      sample.planning[what] + sample.committing[what];
    return {
      runs: 1,
      figures: {
        ...figures,
        'growth of the time': growth(samples, ({ planMs, commitMs }) => planMs + commitMs),
        'growth of table requests': growth(samples, total('requests')),
        'growth of read units': growth(samples, total('readUnits')),
        'growth of write units': growth(samples, total('writeUnits')),
      },
    };
  },
};
