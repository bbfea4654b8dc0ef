import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { directorySource, directorySourceInput } from '../schemas/directory-sources.ts';
import { directorySourceProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const createDirectorySource = defineOperation({
  id: 'create-directory-source',
  method: 'POST',
  path: '/v1/directory-sources',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Add a directory source',
  description: 'There are up to 100; the bound is ours. The password is stored encrypted and never answered.',
  query: z.strictObject({ dryRun }),
  body: directorySourceInput,
  idempotencyKey: true,
  returns: { 201: directorySource },
  headers: ['etag', 'location'],
  errors: ['NAME_TAKEN', 'TOO_MANY'],
  problems: directorySourceProblems,
});
