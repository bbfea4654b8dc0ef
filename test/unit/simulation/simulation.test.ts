import { describe, expect, it } from 'vitest';
import { type Flaw, flaws, play } from './world.ts';

/** `SIM_SEED=17 SIM_RUNS=1` plays one seed again, and `SIM_LOG=1` shows what its Scanners say; `SIM_RUNS=5000` plays many. */
const { SIM_SEED, SIM_RUNS, SIM_LOG } = process.env;
const first = Number(SIM_SEED ?? 1);
const runs = Number(SIM_RUNS ?? 40);
const seedsFrom = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
const log = SIM_LOG ? (line: string) => console.log(line) : undefined;

/** Far more than any of it takes; a simulation that stands still is ended. */
const patience = 120_000 + runs * 1_000;

/** Each found something once: what, and what came of it. */
const kept: [number, string][] = [
  [1203, 'an overtaken publisher that took the advanced settings back: mended by whoever looks again'],
  [1291, 'the same, in another order'],
  [20, 'a decommissioned Scanner that is opened again, whose worker dies, and at which nobody looks'],
  [45, 'the same, after an enrolment that came too late'],
  [54, 'a thing made by an enrolment that broke off while its Scanner was cleared away'],
];

/** A seed under which each broken rule does harm, so that none has to be looked for; where the simulation has changed, one behind it is found. */
const harmful: Record<Flaw, number> = {
  'publishers did not care for the version of a shadow': 99,
  'a publisher read the head before the shadows': 6,
  'a publisher said published before it had written smtp': 0,
  'a report were stored whatever version of the shadow it was read from': 35,
  'a report for the same revision with an earlier time moved nothing': 83,
  'nobody looked when it is due': 5,
  'a look did not read what is reported': 43,
  'a look that went well put off what was asked for meanwhile': 0,
  'a standing were put whatever was put since its facts were read': 3,
  'an event of a certificate that was replaced counted': 9,
  'lifecycle events counted in the order in which they come': 2,
  'a decommissioned Scanner were not cut off': 25,
  'two could clear away at the same time': 127,
  'nobody told what appears after a decommission': 2,
  'an id could be registered again before all is cleared away': 4,
  'what an earlier registration left counted': 1693,
  'a Scanner did not wait for the advanced settings that its settings name': 83,
  'a Scanner said applied before it had switched': 1,
  'a switch had two steps': 2,
  'reports did not depend on the version of the shadow': 6,
  'a Scanner did not look at its shadows unless it was told to': 1021,
};

describe('publishers, shadows, network and Scanners, whatever the schedule', () => {
  it(
    'never run a mixture, never say what is not so, and come to rest at the last revision',
    async () => {
      for (const seed of seedsFrom(first, runs))
        expect(await play(seed, undefined, log), `SIM_SEED=${seed}`).toBeNull();
    },
    patience,
  );

  it.each(kept)(
    'come to rest under seed %i, which found %s',
    async (seed) => {
      expect(await play(seed)).toBeNull();
    },
    patience,
  );

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
      let seed = harmful[flaw];
      for (const most = seed + 400; wrong === null && seed < most; seed++) wrong = await play(seed, flaw);
      if (SIM_LOG) console.log(flaw, seed, wrong);
      expect(wrong).not.toBeNull();
    },
    patience,
  );
});
