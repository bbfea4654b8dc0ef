import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { sync } from '../schemas/sync.ts';
import { defineOperation } from './define.ts';

export const getSync = defineOperation({
  id: 'get-sync',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/sync',
  resource: 'scanners',
  scope: 'scanners/read',
  summary: 'Which revision a Scanner should run, was sent, and says it runs',
  params: z.strictObject({ scannerId }),
  returns: { 200: sync },
  errors: ['NOT_FOUND'],
});
