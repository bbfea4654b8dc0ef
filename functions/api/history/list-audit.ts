import { listAudit as operation } from '../../../shared/operations/list-audit.ts';
import { httpStack } from '../../lib/http.ts';
import { listAudit as store } from '../../stores/audit.ts';
import { getScanner } from '../../stores/scanners.ts';

export const listAudit = httpStack(operation, async ({ params, query }) => {
  await getScanner(params.scannerId);
  return { status: 200, body: await store(params.scannerId, query) };
});
