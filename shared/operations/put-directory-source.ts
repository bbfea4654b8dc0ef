import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { directorySource, directorySourceId, directorySourceInput } from '../schemas/directory-sources.ts';
import { directorySourceProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const putDirectorySource = defineOperation({
  id: 'put-directory-source',
  method: 'PUT',
  path: '/v1/directory-sources/{directorySourceId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Replace a directory source',
  description:
    'Without bindPassword the stored one stays. The last source with the function authentication keeps it while Scanners need it. Every Scanner that asks it gets a revision.',
  params: z.strictObject({ directorySourceId }),
  query: z.strictObject({ dryRun }),
  body: directorySourceInput,
  ifMatch: true,
  returns: { 200: directorySource },
  errors: ['NOT_FOUND', 'NAME_TAKEN', 'DIRECTORY_SOURCE_IN_USE'],
  problems: directorySourceProblems,
});
