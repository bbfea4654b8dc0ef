import * as z from 'zod';
import { scannerId } from '../schemas/common.ts';
import { accessListName, entriesPage, entriesWalk } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const listEntries = defineOperation({
  id: 'list-entries',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entries',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'Entries of an access list, by page number or by cursor',
  description:
    'Without `cursor`, page `page` with totals and links. With `cursor` (empty to begin), the next `pageSize` entries of one revision.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({
    page: z.coerce.number().int().min(1).default(1),
    pageSize: z.coerce.number().int().min(1).max(1000).default(50),
    cursor: z.string().optional(),
    revision: z.coerce.number().int().min(1).optional(),
  }),
  returns: { 200: z.union([entriesPage, entriesWalk]) },
  errors: ['NOT_FOUND', 'PAGE_OUT_OF_RANGE', 'CURSOR_INVALID'],
});
