import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { accessListName, listCopy } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const copyAccessList = defineOperation({
  id: 'copy-access-list',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/copy',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Make an access list that of another Scanner',
  description:
    'By its root: nothing is read or stored again, however long the list is. The Scanner need not have connected.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject(writeQuery),
  body: z.strictObject({ from: scannerId }),
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: listCopy },
  errors: ['NOT_FOUND'],
  problems: ['OPEN_RELAY', 'LIST_EMPTY'],
});
