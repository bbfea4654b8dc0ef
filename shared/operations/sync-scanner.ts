import * as z from 'zod/mini';
import { dryRun, scannerId } from '../schemas/common.ts';
import { sync } from '../schemas/sync.ts';
import { defineOperation } from './define.ts';

export const syncScanner = defineOperation({
  id: 'sync-scanner',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/sync',
  resource: 'scanners',
  scope: 'scanners/write',
  summary: 'Look at a Scanner now: bring its shadows to its head, and store what it reports',
  description:
    'What a scheduled look does about once an hour anyway, for when someone does not want to wait. It is done behind this answer, which says how things were before it. No body is needed; `{}` is taken.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject({ dryRun }),
  body: z.optional(z.strictObject({})),
  returns: { 202: sync },
  errors: ['NOT_FOUND'],
});
