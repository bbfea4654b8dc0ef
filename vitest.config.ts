import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Of a file that starts a stack much is waiting: two cores have room for three files. */
const maxWorkers = Math.max(3, availableParallelism());

interface Tier {
  /** Tiers of one number run together, and after those of every lower one. Never 0: files of one worker would then run last of all. */
  order: number;
  /** Milliseconds; where a test waits for something, more than `until` does, so that it is `until` that says what was seen last. */
  testTimeout: number;
  setupFiles?: string[];
}

const tier = (name: string, { order, ...options }: Tier) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: 120_000,
    maxWorkers,
    sequence: { groupOrder: order },
    ...options,
  },
});

const setupFiles = ['test/helpers/note-run.ts'];

/** Tiers by speed; `npx vitest run --project unit` runs one. The grants are judged when all others have run. */
export default defineConfig({
  test: {
    globalSetup: ['test/helpers/compile-once.ts', 'test/helpers/record-grants.ts'],
    projects: [
      tier('unit', { order: 1, testTimeout: 90_000 }),
      tier('contract', { order: 1, testTimeout: 90_000 }),
      tier('stack', { order: 1, testTimeout: 180_000, setupFiles }),
      tier('journey', { order: 1, testTimeout: 180_000, setupFiles }),
      tier('grants', { order: 2, testTimeout: 30_000 }),
    ],
  },
});
