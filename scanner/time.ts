import { setTimeout as sleep } from 'node:timers/promises';

/** How a Scanner waits and measures; an argument, so that a simulation can be the clock. What the wall clock says is another matter: it jumps. */
export interface Time {
  /** Milliseconds since some moment; only grows, whoever sets the clock. */
  elapsed(): number;
  /** Resolves after that many milliseconds, or as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const realTime: Time = {
  elapsed: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { ...(signal ? { signal } : {}) }).catch(() => undefined),
};
