import { changedLists, settingsChanges } from '../../../shared/domain/history.ts';
import type { HostDifference } from '../../../shared/domain/hosts.ts';
import { countDifferences, type EntryDifference } from '../../../shared/domain/lists/difference.ts';
import { AppError } from '../../../shared/errors.ts';
import { diffRevision as operation } from '../../../shared/operations/diff-revision.ts';
import { isHostListName, type ListName } from '../../../shared/schemas/lists.ts';
import { type Call, httpStack } from '../../lib/http.ts';
import { type Revision, readRevision } from '../../stores/heads.ts';
import { differenceOf, hostDifferenceOf } from '../../stores/lists.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';

type Diff = Call<typeof operation>;

/** One page of a list's difference, from where the cursor says. */
const pageOf = (differences: (EntryDifference | HostDifference)[], from: number, { params, query }: Diff) => {
  const to = Math.min(differences.length, from + query.limit);
  const nextCursor = encodeCursor({ revision: params.revision, next: to });
  return {
    ...countDifferences(differences),
    items: differences.slice(from, to),
    ...(to < differences.length ? { nextCursor } : {}),
  };
};

/** Lists that are asked for; a cursor is of one list. */
const namesAsked = ({ query }: Diff, before: Revision, after: Revision): ListName[] =>
  changedLists(before.configuration.lists, after.configuration.lists).filter(
    (name) => query.list === undefined || query.list === name,
  );

const listsOf = async (call: Diff, before: Revision, after: Revision) => {
  const { list, cursor } = call.query;
  const from = list === undefined || !cursor ? 0 : decodeCursor(cursor).next;
  const pages: [string, ReturnType<typeof pageOf>][] = [];
  for (const name of namesAsked(call, before, after)) {
    const [old, present] = [before.configuration.lists[name], after.configuration.lists[name]];
    const compare = isHostListName(name) ? hostDifferenceOf : differenceOf;
    pages.push([name, pageOf(await compare(old.root, present.root), from, call)]);
  }
  return Object.fromEntries(pages);
};

export const diffRevision = httpStack(operation, async (call) => {
  if (call.query.cursor && call.query.list === undefined)
    throw new AppError('CURSOR_INVALID', 'A cursor is of one list; say which with list.');
  const { scannerId, revision: to } = call.params;
  const from = call.query.from ?? Math.max(1, to - 1);
  const [before, after] = await Promise.all([readRevision(scannerId, from), readRevision(scannerId, to)]);
  const changes = settingsChanges(before.configuration, after.configuration);
  return { status: 200, body: { from, to, changes, lists: await listsOf(call, before, after) } };
});
