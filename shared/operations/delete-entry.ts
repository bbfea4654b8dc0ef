import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, entryValue, listEdit } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const deleteEntry = defineOperation({
  id: 'delete-entry',
  method: 'DELETE',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entry',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Remove one entry of an access list',
  description: 'The value is found in whatever form it is written; one that is not there is refused.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({ value: entryValue, ...writeQuery }),
  ifMatch: true,
  returns: { 200: listEdit },
  errors: ['NOT_FOUND', 'ENTRY_NOT_FOUND'],
  problems: [...entryProblems, 'LIST_EMPTY'],
});
