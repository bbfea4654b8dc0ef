import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { importId, importJob } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const confirmImport = defineOperation({
  id: 'confirm-import',
  method: 'POST',
  path: '/v1/imports/{importId}/confirm',
  resource: 'imports',
  scope: 'scanners/write',
  summary: 'Let an import that waits for confirmation go on',
  description: 'Recomputes on the present list.',
  params: z.strictObject({ importId }),
  query: z.strictObject({ dryRun }),
  idempotencyKey: true,
  returns: { 202: importJob },
  errors: ['NOT_FOUND', 'IMPORT_STATE', 'SCANNER_DECOMMISSIONED'],
});
