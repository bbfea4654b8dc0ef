import * as z from 'zod/mini';
import { dryRun, scannerId } from '../schemas/common.ts';
import { scanner, scannerPatch } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const patchScanner = defineOperation({
  id: 'patch-scanner',
  method: 'PATCH',
  path: '/v1/scanners/{scannerId}',
  resource: 'scanners',
  scope: 'scanners/write',
  summary: 'Change the description, labels or enabled flag of a Scanner',
  description:
    'A JSON merge patch (RFC 7396). A disabled Scanner keeps being configured but nothing is published to it.',
  params: z.strictObject({ scannerId }),
  query: z.strictObject({ dryRun }),
  body: scannerPatch,
  mediaTypes: ['application/merge-patch+json', 'application/json'],
  ifMatch: true,
  returns: { 200: scanner },
  errors: ['NOT_FOUND'],
});
