import { isDeepStrictEqual } from 'node:util';
import {
  correctionOf,
  type StoredRollout,
  type StoredTarget,
  sumCounts,
} from '../../shared/domain/rollout.ts';
import { hasCode } from '../../shared/errors.ts';
import type { RolloutCounts } from '../../shared/schemas/rollouts.ts';
import { keys, table } from '../../shared/tables.ts';
import { pagesOf } from '../lib/pages.ts';
import { type PageOptions, putNew, type TransactItem, transact } from './dynamo.ts';
import { retrying } from './retrying.ts';
import { listTargets } from './rollout-targets.ts';
import { type Delta, findRollout, gateOf, progressItem, readProgress, stillAt } from './rollouts.ts';

type Kept = StoredRollout & { [table.ttl]?: number };

const readTargets = async (rolloutId: string): Promise<StoredTarget[]> => {
  const found: StoredTarget[] = [];
  for await (const items of pagesOf((page: PageOptions) => listTargets(rolloutId, page), 1000))
    found.push(...items);
  return found;
};

/** The first of the parts that are lost takes what is to be added, the others begin with nothing; where none is lost, it goes to part 0. */
const settledItems = (rollout: Kept, lost: readonly number[], delta: Delta): TransactItem[] => {
  const { rolloutId, [table.ttl]: expiry } = rollout;
  if (lost.length === 0) return [progressItem(rolloutId, 0, { delta })];
  const own = { gate: gateOf(rollout), ...(expiry === undefined ? {} : { [table.ttl]: expiry }) };
  return lost.map((part, index) =>
    putNew({
      pk: keys.ofRollout(rolloutId),
      sk: keys.progress(part),
      ...own,
      ...(index === 0 ? delta : {}),
    }),
  );
};

/** How the counts of a rollout and its targets disagree. */
export interface Discrepancy {
  counts: RolloutCounts;
  /** What is to be added to the counts for them to say what the targets have come to. */
  delta: Delta;
  /** Parts of the counts that are not there. */
  lost: readonly number[];
}

/**
 * One try to find it. A target and its counts move in one transaction, and never back to what they were: where no part has changed while the targets
 * were read, what lacks is known, and stays so whatever moves afterwards. Null where one has.
 */
const tryRead = async (rolloutId: string): Promise<Discrepancy | null> => {
  const before = await readProgress(rolloutId);
  const targets = await readTargets(rolloutId);
  const parts = await readProgress(rolloutId);
  if (!isDeepStrictEqual(before, parts)) return null;
  const counts = sumCounts(parts.map((part) => part ?? {}));
  const lost = parts.flatMap((part, index) => (part ? [] : [index]));
  return { counts, delta: correctionOf(counts, targets), lost };
};

const trySettle = async (rollout: Kept, dryRun: boolean): Promise<number | null> => {
  const found = await tryRead(rollout.rolloutId);
  if (!found) return null;
  const { delta, lost } = found;
  if (lost.length === 0 && Object.keys(delta).length === 0) return 0;
  const items = settledItems(rollout, lost, delta);
  if (dryRun) return items.length;
  return (await transact([stillAt(rollout), ...items])).kind === 'committed' ? items.length : null;
};

/** A rollout; undefined where there is none, or it is past its time to live: its items go one by one. */
const findKept = async (rolloutId: string, now: Date): Promise<Kept | undefined> => {
  const rollout: Kept | undefined = await findRollout(rolloutId);
  const expiry = rollout?.[table.ttl] ?? Number.POSITIVE_INFINITY;
  return expiry * 1000 > now.getTime() ? rollout : undefined;
};

/** What `run` answers, tried again as long as that is null; null where it is so all the time. */
const unlessBusy = async <T>(run: () => Promise<T | null>): Promise<T | null> => {
  try {
    return await retrying(run);
  } catch (error) {
    if (hasCode(error, 'THROTTLED')) return null;
    throw error;
  }
};

/** How counts and targets of a rollout disagree; null where there is no such rollout any more, or the targets move on all the time. */
export const readDiscrepancy = async (rolloutId: string, now: Date): Promise<Discrepancy | null> =>
  (await findKept(rolloutId, now)) ? unlessBusy(() => tryRead(rolloutId)) : null;

/**
 * Makes the counts of a rollout say what its targets have come to, and parts that are lost anew, with its gate. Answers how many parts were put or
 * changed; null where the targets move on all the time. Of a rollout that is past its time to live nothing.
 */
export const settleCounts = (
  rolloutId: string,
  { now, dryRun }: { now: Date; dryRun: boolean },
): Promise<number | null> =>
  unlessBusy(async () => {
    const rollout = await findKept(rolloutId, now);
    return rollout ? trySettle(rollout, dryRun) : 0;
  });
