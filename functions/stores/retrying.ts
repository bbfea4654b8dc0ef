import { AppError } from '../../shared/errors.ts';
import { wait } from '../lib/wait.ts';

const attempts = 12;

const shortPause = (attempt: number) => wait(Math.random() * Math.min(500, 10 * 2 ** attempt));

/** Tries again, with growing pauses, while a try answers null because somebody else was faster. THROTTLED when that goes on. */
export const retrying = async <T>(
  attempt: () => Promise<T | null>,
  { tries = attempts, refusal = 'Too many writes of the same thing at once.', pause = shortPause } = {},
): Promise<T> => {
  for (let count = 0; count < tries; count++) {
    const done = await attempt();
    if (done !== null) return done;
    await pause(count);
  }
  throw new AppError('THROTTLED', refusal);
};
