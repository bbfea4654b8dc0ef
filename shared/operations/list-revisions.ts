import * as z from 'zod/mini';
import { cursor, limit, pageOf, scannerId } from '../schemas/common.ts';
import { revisionSummary } from '../schemas/history.ts';
import { defineOperation } from './define.ts';

export const listRevisions = defineOperation({
  id: 'list-revisions',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/revisions',
  resource: 'history',
  scope: 'scanners/read',
  summary: 'Revisions of a Scanner’s configuration, newest first',
  params: z.strictObject({ scannerId }),
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(revisionSummary) },
  errors: ['NOT_FOUND', 'CURSOR_INVALID'],
});
