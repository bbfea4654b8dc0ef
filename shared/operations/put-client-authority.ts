import * as z from 'zod/mini';
import { authorityId, clientAuthority, clientAuthorityInput } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { authorityProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const putClientAuthority = defineOperation({
  id: 'put-client-authority',
  method: 'PUT',
  path: '/v1/client-authorities/{clientAuthorityId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Replace a client authority',
  description: 'Every Scanner that verifies clients gets a revision with it.',
  params: z.strictObject({ clientAuthorityId: authorityId }),
  query: z.strictObject({ dryRun }),
  body: clientAuthorityInput,
  ifMatch: true,
  returns: { 200: clientAuthority },
  errors: ['NOT_FOUND', 'NAME_TAKEN'],
  problems: authorityProblems,
});
