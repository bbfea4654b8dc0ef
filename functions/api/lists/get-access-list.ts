import { countKinds } from '../../../shared/domain/lists/chunks.ts';
import { getAccessList as operation } from '../../../shared/operations/get-access-list.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { readManifest } from '../../stores/lists.ts';
import { etagOf } from '../write.ts';

export const getAccessList = httpStack(operation, async ({ params }) => {
  const head = await readHead(params.scannerId);
  const reference = head.configuration.lists[params.list];
  const byKind = countKinds(await readManifest(reference.root));
  const body = { list: params.list, ...reference, byKind, revision: head.revision };
  return { status: 200, body, headers: etagOf(head) };
});
