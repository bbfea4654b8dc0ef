import * as z from 'zod/mini';
import { directorySource, directorySourceId } from '../schemas/directory-sources.ts';
import { defineOperation } from './define.ts';

export const getDirectorySource = defineOperation({
  id: 'get-directory-source',
  method: 'GET',
  path: '/v1/directory-sources/{directorySourceId}',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'One directory source',
  params: z.strictObject({ directorySourceId }),
  returns: { 200: directorySource },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
