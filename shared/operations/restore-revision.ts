import * as z from 'zod/mini';
import { revisionNumber, scannerId, writeQuery } from '../schemas/common.ts';
import { settingsProblems } from '../schemas/problem-codes.ts';
import { smtpDocument } from '../schemas/smtp.ts';
import { defineOperation } from './define.ts';

export const restoreRevision = defineOperation({
  id: 'restore-revision',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/revisions/{revision}/restore',
  resource: 'history',
  scope: 'scanners/write',
  summary: 'Make an earlier configuration the present one',
  description:
    'As a new revision, settings and lists together, judged by the rules of today. Restoring what is in force makes no revision.',
  params: z.strictObject({ scannerId, revision: revisionNumber }),
  query: z.strictObject(writeQuery),
  ifMatch: true,
  idempotencyKey: true,
  returns: { 200: smtpDocument },
  errors: ['NOT_FOUND', 'SMTP_NOT_CONFIGURED'],
  problems: [...settingsProblems, 'BINDING_NOT_AVAILABLE', 'OPEN_RELAY'],
});
