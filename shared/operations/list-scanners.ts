import * as z from 'zod/mini';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { decommissioned, scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

export const listScanners = defineOperation({
  id: 'list-scanners',
  method: 'GET',
  path: '/v1/scanners',
  resource: 'scanners',
  scope: 'scanners/read',
  summary: 'All Scanners, by id; or all that are decommissioned',
  query: z.strictObject({ cursor, limit, decommissioned }),
  returns: { 200: pageOf(scanner) },
  errors: ['CURSOR_INVALID'],
});
