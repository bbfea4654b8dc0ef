import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { accessListName, accessListSummary } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const getAccessList = defineOperation({
  id: 'get-access-list',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'An access list in numbers',
  params: z.strictObject({ scannerId, list: accessListName }),
  returns: { 200: accessListSummary },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
