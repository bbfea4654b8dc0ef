import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { hostEdit, hostInput, hostPath } from '../schemas/hosts.ts';
import { hostListName } from '../schemas/lists.ts';
import { hostProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const putHost = defineOperation({
  id: 'put-host',
  method: 'PUT',
  path: '/v1/scanners/{scannerId}/host-lists/{list}/hosts/{hostId}',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Change a host of a host list',
  params: z.strictObject({ scannerId, list: hostListName, ...hostPath }),
  query: z.strictObject(writeQuery),
  body: hostInput,
  ifMatch: true,
  returns: { 200: hostEdit },
  errors: ['NOT_FOUND', 'HOST_EXISTS'],
  problems: hostProblems,
});
