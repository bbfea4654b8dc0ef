import { shownReport } from '../../../shared/domain/sync.ts';
import { listRevisions as operation } from '../../../shared/operations/list-revisions.ts';
import { httpStack } from '../../lib/http.ts';
import { listRevisions as store } from '../../stores/heads.ts';
import { getScanner } from '../../stores/scanners.ts';
import { readReported } from '../../stores/status.ts';

export const listRevisions = httpStack(operation, async ({ params, query }) => {
  await getScanner(params.scannerId);
  const { items, ...page } = await store(params.scannerId, query);
  const reported = await readReported(items);
  const shown = items.map((item, index) => ({ ...item, report: shownReport(reported[index] ?? null) }));
  return { status: 200, body: { ...page, items: shown } };
});
