import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, entryValues, listEdit } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const removeEntries = defineOperation({
  id: 'remove-entries',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entries/remove',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Remove up to 1,000 entries',
  description: 'A value that is not there counts as unchanged.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject(writeQuery),
  body: entryValues,
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: listEdit },
  errors: ['NOT_FOUND'],
  problems: [...entryProblems, 'LIST_EMPTY'],
});
