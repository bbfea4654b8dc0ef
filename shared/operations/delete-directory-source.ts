import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { directorySource, directorySourceId } from '../schemas/directory-sources.ts';
import { defineOperation } from './define.ts';

export const deleteDirectorySource = defineOperation({
  id: 'delete-directory-source',
  method: 'DELETE',
  path: '/v1/directory-sources/{directorySourceId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Delete a directory source',
  description:
    'The last one with the function authentication is kept while Scanners need it; the answer says which.',
  params: z.strictObject({ directorySourceId }),
  query: z.strictObject({ dryRun }),
  ifMatch: true,
  returns: { 200: directorySource },
  headers: [],
  errors: ['NOT_FOUND', 'DIRECTORY_SOURCE_IN_USE'],
});
