import { syncOf } from '../../../shared/domain/sync.ts';
import { getSync as operation } from '../../../shared/operations/get-sync.ts';
import { httpStack } from '../../lib/http.ts';
import { readState } from '../../stores/status.ts';

export const getSync = httpStack(operation, async ({ params }) => ({
  status: 200,
  body: syncOf(await readState(params.scannerId)),
}));
