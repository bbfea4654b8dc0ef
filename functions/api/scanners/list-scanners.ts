import { listScanners as operation } from '../../../shared/operations/list-scanners.ts';
import { httpStack } from '../../lib/http.ts';
import { listScanners as store } from '../../stores/scanners.ts';
import { readStates } from '../../stores/status.ts';
import { scannerAnswer } from './answer.ts';

export const listScanners = httpStack(operation, async ({ query }) => {
  const page = await store(query);
  const states = await readStates(page.items.map((item) => item.scannerId));
  return { status: 200, body: { ...page, items: states.map(scannerAnswer) } };
});
