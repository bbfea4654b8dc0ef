import { realTime, type Time } from './time.ts';

/** `settled`: nothing more to do; `again`: to be tried again after a wait; `parked`: to be tried when somebody rings. */
export type PassOutcome = 'settled' | 'again' | 'parked';

export interface Loop {
  /** Asks for a pass: at once, or after the one that runs. A pass sees the present, so many rings may lead to one. */
  ring(): void;
  /** As `ring`, and waits after failures begin at the shortest again: what failed before may not be what is wanted now. */
  ringAnew(): void;
  /** True when somebody has rung since the pass that runs began. */
  rung(): boolean;
  /** Waits for the pass that runs; none follows. */
  stop(): Promise<void>;
}

/**
 * Runs `pass` level-triggered: what rang does not matter, only that it did. Never two passes at a time.
 * @param delay milliseconds to wait after that many failures in a row
 */
export const startLoop = (
  pass: () => Promise<PassOutcome>,
  delay: (failures: number) => number,
  time: Pick<Time, 'sleep'> = realTime,
): Loop => {
  let wanted = false;
  let busy = false;
  let stopped = false;
  let failures = 0;
  let waiting = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const settle = (outcome: PassOutcome): void => {
    if (outcome === 'settled') failures = 0;
    if (outcome !== 'again' || wanted || stopped) return;
    failures += 1;
    void ringAfter(delay(failures));
  };

  const ringAfter = async (ms: number): Promise<void> => {
    const { signal } = waiting;
    await time.sleep(ms, signal);
    if (!signal.aborted) ring();
  };

  const endWait = (): void => {
    waiting.abort('somebody rang');
    waiting = new AbortController();
  };

  const run = async (): Promise<void> => {
    busy = true;
    try {
      while (wanted && !stopped) {
        wanted = false;
        settle(await pass());
      }
    } finally {
      busy = false;
    }
  };

  const ring = (): void => {
    endWait();
    wanted = true;
    if (!busy && !stopped) running = run();
  };

  return {
    ring,
    ringAnew: () => {
      failures = 0;
      ring();
    },
    rung: () => wanted,
    stop: async () => {
      stopped = true;
      endWait();
      await running;
    },
  };
};
