import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { settingsProblems } from '../schemas/problem-codes.ts';
import { smtpBody, smtpDocument } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const putSmtp = defineOperation({
  id: 'put-smtp',
  method: 'PUT',
  path: '/v1/scanners/{scannerId}/smtp',
  resource: 'settings',
  scope: 'scanners/write',
  summary: 'Save the SMTP settings of a Scanner',
  description: 'Replaces the settings. A save that changes nothing makes no revision.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject(writeQuery),
  body: smtpBody,
  ifMatch: true,
  returns: { 200: smtpDocument },
  errors: ['NOT_FOUND'],
  problems: settingsProblems,
});
