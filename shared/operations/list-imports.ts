import * as z from 'zod/mini';
import { cursor, limit, pageOf, scannerId } from '../schemas/common.ts';
import { importJob, importStates } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const listImports = defineOperation({
  id: 'list-imports',
  method: 'GET',
  path: '/v1/imports',
  resource: 'imports',
  scope: 'scanners/read',
  summary: 'Imports of a Scanner, newest first',
  query: z.strictObject({
    scannerId,
    state: z.optional(z.enum(importStates)).check(z.meta({ description: 'Only imports in this state.' })),
    cursor,
    limit,
  }),
  returns: { 200: pageOf(importJob) },
  errors: ['CURSOR_INVALID'],
});
