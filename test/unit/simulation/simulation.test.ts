import { describe, expect, it } from 'vitest';
import { flaws, play } from './world.ts';

/** `SIM_SEED=17 SIM_RUNS=1` plays one seed again, and `SIM_LOG=1` shows what its Scanners say; `SIM_RUNS=5000` plays many. */
const { SIM_SEED, SIM_RUNS, SIM_LOG } = process.env;
const first = Number(SIM_SEED ?? 1);
const runs = Number(SIM_RUNS ?? 200);
const seedsFrom = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
const log = SIM_LOG ? (line: string) => console.log(line) : undefined;

/** Far more than any of it takes; a simulation that stands still is ended. */
const patience = 120_000 + runs * 1_000;

/** Each found something once: what, and what came of it. */
const kept: [number, string][] = [
  [1203, 'an overtaken publisher that took the advanced settings back: mended by whoever looks again'],
  [1291, 'the same, in another order'],
];

describe('publishers, shadows, network and Scanners, whatever the schedule', () => {
  it(
    'never run a mixture, never say what is not so, and come to rest at the last revision',
    async () => {
      for (const seed of seedsFrom(first, runs))
        expect(await play(seed, undefined, log), `SIM_SEED=${seed}`).toBeNull();
    },
    patience,
  );

  it.each(kept)('come to rest under seed %i, which found %s', async (seed) => {
    expect(await play(seed)).toBeNull();
  });

  it('do the same when the same seed is played again', async () => {
    const [one, other] = [[], []] as string[][];
    await play(7, undefined, (line) => one?.push(line));
    await play(7, undefined, (line) => other?.push(line));
    expect(one).toEqual(other);
    expect(one?.length).toBeGreaterThan(10);
  });

  it.each(flaws)(
    'would do wrong if %s',
    async (flaw) => {
      let wrong: string | null = null;
      let seed = 0;
      for (; wrong === null && seed < 400; seed++) wrong = await play(seed, flaw);
      if (SIM_LOG) console.log(flaw, seed, wrong);
      expect(wrong).not.toBeNull();
    },
    patience,
  );
});
