import * as z from 'zod/mini';
import { advancedBody, advancedDocument } from '../schemas/advanced.ts';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { advancedProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const putSmtpAdvanced = defineOperation({
  id: 'put-smtp-advanced',
  method: 'PUT',
  path: '/v1/scanners/{scannerId}/smtp/advanced',
  resource: 'settings',
  scope: 'scanners/write',
  summary: 'Save the advanced SMTP settings of a Scanner',
  description:
    'Replaces the advanced settings; what is left out has its default. A save that changes nothing makes no revision.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject(writeQuery),
  body: advancedBody,
  ifMatch: true,
  returns: { 200: advancedDocument },
  errors: ['NOT_FOUND'],
  problems: advancedProblems,
});
