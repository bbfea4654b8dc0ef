import { listImports as operation } from '../../../shared/operations/list-imports.ts';
import { httpStack } from '../../lib/http.ts';
import { listJobs } from '../../stores/imports.ts';

export const listImports = httpStack(operation, async ({ query: { scannerId, ...options } }) => ({
  status: 200,
  body: await listJobs(scannerId, options),
}));
