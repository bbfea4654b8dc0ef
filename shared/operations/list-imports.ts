import * as z from 'zod/mini';
import { cursor, limit, pageOf } from '../schemas/common.ts';
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
    // Not only ids that can be: a drop for a Scanner that cannot exist is found by the name that it used.
    scannerId: z
      .string()
      .check(
        z.minLength(1),
        z.maxLength(1024),
        z.meta({ description: 'Id of a Scanner, or what a drop named in its place.', example: 'mx1' }),
      ),
    state: z.optional(z.enum(importStates)).check(z.meta({ description: 'Only imports in this state.' })),
    cursor,
    limit,
  }),
  returns: { 200: pageOf(importJob) },
  errors: ['CURSOR_INVALID'],
});
