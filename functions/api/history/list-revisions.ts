import { listRevisions as operation } from '../../../shared/operations/list-revisions.ts';
import { httpStack } from '../../lib/http.ts';
import { listRevisions as store } from '../../stores/heads.ts';
import { getScanner } from '../../stores/scanners.ts';

export const listRevisions = httpStack(operation, async ({ params, query }) => {
  await getScanner(params.scannerId);
  return { status: 200, body: await store(params.scannerId, query) };
});
