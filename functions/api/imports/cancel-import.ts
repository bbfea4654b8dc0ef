import { cancelImport as operation } from '../../../shared/operations/cancel-import.ts';
import { httpStack } from '../../lib/http.ts';
import { cancelJob } from '../../stores/imports.ts';

export const cancelImport = httpStack(operation, async ({ params, now }) => ({
  status: 202,
  body: await cancelJob(params.importId, now.toISOString()),
}));
