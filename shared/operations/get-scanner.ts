import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const getScanner = defineOperation({
  id: 'get-scanner',
  method: 'GET',
  path: '/v1/scanners/{scannerId}',
  resource: 'scanners',
  scope: 'scanners/read',
  summary: 'One Scanner',
  params: z.strictObject({ scannerId }),
  returns: { 200: scanner },
  headers: ['etag'],
  errors: ['NOT_FOUND'],
});
