import * as z from 'zod/mini';
import { cursor, limit, pageOf, scannerId } from '../schemas/common.ts';
import { auditEntry } from '../schemas/history.ts';
import { defineOperation } from './define.ts';

export const listAudit = defineOperation({
  id: 'list-audit',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/audit',
  resource: 'history',
  scope: 'scanners/read',
  summary: 'Every write that concerns a Scanner, newest first',
  params: z.strictObject({ scannerId }),
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(auditEntry) },
  errors: ['NOT_FOUND', 'CURSOR_INVALID'],
});
