import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { accessEntry, accessListName, entryValue } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const getEntry = defineOperation({
  id: 'get-entry',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entry',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'One entry of an access list',
  description: 'The value is found in whatever form it is written.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({ value: entryValue }),
  returns: { 200: accessEntry },
  headers: ['etag'],
  errors: ['NOT_FOUND', 'ENTRY_NOT_FOUND'],
  problems: entryProblems,
});
