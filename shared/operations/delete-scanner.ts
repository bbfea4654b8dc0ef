import * as z from 'zod/mini';
import { dryRun, scannerId } from '../schemas/common.ts';
import { scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const deleteScanner = defineOperation({
  id: 'delete-scanner',
  method: 'DELETE',
  path: '/v1/scanners/{scannerId}',
  resource: 'scanners',
  scope: 'fleet/admin',
  summary: 'Decommission a Scanner',
  description:
    'At once nothing of it can be changed any more, and it uses no certificate of the fleet. Then its certificate is revoked, its connection closed, its shadows and status removed. Its history stays readable at the same paths, and its id may be registered again. Of one that is decommissioned already nothing is changed.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject({ dryRun }),
  ifMatch: true,
  returns: { 202: scanner },
  errors: ['NOT_FOUND'],
});
