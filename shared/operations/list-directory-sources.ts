import * as z from 'zod/mini';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { directorySource } from '../schemas/directory-sources.ts';
import { defineOperation } from './define.ts';

export const listDirectorySources = defineOperation({
  id: 'list-directory-sources',
  method: 'GET',
  path: '/v1/directory-sources',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'All directory sources',
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(directorySource) },
  errors: ['CURSOR_INVALID'],
});
