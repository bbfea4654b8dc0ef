import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Edges } from '../../../functions/workers/rollout/edges.ts';
import { runRollout } from '../../../functions/workers/rollout/run-rollout.ts';
import { rolloutActions } from '../../../shared/domain/rollout.ts';
import { type Chance, Crash, makeWorld, type World } from './rollout-world.ts';

vi.hoisted(() => {
  // What nobody foresaw is logged, and here it is foreseen.
  process.env['LOG_LEVEL'] = 'SILENT';
});

/** The edges of one process: when one of its steps ends it, nothing is heard of it any more. */
const mortal = (edges: Edges, died: () => void): Edges => {
  let dead = false;
  const never = new Promise<never>(() => undefined);
  const step =
    (work: (...given: unknown[]) => Promise<unknown>) =>
    async (...given: unknown[]): Promise<unknown> => {
      if (dead) return never;
      try {
        const value = await work(...given);
        return dead ? await never : value;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        if (!dead) died();
        dead = true;
        return never;
      }
    };
  return Object.fromEntries(
    Object.entries(edges).map(([name, work]) => [name, step(work as never)]),
  ) as unknown as Edges;
};

/** Numbers that a seed decides (mulberry32). */
const chanceOf = (seed: number): Chance => {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

interface Play {
  seed: number;
  hosts: number;
  maxConcurrent: number;
  abortAfterFailures: number;
  canary: number;
  waves: number;
}

type Go = () => void;

/** Several workers at once over one world: whose step is next, and who dies in between, chance decides. */
const play = async ({ seed, ...options }: Play): Promise<World> => {
  const chance = chanceOf(seed);
  const steps: Go[] = [];
  let faults = true;
  const turn = <T>(step: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      steps.push(() => {
        const dies = faults ? chance(60) : 2;
        if (dies === 0) return reject(new Crash());
        try {
          const value = step();
          world.check();
          if (dies === 1) return reject(new Crash());
          return resolve(value);
        } catch (error) {
          return reject(error);
        }
      });
    });
  const world = makeWorld(options, chance, turn);
  let workers = 0;
  const begin = (): void => {
    workers += 1;
    const clock = { now: () => new Date(world.now), hasTime: () => true };
    const ended = () => {
      workers -= 1;
    };
    runRollout(world.rollout.rolloutId, `w${chance(1e9)}`, clock, mortal(world.edges, ended)).then(
      ended,
      (error: unknown) => {
        world.broken.push(String(error));
        ended();
      },
    );
  };
  const any = () => `mx${chance(options.hosts)}`;
  const happens = [
    () => world.report(any(), 'applied'),
    () => world.report(any(), 'applied'),
    () => world.report(any(), 'failed'),
    () => world.report(any(), 'rejected'),
    () => world.save(any()),
    () => world.overtake(any()),
    () => world.registerAgain(any()),
    () => world.abandon(),
    () => {
      // Whoever has the lease is alive: it must do no harm that another works, too.
      world.abandon();
      begin();
    },
    () => {
      world.abandon();
      begin();
    },
    () => {
      world.now += 60_000;
    },
    () => world.act(rolloutActions[chance(3)] ?? 'halt'),
    () => (chance(6) === 0 ? world.act('revert') : world.act('resume')),
  ];
  const one = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const [step] = steps.length > 0 ? steps.splice(chance(steps.length), 1) : [];
    step?.();
  };
  begin();
  for (let round = 0; round < 250; round++) {
    if (chance(4) === 0) happens[chance(happens.length)]?.();
    await one();
    world.check();
  }
  faults = false;
  while (workers > 0) await one();
  // From here on nothing goes wrong, and every Scanner applies what it has.
  for (let round = 0; round < 12 && world.isOpen(); round++) {
    for (const id of world.hosts.keys()) world.report(id, 'applied');
    world.abandon();
    world.now += 61_000;
    if (world.rollout.state === 'halted') world.act('resume');
    begin();
    while (workers > 0) await one();
  }
  return world;
};

const plays = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  hosts: fc.integer({ min: 1, max: 14 }),
  maxConcurrent: fc.integer({ min: 1, max: 5 }),
  abortAfterFailures: fc.integer({ min: 1, max: 4 }),
  canary: fc.integer({ min: 0, max: 4 }),
  waves: fc.integer({ min: 1, max: 4 }),
});

describe('a rollout, whoever works on it, whatever crashes, and whatever others do meanwhile', () => {
  it('gives each target one outcome, holds its stages and its width, and comes to an end', async () => {
    await fc.assert(
      fc.asyncProperty(plays, async (options) => {
        const world = await play(options);
        expect(world.broken).toEqual([]);
        expect(world.isOpen()).toBe(false);
        expect(['completed', 'cancelled', 'reverted', 'halted']).toContain(world.rollout.state);
        const open = [...world.targets.values()].filter(({ outcome }) => outcome === 'committed');
        expect(open).toEqual([]);
      }),
      {
        numRuns: Number(process.env['ROLLOUT_RUNS'] ?? 150),
        endOnFailure: true,
        // Cancelled between a step of planning and its commit, by a worker whose lease had run out.
        examples: [
          [{ seed: 75383913, hosts: 8, maxConcurrent: 1, abortAfterFailures: 1, canary: 2, waves: 2 }],
        ],
      },
    );
  }, 120_000);
});

/** One worker, one target that is silent: what it asks for until it gives up, by name, and when it looked. */
const idle = async () => {
  const world = makeWorld(
    { hosts: 1, maxConcurrent: 1, abortAfterFailures: 1, canary: 0, waves: 1 },
    () => 5,
    async (step) => step(),
  );
  world.now = 1;
  const asked: Record<string, number> = {};
  const looks: number[] = [];
  const edges = Object.fromEntries(
    Object.entries(world.edges).map(([name, work]) => [
      name,
      (...given: unknown[]) => {
        asked[name] = (asked[name] ?? 0) + 1;
        if (name === 'facts' || name === 'reported') looks.push(world.now);
        return (work as (...args: unknown[]) => unknown)(...given);
      },
    ]),
  ) as unknown as Edges;
  const clock = { now: () => new Date(world.now), hasTime: () => true };
  const ended = await runRollout(world.rollout.rolloutId, 'w', clock, edges);
  return { ended, asked, looks };
};

describe('a worker that waits for one target', () => {
  it('sees what comes no later than a sixth of the time it took, or 200 ms, and never two seconds late', async () => {
    const { ended, looks } = await idle();
    expect(ended).toBe('waits');
    expect(looks.at(-1)).toBeGreaterThan(18_000);
    looks.forEach((at, index) => {
      const before = looks[index - 1] ?? at;
      expect(at - before).toBeLessThanOrEqual(Math.min(2000, Math.max(200, before / 6)) + 1);
    });
  });

  it('asks for 55 reads and ten writes at most until it gives up', async () => {
    const { asked } = await idle();
    const { find = 0, waiting = 0, unfinished = 0, facts = 0, reported = 0, takeLease = 0 } = asked;
    expect(find + waiting + unfinished + 2 * facts + reported).toBeLessThanOrEqual(55);
    expect(takeLease).toBeLessThanOrEqual(10);
  });
});
