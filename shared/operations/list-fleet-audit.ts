import * as z from 'zod/mini';
import { coded, cursor, limit, pageOf } from '../schemas/common.ts';
import { auditEntry } from '../schemas/history.ts';
import { defineOperation } from './define.ts';

const month = z
  .string()
  .check(
    z.regex(/^\d{4}-(0[1-9]|1[0-2])$/, { error: coded('VALUE_INVALID', 'a month is written 2026-11') }),
    z.meta({ description: 'Month in UTC; the present one unless told.', example: '2026-11' }),
  );

export const listFleetAudit = defineOperation({
  id: 'list-fleet-audit',
  method: 'GET',
  path: '/v1/audit',
  resource: 'history',
  scope: 'fleet/admin',
  summary: 'Every write of a month, across the fleet, newest first',
  query: z.strictObject({ month: z.optional(month), cursor, limit }),
  returns: { 200: pageOf(auditEntry) },
  errors: ['CURSOR_INVALID'],
});
