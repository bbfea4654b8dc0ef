import { confirmImport as operation } from '../../../shared/operations/confirm-import.ts';
import { httpStack } from '../../lib/http.ts';
import { confirmJob } from '../../stores/imports.ts';

export const confirmImport = httpStack(operation, async ({ params, now }) => ({
  status: 202,
  body: await confirmJob(params.importId, now.toISOString()),
}));
