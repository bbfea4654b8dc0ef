import { listDirectorySources as operation } from '../../../shared/operations/list-directory-sources.ts';
import { httpStack } from '../../lib/http.ts';
import { listDirectorySources as store } from '../../stores/directory-sources.ts';

export const listDirectorySources = httpStack(operation, async ({ query }) => ({
  status: 200,
  body: await store(query),
}));
