import { getRevision as operation } from '../../../shared/operations/get-revision.ts';
import { httpStack } from '../../lib/http.ts';
import { readRevision } from '../../stores/heads.ts';

export const getRevision = httpStack(operation, async ({ params }) => {
  const { configuration, ...revision } = await readRevision(params.scannerId, params.revision);
  return { status: 200, body: { ...revision, ...configuration } };
});
