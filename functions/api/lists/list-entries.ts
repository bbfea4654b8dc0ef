import type { Manifest } from '../../../shared/domain/lists/chunks.ts';
import { type EntryFilter, filtered, nextSlices } from '../../../shared/domain/lists/filter.ts';
import { type Page, pageOf } from '../../../shared/domain/pages.ts';
import { AppError } from '../../../shared/errors.ts';
import { listEntries as operation } from '../../../shared/operations/list-entries.ts';
import { type Answer, type Call, httpStack } from '../../lib/http.ts';
import { readHead, readRevision } from '../../stores/heads.ts';
import { readEntries, readManifest, readSlices } from '../../stores/lists.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { namedEntry } from './named-entry.ts';

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

const filterOf = ({ under, kind }: Entries['query']): EntryFilter | null =>
  under === undefined && kind === undefined
    ? null
    : { kind, under: under === undefined ? undefined : namedEntry(under, '/query/under') };

/** Up to `size` entries from `next` on, and where to go on: one read of the manifest before, and at most two chunks. */
const stepOf = async (manifest: Manifest, filter: EntryFilter | null, next: number, size: number) => {
  if (filter) {
    const step = nextSlices(manifest, filter, next);
    return filtered(await readSlices(step.slices), step, filter, size);
  }
  const to = Math.min(manifest.entries, next + size);
  return { items: await readEntries(manifest, next, to), next: to < manifest.entries ? to : null };
};

/** The next entries of a walk, which stays with the revision that it began with. */
const byCursor = async (call: Entries, cursor: string): Promise<Answer> => {
  const { params, query } = call;
  const filter = filterOf(query);
  const walk = cursor === '' ? { revision: query.revision, next: 0 } : decodeCursor(cursor);
  const head = await headOf({ ...call, query: { ...query, revision: walk.revision } });
  const manifest = await readManifest(head.configuration.lists[params.list].root);
  const { items, next } = await stepOf(manifest, filter, walk.next, query.pageSize);
  const more = next === null ? {} : { nextCursor: encodeCursor({ revision: head.revision, next }) };
  return { status: 200, body: { items, ...more, revision: head.revision } };
};

const isWalk = ({ cursor, under, kind }: Entries['query']): boolean =>
  cursor !== undefined || under !== undefined || kind !== undefined;

export const listEntries = httpStack(operation, (call) =>
  isWalk(call.query) ? byCursor(call, call.query.cursor ?? '') : byPage(call),
);
