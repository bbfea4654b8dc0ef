import * as z from 'zod/mini';
import { clientAuthority } from '../schemas/certificates.ts';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { defineOperation } from './define.ts';

export const listClientAuthorities = defineOperation({
  id: 'list-client-authorities',
  method: 'GET',
  path: '/v1/client-authorities',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'All client authorities',
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(clientAuthority) },
  errors: ['CURSOR_INVALID'],
});
