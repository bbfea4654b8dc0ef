import { seeded } from '../scanner/turns.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Everything that happens by chance, from one seed; while there are faults, also what goes wrong. */
export interface Chance {
  random(): number;
  /** A whole number from 0, below `most`. */
  below(most: number): number;
  pick<T>(choices: readonly T[]): T;
  /** True with this probability while there are faults, and never afterwards. */
  fault(probability: number): boolean;
  endFaults(): void;
}

export const chanceOf = (seed: number): Chance => {
  const random = seeded(seed);
  let faults = true;
  const below = (most: number) => Math.floor(random() * most);
  return {
    random,
    below,
    pick: (choices) => choices[below(choices.length)] as never,
    fault: (probability) => faults && random() < probability,
    endFaults: () => {
      faults = false;
    },
  };
};

/** How badly a way of messages treats them. */
export interface Way {
  lost: number;
  doubled: number;
  /** Chance to be under way for up to `slowMs` instead of for milliseconds, and so to arrive after later ones. */
  slow: number;
  slowMs: number;
}

/** Sends something: it arrives once, never, twice, at once or much later. */
export const sending =
  (time: VirtualTime, chance: Chance) =>
  (way: Way, arrive: () => void): void => {
    if (chance.fault(way.lost)) return;
    const once = () =>
      time.after(chance.fault(way.slow) ? chance.below(way.slowMs) : 1 + chance.below(40), arrive);
    once();
    if (chance.fault(way.doubled)) once();
  };
