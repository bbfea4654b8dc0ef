import * as z from 'zod/mini';
import { cursor, limit, scannerId } from '../schemas/common.ts';
import { hostsPage } from '../schemas/hosts.ts';
import { hostListName } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const listHosts = defineOperation({
  id: 'list-hosts',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/host-lists/{list}',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'Hosts of a host list, in the order in which they are tried',
  params: z.strictObject({ scannerId, list: hostListName }),
  query: z.strictObject({ cursor, limit }),
  returns: { 200: hostsPage },
  headers: ['etag'],
  errors: ['NOT_FOUND', 'CURSOR_INVALID'],
});
