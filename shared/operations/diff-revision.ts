import * as z from 'zod/mini';
import { limit, revisionNumber, scannerId } from '../schemas/common.ts';
import { differenceQuery, revisionDifference } from '../schemas/history.ts';
import { defineOperation } from './define.ts';

export const diffRevision = defineOperation({
  id: 'diff-revision',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/revisions/{revision}/diff',
  resource: 'history',
  scope: 'scanners/read',
  summary: 'What differs between two revisions',
  description:
    'Settings by pointer. Each list that differs has its counts and the first `limit` entries; with `list` and the `cursor` that its page gave, the next ones.',
  params: z.strictObject({ scannerId, revision: revisionNumber }),
  query: z.strictObject({ ...differenceQuery, limit }),
  returns: { 200: revisionDifference },
  errors: ['NOT_FOUND', 'CURSOR_INVALID'],
});
