import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { smtpDocument } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const getSmtp = defineOperation({
  id: 'get-smtp',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/smtp',
  resource: 'settings',
  scope: 'scanners/read',
  summary: 'SMTP settings of a Scanner',
  params: z.strictObject({ scannerId }),
  returns: { 200: smtpDocument },
  headers: ['etag'],
  errors: ['NOT_FOUND', 'SMTP_NOT_CONFIGURED'],
});
