import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { newScanner, scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const createScanner = defineOperation({
  id: 'create-scanner',
  method: 'POST',
  path: '/v1/scanners',
  resource: 'scanners',
  scope: 'scanners/write',
  summary: 'Register a Scanner',
  description:
    'Makes revision 1, with empty lists and no settings. The id of a decommissioned Scanner can be registered again once it is cleared away; then the next revision has empty lists and no settings.',
  query: z.strictObject({ dryRun }),
  body: newScanner,
  idempotencyKey: true,
  returns: { 201: scanner },
  headers: ['location'],
  errors: ['SCANNER_EXISTS', 'SCANNER_NOT_CLEARED'],
  problems: ['SCANNER_ID_INVALID'],
});
