import { isDeepStrictEqual } from 'node:util';
import {
  correctionOf,
  type StoredRollout,
  type StoredTarget,
  sumCounts,
} from '../../shared/domain/rollout.ts';
import { hasCode } from '../../shared/errors.ts';
import { keys, table } from '../../shared/tables.ts';
import { pagesOf } from '../lib/pages.ts';
import { type PageOptions, putNew, type TransactItem, tableName, transact } from './dynamo.ts';
import { retrying } from './retrying.ts';
import { listTargets } from './rollout-targets.ts';
import { type Delta, findRollout, gateOf, progressItem, readProgress } from './rollouts.ts';

type Kept = StoredRollout & { [table.ttl]?: number };

const readTargets = async (rolloutId: string): Promise<StoredTarget[]> => {
  const found: StoredTarget[] = [];
  for await (const items of pagesOf((page: PageOptions) => listTargets(rolloutId, page), 1000))
    found.push(...items);
  return found;
};

const stillAt = ({ rolloutId, version }: StoredRollout): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofRollout(rolloutId), sk: keys.rollout },
    ConditionExpression: 'version = :seen',
    ExpressionAttributeValues: { ':seen': version },
  },
});

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

/**
 * One try. A target and its counts move in one transaction, and never back to what they were: where no part has changed while the targets were read, what
 * lacks is known, and stays so whatever moves afterwards.
 */
const trySettle = async (rollout: Kept, dryRun: boolean): Promise<number | null> => {
  const { rolloutId } = rollout;
  const before = await readProgress(rolloutId);
  const targets = await readTargets(rolloutId);
  const parts = await readProgress(rolloutId);
  if (!isDeepStrictEqual(before, parts)) return null;
  const delta = correctionOf(sumCounts(parts.map((part) => part ?? {})), targets);
  const lost = parts.flatMap((part, index) => (part ? [] : [index]));
  if (lost.length === 0 && Object.keys(delta).length === 0) return 0;
  const items = settledItems(rollout, lost, delta);
  if (dryRun) return items.length;
  return (await transact([stillAt(rollout), ...items])).kind === 'committed' ? items.length : null;
};

/**
 * Makes the counts of a rollout say what its targets have come to, and parts that are lost anew, with its gate. Answers how many parts were put or
 * changed; null where the targets move on all the time. Of a rollout that is past its time to live nothing: its items go one by one.
 */
export const settleCounts = async (
  rolloutId: string,
  { now, dryRun }: { now: Date; dryRun: boolean },
): Promise<number | null> => {
  const settled = retrying(async () => {
    const rollout: Kept | undefined = await findRollout(rolloutId);
    const expiry = rollout?.[table.ttl] ?? Number.POSITIVE_INFINITY;
    return rollout && expiry * 1000 > now.getTime() ? trySettle(rollout, dryRun) : 0;
  });
  return settled.catch((error: unknown) => {
    if (hasCode(error, 'THROTTLED')) return null;
    throw error;
  });
};
