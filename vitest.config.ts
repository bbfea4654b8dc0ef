import { defineConfig } from 'vitest/config';

const tier = (
  name: string,
  options: {
    testTimeout: number;
    maxWorkers?: number;
    setupFiles?: string[];
    sequence?: { groupOrder: number };
  },
) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: 120_000,
    ...options,
  },
});

const setupFiles = ['test/helpers/note-run.ts'];

/** Tiers by speed; `npx vitest run --project unit` runs one. The grants are judged when all others have run. */
export default defineConfig({
  test: {
    globalSetup: ['test/helpers/record-grants.ts'],
    projects: [
      tier('unit', { testTimeout: 30_000 }),
      tier('contract', { testTimeout: 30_000 }),
      tier('stack', { testTimeout: 60_000, setupFiles }),
      tier('journey', { testTimeout: 180_000, maxWorkers: 2, setupFiles }),
      tier('grants', { testTimeout: 30_000, sequence: { groupOrder: 1 } }),
    ],
  },
});
