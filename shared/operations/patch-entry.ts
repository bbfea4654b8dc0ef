import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, entryPatch, entryValue, listEdit } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const patchEntry = defineOperation({
  id: 'patch-entry',
  method: 'PATCH',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entry',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Change one entry of an access list',
  description:
    'A JSON merge patch (RFC 7396) of value, enabled and comment. Under a new value the entry keeps what the patch does not give; a value that another entry has is refused.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({ value: entryValue, ...writeQuery }),
  body: entryPatch,
  mediaTypes: ['application/merge-patch+json', 'application/json'],
  ifMatch: true,
  returns: { 200: listEdit },
  errors: ['NOT_FOUND', 'ENTRY_NOT_FOUND', 'ENTRY_EXISTS'],
  problems: [...entryProblems, 'COMMENT_INVALID', 'OPEN_RELAY', 'LIST_EMPTY'],
});
