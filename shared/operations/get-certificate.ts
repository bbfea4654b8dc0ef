import * as z from 'zod/mini';
import { certificate } from '../schemas/certificates.ts';
import { certificateId } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const getCertificate = defineOperation({
  id: 'get-certificate',
  method: 'GET',
  path: '/v1/certificates/{certificateId}',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'One certificate',
  params: z.strictObject({ certificateId }),
  returns: { 200: certificate },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
