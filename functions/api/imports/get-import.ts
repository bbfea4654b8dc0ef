import { getImport as operation } from '../../../shared/operations/get-import.ts';
import { httpStack } from '../../lib/http.ts';
import { getJob } from '../../stores/imports.ts';

export const getImport = httpStack(operation, async ({ params }) => ({
  status: 200,
  body: await getJob(params.importId),
}));
