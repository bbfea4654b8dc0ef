import * as z from 'zod/mini';
import { importId, importJob } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const getImport = defineOperation({
  id: 'get-import',
  method: 'GET',
  path: '/v1/imports/{importId}',
  resource: 'imports',
  scope: 'scanners/read',
  summary: 'One import, with its progress while it runs',
  params: z.strictObject({ importId }),
  returns: { 200: importJob },
  errors: ['NOT_FOUND'],
});
