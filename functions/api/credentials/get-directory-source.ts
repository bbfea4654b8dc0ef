import { getDirectorySource as operation } from '../../../shared/operations/get-directory-source.ts';
import { httpStack } from '../../lib/http.ts';
import { readDirectorySource } from '../../stores/directory-sources.ts';

export const getDirectorySource = httpStack(operation, async ({ params }) => {
  const body = await readDirectorySource(params.directorySourceId);
  return { status: 200, body, headers: { etag: `"${body.version}"` } };
});
