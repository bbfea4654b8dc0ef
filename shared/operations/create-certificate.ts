import * as z from 'zod/mini';
import { certificate, certificateInput } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { certificateProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const createCertificate = defineOperation({
  id: 'create-certificate',
  method: 'POST',
  path: '/v1/certificates',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Store a certificate with its chain and key',
  description:
    'Everything that is wrong with certificate, chain and key is told at once. They are stored encrypted; the key is never answered.',
  query: z.strictObject({ dryRun }),
  body: certificateInput,
  idempotencyKey: true,
  returns: { 201: certificate },
  headers: ['etag', 'location'],
  errors: ['NAME_TAKEN'],
  problems: certificateProblems,
});
