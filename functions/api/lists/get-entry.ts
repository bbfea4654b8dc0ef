import { getEntry as operation } from '../../../shared/operations/get-entry.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { readManifest, readValues } from '../../stores/lists.ts';
import { etagOf } from '../write.ts';
import { entryNotFound, namedEntry } from './named-entry.ts';

export const getEntry = httpStack(operation, async ({ params, query }) => {
  const wanted = namedEntry(query.value);
  const head = await readHead(params.scannerId);
  const manifest = await readManifest(head.configuration.lists[params.list].root);
  const body = (await readValues(manifest, [wanted])).get(wanted.value);
  if (!body) throw entryNotFound(wanted.value);
  return { status: 200, body, headers: etagOf(head) };
});
