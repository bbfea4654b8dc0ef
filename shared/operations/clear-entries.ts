import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, clearing, listEdit } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const clearEntries = defineOperation({
  id: 'clear-entries',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entries/clear',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Remove all entries of an access list',
  description:
    'Only if the list has as many entries as the request says; else 409 with the number that it has.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject(writeQuery),
  body: clearing,
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: listEdit },
  errors: ['NOT_FOUND', 'COUNT_MISMATCH'],
  problems: ['LIST_EMPTY'],
});
