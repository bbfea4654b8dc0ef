import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { hostEdit, hostInput } from '../schemas/hosts.ts';
import { hostListName } from '../schemas/lists.ts';
import { hostProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const addHost = defineOperation({
  id: 'add-host',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/host-lists/{list}/hosts',
  resource: 'lists',
  scope: 'scanners/write',
  summary: 'Add a host to a host list',
  params: z.strictObject({ scannerId, list: hostListName }),
  query: z.strictObject(writeQuery),
  body: hostInput,
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: hostEdit },
  errors: ['NOT_FOUND', 'HOST_EXISTS'],
  problems: hostProblems,
});
