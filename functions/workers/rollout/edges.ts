import {
  afterFailure,
  type Ending,
  type StoredRollout,
  type StoredTarget,
  type TargetFacts,
  type Unfinished,
  type Waiting,
} from '../../../shared/domain/rollout.ts';
import type { RolloutState } from '../../../shared/schemas/rollouts.ts';
import { planStep } from '../../common/plan-rollout.ts';
import { logger } from '../../lib/logger.ts';
import { measure } from '../../lib/metrics.ts';
import { wait } from '../../lib/wait.ts';
import { operationsAtOnce, reserve } from '../../stores/pace.ts';
import { haltRollout } from '../../stores/rollout-halts.ts';
import {
  listTargets,
  type Place,
  readHeadMarks,
  readUnfinished,
  readWaiting,
  storeEnding,
  storeFault,
  storeKept,
  storeSkipped,
} from '../../stores/rollout-targets.ts';
import {
  findRollout,
  finishRollout,
  leaveLease,
  progressParts,
  readCounts,
  takeLease,
} from '../../stores/rollouts.ts';
import { readReported } from '../../stores/status.ts';
import { commitTarget } from './commit-target.ts';
import { type Reverting, revertTarget } from './revert-target.ts';

/**
 * What the worker of a rollout reads and writes; an argument, so that a test can play any order of them. Each write is one transaction, and
 * answers false where what it was decided on has moved on.
 */
export interface Edges {
  takeLease(rolloutId: string, holder: string, now: Date): Promise<boolean>;
  leaveLease(rolloutId: string, holder: string): Promise<boolean>;
  find(rolloutId: string): Promise<StoredRollout | undefined>;
  waiting(rolloutId: string): Promise<Waiting[]>;
  unfinished(rolloutId: string): Promise<Unfinished[]>;
  /** How many targets have applied, as new as what was read before. */
  applied(rolloutId: string): Promise<number>;
  plan(rollout: StoredRollout, now: Date): Promise<boolean>;
  /** Milliseconds until `count` commits may go. */
  reserve(count: number): Promise<number>;
  commit(rollout: StoredRollout, target: Waiting, place: Place, now: Date): Promise<boolean>;
  skip(rollout: StoredRollout, target: Waiting, part: number, reason: string, now: Date): Promise<boolean>;
  /** A target whose turn ended in an error that nobody foresaw. */
  fault(rollout: StoredRollout, target: Waiting, reason: string, now: Date): Promise<boolean>;
  facts(unfinished: readonly Unfinished[]): Promise<TargetFacts[]>;
  /** As `facts`, of what was reported alone: as if no head had moved. */
  reported(unfinished: readonly Unfinished[]): Promise<TargetFacts[]>;
  end(rollout: StoredRollout, target: Unfinished, part: number, ending: Ending, now: Date): Promise<boolean>;
  /** A page of targets, in their order. */
  targets(
    rolloutId: string,
    cursor: string | undefined,
  ): Promise<{ items: StoredTarget[]; nextCursor?: string }>;
  revert(rollout: Reverting, target: StoredTarget, part: number, now: Date): Promise<boolean>;
  /** A target that cannot be taken back, for a reason that nobody foresaw. */
  keep(rollout: StoredRollout, target: StoredTarget, reason: string): Promise<boolean>;
  /** Halts a rollout for its canary, or says of one that is halted why else it is. */
  halt(rollout: StoredRollout, after: Partial<StoredRollout>, now: Date): Promise<boolean>;
  finish(rollout: StoredRollout, state: RolloutState, now: Date): Promise<boolean>;
  sleep(ms: number): Promise<unknown>;
}

/** So many targets are worked on at once, each with a part of the counts of its own. */
export const width = progressParts;

const reportedOf = (unfinished: readonly Unfinished[]) =>
  readReported(unfinished.map(({ scannerId, toRevision }) => ({ scannerId, revision: toRevision })));

const onlyReported = async (unfinished: readonly Unfinished[]): Promise<TargetFacts[]> => {
  const reported = await reportedOf(unfinished);
  return unfinished.map(({ toRevision }, index) => ({
    reported: reported[index] ?? null,
    headRevision: toRevision,
    decommissioned: false,
  }));
};

const factsOf = async (unfinished: readonly Unfinished[]): Promise<TargetFacts[]> => {
  const [reported, heads] = await Promise.all([
    reportedOf(unfinished),
    readHeadMarks(unfinished.map(({ scannerId }) => scannerId)),
  ]);
  return unfinished.map(({ scannerId }, index) => {
    const head = heads.get(scannerId);
    return {
      reported: reported[index] ?? null,
      headRevision: head?.revision ?? null,
      decommissioned: head?.decommissionedAt !== undefined,
    };
  });
};

/** Tells of a rollout that halts itself, once that is stored. */
const tellingOfHalt = async (
  after: Partial<StoredRollout> | undefined,
  stored: Promise<boolean>,
): Promise<boolean> => {
  const done = await stored;
  if (done && after?.state === 'halted') {
    measure('RolloutsHalted');
    logger.warn('rollout halted', { why: after.haltReason, failures: after.failures });
  }
  return done;
};

export const stores: Edges = {
  takeLease,
  leaveLease,
  find: findRollout,
  waiting: (rolloutId) => readWaiting(rolloutId, Math.min(width, operationsAtOnce('rollout'))),
  unfinished: readUnfinished,
  applied: async (rolloutId) => (await readCounts(rolloutId)).applied,
  plan: planStep,
  reserve: (count) => reserve('rollout', count),
  commit: commitTarget,
  skip: (rollout, target, part, reason, at) => storeSkipped(rollout, target, part, { reason, at }),
  fault: (rollout, target, reason, at) => {
    const failure = afterFailure(rollout);
    return tellingOfHalt(failure, storeFault(rollout, target, 0, { reason, at }, failure));
  },
  facts: factsOf,
  reported: onlyReported,
  end: (rollout, target, part, ending, at) => {
    const failure = ending.outcome === 'failed' ? afterFailure(rollout) : undefined;
    return tellingOfHalt(failure, storeEnding({ rollout, part, at }, target, ending, failure));
  },
  targets: (rolloutId, cursor) => listTargets(rolloutId, { limit: 100, cursor }),
  revert: revertTarget,
  keep: (rollout, target, reason) => storeKept(rollout, target, { reason }),
  halt: (rollout, after, at) => tellingOfHalt(after, haltRollout(rollout, after, { at, stage: 0 })),
  finish: finishRollout,
  sleep: wait,
};
