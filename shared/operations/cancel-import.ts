import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { importId, importJob } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const cancelImport = defineOperation({
  id: 'cancel-import',
  method: 'POST',
  path: '/v1/imports/{importId}/cancel',
  resource: 'imports',
  scope: 'scanners/write',
  summary: 'Cancel an import that has not finished',
  description: 'The list stays as it is.',
  params: z.strictObject({ importId }),
  query: z.strictObject({ dryRun }),
  idempotencyKey: true,
  returns: { 202: importJob },
  errors: ['NOT_FOUND', 'IMPORT_STATE'],
});
