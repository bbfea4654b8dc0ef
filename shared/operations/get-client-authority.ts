import * as z from 'zod/mini';
import { authorityId, clientAuthority } from '../schemas/certificates.ts';
import { defineOperation } from './define.ts';

export const getClientAuthority = defineOperation({
  id: 'get-client-authority',
  method: 'GET',
  path: '/v1/client-authorities/{clientAuthorityId}',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'One client authority',
  params: z.strictObject({ clientAuthorityId: authorityId }),
  returns: { 200: clientAuthority },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
