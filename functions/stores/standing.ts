import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { canonicalJson, type Json } from '../../shared/domain/canonical-json.ts';
import { type Standing, standingOf } from '../../shared/domain/standing.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import {
  dynamo,
  encodeCursor,
  format,
  getItem,
  onCondition,
  type PageOptions,
  queryListed,
  tableName,
} from './dynamo.ts';
import { retrying } from './retrying.ts';
import type { ScannerRecord } from './scanners.ts';
import { findState } from './status.ts';

interface Kept {
  standing: Standing;
  /** Counts the changes of this item, from 1. */
  version: number;
}

const readKept = (scannerId: string): Promise<Kept | undefined> =>
  getItem<Kept>(keys.ofScanner(scannerId), sortKeys.standing);

const put = async (standing: Standing, version: number): Promise<true | null> => {
  const { scannerId } = standing;
  const listed = { listPk: keys.listedStandings, listSk: scannerId };
  const command = new PutCommand({
    TableName: tableName(),
    Item: { pk: keys.ofScanner(scannerId), sk: sortKeys.standing, ...listed, standing, version, format },
    ConditionExpression: version === 1 ? 'attribute_not_exists(pk)' : 'version = :before',
    ...(version === 1 ? {} : { ExpressionAttributeValues: { ':before': version - 1 } }),
  });
  return (await onCondition(dynamo.send(command))) && true;
};

const same = (one: Standing | undefined, other: Standing): boolean =>
  one !== undefined && canonicalJson(one as unknown as Json) === canonicalJson(other as unknown as Json);

const isGone = (scanner: ScannerRecord | undefined): boolean => scanner?.decommissionedAt !== undefined;

const drop = async (scannerId: string, version: number): Promise<void> => {
  const command = new DeleteCommand({
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.standing },
    ConditionExpression: 'version = :put',
    ExpressionAttributeValues: { ':put': version },
  });
  await onCondition(dynamo.send(command));
};

/** What is read and written to refresh a standing; an argument, so that a test can play any order of them. */
export interface StandingEdges {
  readKept: typeof readKept;
  findState: typeof findState;
  /** Null where somebody else has put one since. */
  put: typeof put;
  readScanner: (scannerId: string) => Promise<ScannerRecord | undefined>;
  drop: typeof drop;
  /** Between two tries. */
  pause?: (attempt: number) => Promise<void>;
}

const items: StandingEdges = {
  readKept,
  findState,
  put,
  readScanner: (scannerId) => getItem<ScannerRecord>(keys.ofScanner(scannerId), sortKeys.scanner),
  drop,
};

/**
 * Takes a standing back that was put while its Scanner was decommissioned, or its id registered again: sums count what is listed, whoever reads it.
 * Null where that was so: what is so now is read again.
 */
const dropIfPast = async (
  { scannerId, epoch }: ScannerRecord,
  version: number,
  edges: StandingEdges,
): Promise<true | null> => {
  const present = await edges.readScanner(scannerId);
  if (present?.epoch === epoch && !isGone(present)) return true;
  await edges.drop(scannerId, version);
  return null;
};

/**
 * Brings the standing of a Scanner to what its facts say; called by whoever stored one of them, after it. The standing's version is read
 * before the facts, so of two at once the one that read less loses, and reads again: the last to write has read every fact.
 */
export const refreshStanding = async (scannerId: string, edges: StandingEdges = items): Promise<void> => {
  const attempt = async () => {
    const kept = await edges.readKept(scannerId);
    const state = await edges.findState(scannerId);
    if (!state || isGone(state.scanner)) return true;
    const next = standingOf(state);
    if (same(kept?.standing, next)) return true;
    const version = (kept?.version ?? 0) + 1;
    return (await edges.put(next, version)) && dropIfPast(state.scanner, version, edges);
  };
  await retrying(attempt, edges.pause ? { pause: edges.pause } : {});
};

/** Standings by the ids of the Scanners, as the index has them: a moment old. */
export const listStandings = async (options: PageOptions) => {
  const { items, ...page } = await queryListed<Kept>(keys.listedStandings, options);
  return { ...page, items: items.map(({ standing }) => standing) };
};

/** How many are looked at for one page of those that are asked for, at most. */
const mostLookedAt = 10_000;
const pageSize = 1000;

const cursorBehind = ({ scannerId: id }: Standing): string =>
  encodeCursor({ pk: keys.ofScanner(id), sk: sortKeys.standing, listPk: keys.listedStandings, listSk: id });

/**
 * One page of the standings that are asked for; it may be short or empty, as long as there is a cursor. First as many are read as are
 * wanted, then twice as many each time: where nearly all are asked for, little is read for nothing, and where few are, few reads are made.
 */
export const findStandings = async (
  isAskedFor: (standing: Standing) => boolean,
  { limit, cursor }: PageOptions,
): Promise<{ items: Standing[]; nextCursor?: string }> => {
  const items: Standing[] = [];
  let next = cursor;
  let size = Math.min(pageSize, limit);
  for (let lookedAt = 0; lookedAt < mostLookedAt; lookedAt += size, size = Math.min(pageSize, 2 * size)) {
    const page = await listStandings({ limit: size, cursor: next });
    for (const standing of page.items) {
      if (!isAskedFor(standing)) continue;
      items.push(standing);
      if (items.length === limit) return { items, nextCursor: cursorBehind(standing) };
    }
    next = page.nextCursor;
    if (next === undefined) return { items };
  }
  return { items, ...(next === undefined ? {} : { nextCursor: next }) };
};
