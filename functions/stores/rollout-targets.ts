import {
  type Ending,
  noCounts,
  type StoredRollout,
  type StoredTarget,
  type Unfinished,
  type Waiting,
} from '../../shared/domain/rollout.ts';
import type { RolloutOutcome } from '../../shared/schemas/rollouts.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import {
  batchGet,
  encodeCursor,
  format,
  getItem,
  putNew,
  queryItems,
  type TransactItem,
  tableName,
  transact,
} from './dynamo.ts';
import { failureItems } from './rollout-halts.ts';
import {
  type Delta,
  expiryOfRollout,
  gateOf,
  plannedItem,
  planStepItem,
  progressItem,
  progressParts,
  stillAt,
} from './rollouts.ts';

const keyOf = (rolloutId: string, sk: string) => ({ pk: keys.ofRollout(rolloutId), sk });

/** Targets that one step of planning stores at most: two items each, and a transaction has room for 100. */
export const plannedAtOnce = 40;

const tally = (targets: readonly Pick<StoredTarget, 'outcome'>[]): Delta => {
  const counts: Record<RolloutOutcome, number> = { ...noCounts };
  for (const { outcome } of targets) counts[outcome] += 1;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
};

/** One step of planning as it was worked out. */
export interface PlanStep {
  step: number;
  targets: StoredTarget[];
  cursor: string | undefined;
  /** Targets that take part so far. */
  next: number;
}

/**
 * Stores a step of planning: its targets, those of them that wait for their turn, their counts, and how far planning is. False where the
 * step was done already, or the rollout is not the one any more that was read: who is planned into one that was cancelled would wait for ever. A dry
 * run has nobody wait.
 */
export const storePlanStep = async (
  rollout: StoredRollout,
  { step, targets, cursor, next }: PlanStep,
  now: Date,
): Promise<boolean> => {
  const { rolloutId, dryRun } = rollout;
  const expiry = expiryOfRollout(rollout);
  const planned = cursor === undefined;
  const outcome = await transact([
    planStepItem(rolloutId, step, { cursor, next }),
    progressItem(rolloutId, step % progressParts, { delta: tally(targets) }),
    planned ? plannedItem(rollout, now) : stillAt(rollout),
    ...targets.flatMap((target) => {
      const { stage, scannerId, outcome: at, epoch } = target;
      const life = epoch === undefined ? {} : { epoch };
      const put = putNew({ ...keyOf(rolloutId, keys.target(stage, scannerId)), ...target, ...expiry });
      const waits = {
        ...keyOf(rolloutId, keys.waiting(stage, scannerId)),
        stage,
        scannerId,
        ...life,
        ...expiry,
      };
      return at === 'pending' && !dryRun ? [put, putNew(waits)] : [put];
    }),
  ]);
  return outcome.kind === 'committed';
};

/** The first targets that wait, in the order in which they go, strongly consistent. */
export const readWaiting = async (rolloutId: string, limit: number): Promise<Waiting[]> =>
  (await queryItems<Waiting>(keys.ofRollout(rolloutId), keys.waitingPrefix, { limit })).items;

/** Every target that is committed and unfinished, strongly consistent: at most as many as a rollout has places. */
export const readUnfinished = async (rolloutId: string): Promise<Unfinished[]> =>
  (await queryItems<Unfinished>(keys.ofRollout(rolloutId), keys.unfinishedPrefix, { limit: 1000 })).items;

interface TargetsPage {
  items: StoredTarget[];
  nextCursor?: string;
}

/** Targets that one read of the table looks at where only those with some outcome are wanted. */
const lookedAt = 1000;

/** Targets in the order in which they go. With an outcome, only those that have it, and the page is as full as without. */
export const listTargets = async (
  rolloutId: string,
  page: { limit: number; cursor?: string | undefined },
  outcome?: RolloutOutcome,
): Promise<TargetsPage> => {
  const pk = keys.ofRollout(rolloutId);
  if (outcome === undefined) return queryItems<StoredTarget>(pk, keys.targetPrefix, page);
  const items: StoredTarget[] = [];
  let cursor = page.cursor;
  do {
    const found: TargetsPage = await queryItems<StoredTarget>(pk, keys.targetPrefix, {
      limit: lookedAt,
      cursor,
    });
    const wanted = found.items.filter((target) => target.outcome === outcome);
    const room = page.limit - items.length;
    items.push(...wanted.slice(0, room));
    const last = wanted[room - 1];
    if (last && (wanted.length > room || found.nextCursor !== undefined))
      return { items, nextCursor: encodeCursor({ pk, sk: keys.target(last.stage, last.scannerId) }) };
    cursor = found.nextCursor;
  } while (cursor !== undefined && items.length < page.limit);
  return { items };
};

type Changes = { [name in keyof StoredTarget]?: StoredTarget[name] | undefined };

/** A target goes from one outcome to another, and has it from then on; refused where it has another one by now. */
const targetItem = (
  rolloutId: string,
  { stage, scannerId }: Waiting,
  was: RolloutOutcome,
  changes: Changes,
): TransactItem => {
  const entries = Object.entries(changes);
  const set = entries.filter(([, value]) => value !== undefined);
  const gone = entries.filter(([, value]) => value === undefined).map(([name]) => `#${name}`);
  return {
    Update: {
      TableName: tableName(),
      Key: keyOf(rolloutId, keys.target(stage, scannerId)),
      UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}${gone.length > 0 ? ` REMOVE ${gone.join(', ')}` : ''}`,
      ConditionExpression: '#outcome = :was',
      ExpressionAttributeNames: Object.fromEntries(
        [...entries.map(([name]) => name), 'outcome'].map((name) => [`#${name}`, name]),
      ),
      ExpressionAttributeValues: {
        ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
        ':was': was,
      },
    },
  };
};

const noLongerWaits = (rolloutId: string, { stage, scannerId }: Waiting): TransactItem => ({
  Delete: {
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.waiting(stage, scannerId)),
    ConditionExpression: 'attribute_exists(pk)',
  },
});

const freed = (rolloutId: string, slot: number, scannerId: string): TransactItem => ({
  Delete: {
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.unfinished(slot)),
    ConditionExpression: 'scannerId = :scannerId',
    ExpressionAttributeValues: { ':scannerId': scannerId },
  },
});

/** Takes a Scanner for a rollout, where no newer one has. */
const claimItem = (rolloutId: string, scannerId: string): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.claim },
    UpdateExpression: 'SET rolloutId = :rolloutId, #format = :format',
    ConditionExpression: 'attribute_not_exists(rolloutId) OR rolloutId <= :rolloutId',
    ExpressionAttributeNames: { '#format': 'format' },
    ExpressionAttributeValues: { ':rolloutId': rolloutId, ':format': format },
  },
});

const stillClaims = (rolloutId: string, scannerId: string): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.claim },
    ConditionExpression: 'rolloutId = :rolloutId',
    ExpressionAttributeValues: { ':rolloutId': rolloutId },
  },
});

/** The Scanner is of the registration that the target was planned for. */
const isOfLife = ({ scannerId, epoch }: Waiting): TransactItem[] =>
  epoch === undefined
    ? []
    : [
        {
          ConditionCheck: {
            TableName: tableName(),
            Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.scanner },
            ConditionExpression: 'epoch = :epoch',
            ExpressionAttributeValues: { ':epoch': epoch },
          },
        },
      ];

/** The newest rollout that took a Scanner; undefined where none has. */
export const readClaim = async (scannerId: string): Promise<string | undefined> =>
  (await getItem<{ rolloutId: string }>(keys.ofScanner(scannerId), sortKeys.claim))?.rolloutId;

/** Where a target is put when it is committed: a place among the unfinished ones, and the part of the counts that tells of it. */
export interface Place {
  slot: number;
  part: number;
}

/**
 * For the transaction of a target's revision: the target is committed, waits no more, takes its place and its Scanner; all of it only while
 * the rollout runs and is the one that was read, and the Scanner is of the registration that was planned for.
 */
export const committedItems = (
  rollout: StoredRollout,
  target: Waiting,
  { slot, part }: Place,
  made: { fromRevision: number; toRevision: number; changes: string; at: Date },
): TransactItem[] => {
  const { rolloutId } = rollout;
  const { fromRevision, toRevision, changes } = made;
  const committedAt = made.at.toISOString();
  const { scannerId, stage } = target;
  return [
    targetItem(rolloutId, target, 'pending', {
      outcome: 'committed',
      fromRevision,
      toRevision,
      changes,
      committedAt,
      slot,
    }),
    noLongerWaits(rolloutId, target),
    putNew({
      ...keyOf(rolloutId, keys.unfinished(slot)),
      scannerId,
      stage,
      slot,
      toRevision,
      committedAt,
      ...expiryOfRollout(rollout),
    }),
    claimItem(rolloutId, scannerId),
    ...isOfLife(target),
    progressItem(rolloutId, part, { delta: { pending: -1, committed: 1 }, through: gateOf(rollout) }),
  ];
};

/** How a target ends that is not committed, and when. */
type Unfit = Pick<StoredTarget, 'reason' | 'errors'> & {
  outcome: 'invalid' | 'skipped' | 'overtaken';
  at: Date;
};

const unfitItems = (
  rolloutId: string,
  target: Waiting,
  { part, through }: { part: number; through?: number },
  end: Unfit,
): TransactItem[] => {
  const { at, outcome, ...why } = end;
  const given = Object.fromEntries(Object.entries(why).filter(([, value]) => value !== undefined));
  return [
    targetItem(rolloutId, target, 'pending', { outcome, ...given, finishedAt: at.toISOString() }),
    noLongerWaits(rolloutId, target),
    progressItem(rolloutId, part, {
      delta: { pending: -1, [outcome]: 1 },
      ...(through === undefined ? {} : { through }),
    }),
  ];
};

/**
 * A target that had its turn and cannot have its configuration; for the transaction that checks its head. As strict as a commit: only while the
 * rollout runs and is the one that was read, and of the registration that was planned for.
 */
export const invalidItems = (
  rollout: StoredRollout,
  target: Waiting,
  part: number,
  end: Unfit,
): TransactItem[] => [
  ...unfitItems(rollout.rolloutId, target, { part, through: gateOf(rollout) }, end),
  ...isOfLife(target),
];

/** A target that had its turn and takes no part; false where it does not wait any more, or the rollout does not run as it was read. */
export const storeUnfit = async (
  rollout: StoredRollout,
  target: Waiting,
  part: number,
  end: Unfit,
): Promise<boolean> => {
  const items = unfitItems(rollout.rolloutId, target, { part, through: gateOf(rollout) }, end);
  return (await transact(items)).kind === 'committed';
};

/** A target whose turn does not come any more, whatever its rollout is by now; false where it does not wait any more. */
export const storeSkipped = async (
  { rolloutId }: StoredRollout,
  target: Waiting,
  part: number,
  end: { reason: string; at: Date },
): Promise<boolean> => {
  const items = unfitItems(rolloutId, target, { part }, { outcome: 'skipped', ...end });
  return (await transact(items)).kind === 'committed';
};

/** A target that could not be committed for a reason that nobody foresaw: it failed, which counts. Held to what a commit is held to. */
export const storeFault = async (
  rollout: StoredRollout,
  target: Waiting,
  part: number,
  end: { reason: string; at: Date },
  after: Pick<StoredRollout, 'failures'> & Partial<StoredRollout>,
): Promise<boolean> => {
  const { rolloutId } = rollout;
  const changes = { outcome: 'failed' as const, reason: end.reason, finishedAt: end.at.toISOString() };
  const counted = { part, delta: { pending: -1, failed: 1 }, at: end.at };
  const outcome = await transact([
    targetItem(rolloutId, target, 'pending', changes),
    noLongerWaits(rolloutId, target),
    ...isOfLife(target),
    ...(await failureItems(rollout, after, { ...target, ...counted })),
  ]);
  return outcome.kind === 'committed';
};

/**
 * A committed target ends, and its place is free. With `failure`, its failure is counted in the same transaction, which halts a rollout that
 * has one too many. False where it has ended already, or the rollout is not as it was read.
 */
export const storeEnding = async (
  { rollout, part, at }: { rollout: StoredRollout; part: number; at: Date },
  target: Unfinished,
  ending: Ending,
  failure?: Pick<StoredRollout, 'failures'> & Partial<StoredRollout>,
): Promise<boolean> => {
  const { rolloutId } = rollout;
  const delta = { committed: -1, [ending.outcome]: 1 };
  const changes = { ...ending, finishedAt: at.toISOString(), slot: undefined };
  const outcome = await transact([
    targetItem(rolloutId, target, 'committed', changes),
    freed(rolloutId, target.slot, target.scannerId),
    ...(failure
      ? await failureItems(rollout, failure, { ...target, part, delta, at })
      : [progressItem(rolloutId, part, { delta })]),
  ]);
  return outcome.kind === 'committed';
};

/** A target whose change was taken back, or need not be; a committed one frees its place. For a transaction. */
export const revertedItems = (
  { rolloutId }: StoredRollout,
  target: StoredTarget,
  part: number,
  end: { outcome: 'reverted' | 'overtaken'; reason?: string; revertRevision?: number; at: Date },
): TransactItem[] => {
  const { at, ...changes } = end;
  const { slot, scannerId, outcome: was } = target;
  return [
    targetItem(rolloutId, target, was, {
      reason: undefined,
      pointer: undefined,
      ...changes,
      finishedAt: at.toISOString(),
      slot: undefined,
    }),
    ...(slot === undefined ? [] : [freed(rolloutId, slot, scannerId)]),
    progressItem(rolloutId, part, { delta: { [was]: -1, [end.outcome]: 1 } }),
    ...(end.outcome === 'reverted' ? [stillClaims(rolloutId, scannerId)] : []),
  ];
};

/** A target that cannot be taken back keeps its outcome, and says why. */
export const storeKept = async (
  { rolloutId }: StoredRollout,
  target: StoredTarget,
  why: Pick<StoredTarget, 'reason' | 'errors'>,
): Promise<boolean> => {
  const given = Object.fromEntries(Object.entries(why).filter(([, value]) => value !== undefined));
  const item = targetItem(rolloutId, target, target.outcome, {
    ...given,
    outcome: target.outcome,
    kept: true,
  });
  return (await transact([item])).kind === 'committed';
};

/** What a head says of how far its Scanner is. */
export interface HeadMark {
  scannerId: string;
  revision: number;
  decommissionedAt?: string;
}

/** One batch holds up to 100 keys (DynamoDB API reference, BatchGetItem). */
const keysPerBatch = 100;

/** Items of many Scanners with one sort key; those that do not exist are left out. */
const readOfEach = async <T>(scannerIds: readonly string[], sk: string): Promise<T[]> => {
  const found: T[] = [];
  for (let from = 0; from < scannerIds.length; from += keysPerBatch) {
    const batch = scannerIds.slice(from, from + keysPerBatch);
    found.push(...((await batchGet(batch.map((id) => ({ pk: keys.ofScanner(id), sk })))) as unknown as T[]));
  }
  return found;
};

/** Heads of many Scanners, by id; those that are not registered are left out. */
export const readHeadMarks = async (scannerIds: readonly string[]): Promise<Map<string, HeadMark>> => {
  const heads = await readOfEach<HeadMark>(scannerIds, sortKeys.head);
  return new Map(heads.map((head) => [head.scannerId, head]));
};

/** What tells the registrations of many Scanners from others of the same ids, by id. */
export const readEpochs = async (scannerIds: readonly string[]): Promise<Map<string, string | undefined>> => {
  const records = await readOfEach<{ scannerId: string; epoch?: string }>(scannerIds, sortKeys.scanner);
  return new Map(records.map(({ scannerId, epoch }) => [scannerId, epoch]));
};
