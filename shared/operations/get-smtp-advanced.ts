import * as z from 'zod/mini';
import { advancedDocument } from '../schemas/advanced.ts';
import { scannerId } from '../schemas/common.ts';
import { defineOperation } from './define.ts';

export const getSmtpAdvanced = defineOperation({
  id: 'get-smtp-advanced',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/smtp/advanced',
  resource: 'settings',
  scope: 'scanners/read',
  summary: 'The advanced SMTP settings of a Scanner',
  description: 'With the defaults before anyone saved them.',
  params: z.strictObject({ scannerId }),
  returns: { 200: advancedDocument },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
