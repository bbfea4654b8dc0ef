import { listHosts as operation } from '../../../shared/operations/list-hosts.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead, readRevision } from '../../stores/heads.ts';
import { readHosts, readManifest } from '../../stores/lists.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { etagOf } from '../write.ts';

/** A walk stays with the revision that it began with. */
export const listHosts = httpStack(operation, async ({ params, query }) => {
  const walk = query.cursor ? decodeCursor(query.cursor) : undefined;
  const head = walk ? await readRevision(params.scannerId, walk.revision) : await readHead(params.scannerId);
  const hosts = await readHosts(await readManifest(head.configuration.lists[params.list].root));
  const from = walk?.next ?? 0;
  const to = Math.min(hosts.length, from + query.limit);
  const more = to < hosts.length ? { nextCursor: encodeCursor({ revision: head.revision, next: to }) } : {};
  const body = { items: hosts.slice(from, to), ...more, revision: head.revision };
  return { status: 200, body, headers: etagOf(head) };
});
