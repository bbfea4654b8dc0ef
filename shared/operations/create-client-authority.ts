import * as z from 'zod/mini';
import { clientAuthority, clientAuthorityInput } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { authorityProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const createClientAuthority = defineOperation({
  id: 'create-client-authority',
  method: 'POST',
  path: '/v1/client-authorities',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Add certificates of authorities by which clients are verified',
  description:
    'Scanners verify the certificates of clients by all client authorities together. There are up to 100; the bound is ours.',
  query: z.strictObject({ dryRun }),
  body: clientAuthorityInput,
  idempotencyKey: true,
  returns: { 201: clientAuthority },
  headers: ['etag', 'location'],
  errors: ['NAME_TAKEN', 'TOO_MANY'],
  problems: authorityProblems,
});
