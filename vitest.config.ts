import { defineConfig } from 'vitest/config';

const tier = (name: string, options: { testTimeout: number; maxWorkers?: number }) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: 120_000,
    ...options,
  },
});

/** Tiers by speed; `npx vitest run --project unit` runs one. */
export default defineConfig({
  test: {
    projects: [
      tier('unit', { testTimeout: 30_000 }),
      tier('contract', { testTimeout: 30_000 }),
      tier('stack', { testTimeout: 60_000 }),
      tier('journey', { testTimeout: 180_000, maxWorkers: 2 }),
    ],
  },
});
