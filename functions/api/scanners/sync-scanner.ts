import { syncOf } from '../../../shared/domain/sync.ts';
import { syncScanner as operation } from '../../../shared/operations/sync-scanner.ts';
import { httpStack } from '../../lib/http.ts';
import { askNow } from '../../stores/due.ts';
import { assertRegistered } from '../../stores/scanners.ts';
import { readState } from '../../stores/status.ts';

export const syncScanner = httpStack(operation, async ({ params: { scannerId }, query, actor, now }) => {
  const state = await readState(scannerId);
  assertRegistered(state.scanner);
  if (!query.dryRun) await askNow(scannerId, now, actor.requestId);
  return { status: 202, body: syncOf(state) };
});
