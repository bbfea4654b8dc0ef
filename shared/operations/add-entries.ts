import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, listEdit, newEntries } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const addEntries = defineOperation({
  id: 'add-entries',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entries',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Add up to 1,000 entries',
  description: 'All or nothing. A value that is there already gets only the attributes given.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject(writeQuery),
  body: newEntries,
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: listEdit },
  errors: ['NOT_FOUND', 'TOO_MANY_ENTRIES'],
  problems: [...entryProblems, 'COMMENT_INVALID', 'OPEN_RELAY', 'LIST_EMPTY'],
});
