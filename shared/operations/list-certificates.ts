import * as z from 'zod/mini';
import { listedCertificate } from '../schemas/certificates.ts';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { defineOperation } from './define.ts';

export const listCertificates = defineOperation({
  id: 'list-certificates',
  method: 'GET',
  path: '/v1/certificates',
  resource: 'credentials',
  scope: 'scanners/read',
  summary: 'All certificates, by name',
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(listedCertificate) },
  errors: ['CURSOR_INVALID'],
});
