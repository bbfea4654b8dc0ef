import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { certificateRequest, scannerCertificate } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const createScannerCertificate = defineOperation({
  id: 'create-scanner-certificate',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/certificates',
  resource: 'scanners',
  scope: 'scanners/write',
  summary: 'Enrol a Scanner with a certificate signing request',
  description:
    'The private key never leaves the Scanner. Enrolling again replaces the certificate: the previous one is deactivated.',
  params: z.strictObject({ scannerId }),
  body: certificateRequest,
  idempotencyKey: true,
  returns: { 201: scannerCertificate },
  errors: ['NOT_FOUND', 'CSR_INVALID', 'ENROLMENT_CONFLICT'],
});
