import { observed } from '../lib/observed.ts';
import { sweep } from './sweep/run-sweep.ts';

/** A step takes seconds; with less than this left, the next invocation goes on. */
const enoughMs = 60_000;

/** Woken by a schedule: goes on with the sweep, or begins one when it is time. */
export const handler = observed(async (_event: unknown, context): Promise<void> => {
  await sweep({
    now: () => new Date(),
    hasTime: () => context.getRemainingTimeInMillis() > enoughMs,
  });
});
