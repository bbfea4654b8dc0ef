import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { hostEdit, hostPath } from '../schemas/hosts.ts';
import { hostListName } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const deleteHost = defineOperation({
  id: 'delete-host',
  method: 'DELETE',
  path: '/v1/scanners/{scannerId}/host-lists/{list}/hosts/{hostId}',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Remove a host from a host list',
  description: 'The last relay host stays while mail for other domains is relayed.',
  params: z.strictObject({ scannerId, list: hostListName, ...hostPath }),
  query: z.strictObject(writeQuery),
  ifMatch: true,
  returns: { 200: hostEdit },
  errors: ['NOT_FOUND', 'RELAY_HOSTS_REQUIRED'],
});
