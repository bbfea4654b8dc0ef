import * as z from 'zod/mini';
import { time } from '../schemas/common.ts';
import { importCounts, importError, importId, importProblem } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const getImportReport = defineOperation({
  id: 'get-import-report',
  method: 'GET',
  path: '/v1/imports/{importId}/report',
  resource: 'imports',
  scope: 'scanners/read',
  summary: 'What an import did, and where all of its problems can be downloaded',
  description: 'The download has one problem a line (JSON Lines); it is absent when there is none.',
  params: z.strictObject({ importId }),
  returns: {
    200: z.object({
      importId: z.string(),
      error: importError,
      counts: importCounts,
      problems: z.array(importProblem),
      problemsTotal: z.int().check(z.minimum(0)),
      download: z.optional(z.object({ url: z.string(), expiresAt: time })),
    }),
  },
  errors: ['NOT_FOUND', 'IMPORT_STATE'],
});
