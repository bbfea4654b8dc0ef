import { listFleetAudit as operation } from '../../../shared/operations/list-fleet-audit.ts';
import { httpStack } from '../../lib/http.ts';
import { listFleetAudit as store } from '../../stores/audit.ts';

export const listFleetAudit = httpStack(operation, async ({ query: { month, ...page }, now }) => ({
  status: 200,
  body: await store(month ?? now.toISOString().slice(0, 7), page),
}));
