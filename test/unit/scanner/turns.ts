import { setImmediate } from 'node:timers/promises';

/** A generator of numbers from 0 to 1 that a seed decides (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Several that work at the same time, each waiting for its turn before every step that the others can see. */
export interface Turns {
  /** Resolves when it is one's turn. */
  turn(): Promise<void>;
  /** Gives turns, by chance, until nobody waits for one. */
  run(): Promise<void>;
}

/** The same `random` gives the same order, if nothing but turns is waited for. */
export const turns = (random: () => number): Turns => {
  const waiting: (() => void)[] = [];
  return {
    turn: () => new Promise((resolve) => waiting.push(resolve)),
    async run() {
      for (await setImmediate(); waiting.length > 0; await setImmediate()) {
        const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
        next?.();
      }
    },
  };
};
