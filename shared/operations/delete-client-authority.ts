import * as z from 'zod/mini';
import { authorityId, clientAuthority } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { defineOperation } from './define.ts';

export const deleteClientAuthority = defineOperation({
  id: 'delete-client-authority',
  method: 'DELETE',
  path: '/v1/client-authorities/{clientAuthorityId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Delete a client authority',
  description: 'The last one is kept while Scanners verify clients; the answer says which.',
  params: z.strictObject({ clientAuthorityId: authorityId }),
  query: z.strictObject({ dryRun }),
  ifMatch: true,
  returns: { 200: clientAuthority },
  headers: [],
  errors: ['NOT_FOUND', 'CLIENT_AUTHORITY_IN_USE'],
});
