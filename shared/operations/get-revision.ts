import * as z from 'zod/mini';
import { revisionNumber, scannerId } from '../schemas/common.ts';
import { revisionDocument } from '../schemas/history.ts';
import { defineOperation } from './define.ts';

export const getRevision = defineOperation({
  id: 'get-revision',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/revisions/{revision}',
  resource: 'history',
  scope: 'scanners/read',
  summary: 'One revision: the whole configuration as it was',
  params: z.strictObject({ scannerId, revision: revisionNumber }),
  returns: { 200: revisionDocument },
  errors: ['NOT_FOUND'],
});
