import type * as z from 'zod/mini';

/** Most issues that a log tells of. */
const most = 20;

/** What a document breaks, as a log may hold it: which rule where, and nothing of what it holds. */
export const issuesOf = (error: z.core.$ZodError | undefined): { path: string; code: string }[] =>
  (error?.issues ?? [])
    .slice(0, most)
    .map(({ path, code }) => ({ path: path.map(String).join('/'), code: code ?? 'unknown' }));
