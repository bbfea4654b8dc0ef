import * as z from 'zod/mini';
import { advancedDocument, advancedPatch } from '../schemas/advanced.ts';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { advancedProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const patchSmtpAdvanced = defineOperation({
  id: 'patch-smtp-advanced',
  method: 'PATCH',
  path: '/v1/scanners/{scannerId}/smtp/advanced',
  resource: 'settings',
  scope: 'scanners/write',
  summary: 'Change some of the advanced SMTP settings of a Scanner',
  description:
    'A JSON merge patch (RFC 7396): null brings back the default, objects merge, everything else replaces. What comes of it is judged as a PUT of it would be.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject(writeQuery),
  body: advancedPatch,
  mediaTypes: ['application/merge-patch+json', 'application/json'],
  ifMatch: true,
  returns: { 200: advancedDocument },
  errors: ['NOT_FOUND'],
  problems: advancedProblems,
});
