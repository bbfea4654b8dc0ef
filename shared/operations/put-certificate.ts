import * as z from 'zod/mini';
import { certificate, certificateInput } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { certificateProblems } from '../schemas/problem-codes.ts';
import { certificateId } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const putCertificate = defineOperation({
  id: 'put-certificate',
  method: 'PUT',
  path: '/v1/certificates/{certificateId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Renew a certificate in its place',
  description:
    'The certificate keeps its id, and every Scanner that uses it gets a revision with the new one.',
  params: z.strictObject({ certificateId }),
  query: z.strictObject({ dryRun }),
  body: certificateInput,
  ifMatch: true,
  returns: { 200: certificate },
  errors: ['NOT_FOUND', 'NAME_TAKEN'],
  problems: certificateProblems,
});
