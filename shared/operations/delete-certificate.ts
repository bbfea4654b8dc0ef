import * as z from 'zod/mini';
import { certificate } from '../schemas/certificates.ts';
import { dryRun } from '../schemas/common.ts';
import { certificateId } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const deleteCertificate = defineOperation({
  id: 'delete-certificate',
  method: 'DELETE',
  path: '/v1/certificates/{certificateId}',
  resource: 'credentials',
  scope: 'fleet/admin',
  summary: 'Delete a certificate',
  description: 'Refused while Scanners use it; the answer says which.',
  params: z.strictObject({ certificateId }),
  query: z.strictObject({ dryRun }),
  ifMatch: true,
  returns: { 200: certificate },
  headers: [],
  errors: ['NOT_FOUND', 'CERTIFICATE_IN_USE'],
});
