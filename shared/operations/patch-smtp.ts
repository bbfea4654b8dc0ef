import * as z from 'zod/mini';
import { scannerId, writeQuery } from '../schemas/common.ts';
import { settingsProblems } from '../schemas/problem-codes.ts';
import { smtpDocument, smtpPatch } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const patchSmtp = defineOperation({
  id: 'patch-smtp',
  method: 'PATCH',
  path: '/v1/scanners/{scannerId}/smtp',
  resource: 'settings',
  scope: 'scanners/write',
  summary: 'Change some of the SMTP settings of a Scanner',
  description:
    'A JSON merge patch (RFC 7396): null removes a member, objects merge, everything else replaces. A section that a new mode hides goes by itself. What comes of it is judged as a PUT of it would be.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject(writeQuery),
  body: smtpPatch,
  mediaTypes: ['application/merge-patch+json', 'application/json'],
  ifMatch: true,
  returns: { 200: smtpDocument },
  errors: ['NOT_FOUND'],
  problems: settingsProblems,
});
