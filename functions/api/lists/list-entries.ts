import { type Page, pageOf } from '../../../shared/domain/pages.ts';
import { AppError } from '../../../shared/errors.ts';
import { listEntries as operation } from '../../../shared/operations/list-entries.ts';
import { type Answer, type Call, httpStack } from '../../lib/http.ts';
import { readHead, readRevision } from '../../stores/heads.ts';
import { readEntries, readManifest } from '../../stores/lists.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';

type Entries = Call<typeof operation>;

const linksOf = ({ params, query }: Entries, page: Page) => {
  const link = (number: number) => {
    const pinned = query.revision === undefined ? '' : `&revision=${query.revision}`;
    const list = `/v1/scanners/${params.scannerId}/access-lists/${params.list}`;
    return `${list}/entries?page=${number}&pageSize=${page.pageSize}${pinned}`;
  };
  return {
    first: link(page.first),
    ...(page.previous === undefined ? {} : { previous: link(page.previous) }),
    ...(page.next === undefined ? {} : { next: link(page.next) }),
    last: link(page.last),
    forward: link(page.forward),
  };
};

const headOf = ({ params, query }: Entries) =>
  query.revision === undefined ? readHead(params.scannerId) : readRevision(params.scannerId, query.revision);

/** One page by its number: one table read, the manifest, and at most two chunks. */
const byPage = async (call: Entries): Promise<Answer> => {
  const head = await headOf(call);
  const manifest = await readManifest(head.configuration.lists[call.params.list].root);
  const page = pageOf(manifest.entries, call.query.page, call.query.pageSize);
  if (!page) throw new AppError('PAGE_OUT_OF_RANGE', `The list ends before page ${call.query.page}.`);
  const items = await readEntries(manifest, Math.max(0, page.from - 1), page.to);
  const { first, previous, next, last, forward, ...place } = page;
  return { status: 200, body: { items, ...place, revision: head.revision, links: linksOf(call, page) } };
};

/** The next entries of a walk, which stays with the revision that it began with. */
const byCursor = async (call: Entries, cursor: string): Promise<Answer> => {
  const { params, query } = call;
  const walk = cursor === '' ? { revision: query.revision, next: 0 } : decodeCursor(cursor);
  const head = await headOf({ ...call, query: { ...query, revision: walk.revision } });
  const manifest = await readManifest(head.configuration.lists[params.list].root);
  const to = Math.min(manifest.entries, walk.next + query.pageSize);
  const items = await readEntries(manifest, walk.next, to);
  const more =
    to < manifest.entries ? { nextCursor: encodeCursor({ revision: head.revision, next: to }) } : {};
  return { status: 200, body: { items, ...more, revision: head.revision } };
};

export const listEntries = httpStack(operation, (call) =>
  call.query.cursor === undefined ? byPage(call) : byCursor(call, call.query.cursor),
);
