import { summaryOf } from '../../shared/domain/history.ts';
import {
  type Candidate,
  isTarget,
  type StoredRollout,
  type StoredTarget,
  skipReason,
  stageOf,
} from '../../shared/domain/rollout.ts';
import type { Standing } from '../../shared/domain/standing.ts';
import { hasCode } from '../../shared/errors.ts';
import { readHead } from '../stores/heads.ts';
import { eachOf } from '../stores/lists.ts';
import { plannedAtOnce, readEpochs, storePlanStep } from '../stores/rollout-targets.ts';
import { findWork, type RolloutWorkRecord } from '../stores/rollouts.ts';
import { findStandings } from '../stores/standing.ts';
import { readStates } from '../stores/status.ts';
import { judgeTarget, unfit } from './judge.ts';

interface Found {
  candidates: { scannerId: string; known: Candidate | undefined }[];
  cursor: string | undefined;
}

/** Scanners that are named one by one, as they are now. */
const named = async (scannerIds: readonly string[], from: number): Promise<Found> => {
  const page = scannerIds.slice(from, from + plannedAtOnce);
  const states = new Map((await readStates(page)).map((state) => [state.scanner.scannerId, state]));
  const candidates = page.map((scannerId) => {
    const state = states.get(scannerId);
    const known = state && { ...state.scanner, connected: state.presence?.connected ?? false };
    return { scannerId, known };
  });
  const next = from + page.length;
  return { candidates, cursor: next < scannerIds.length ? String(next) : undefined };
};

/** Scanners of the fleet, as their standings say; what these do not tell is of which registration they are. */
const ofFleet = async (rollout: StoredRollout, cursor: string | undefined): Promise<Found> => {
  const asked = (standing: Standing) => isTarget(standing, rollout);
  const { items, nextCursor } = await findStandings(asked, { limit: plannedAtOnce, cursor });
  const epochs = await readEpochs(items.map(({ scannerId }) => scannerId));
  const candidates = items.map((standing) => {
    const { scannerId } = standing;
    return { scannerId, known: { ...standing, epoch: epochs.get(scannerId) } };
  });
  return { candidates, cursor: nextCursor };
};

const find = (rollout: StoredRollout, { planCursor }: RolloutWorkRecord): Promise<Found> => {
  const { appliesTo } = rollout;
  return appliesTo !== 'all' && 'scannerIds' in appliesTo
    ? named(appliesTo.scannerIds, Number(planCursor ?? 0))
    : ofFleet(rollout, planCursor);
};

const blank = { fromRevision: null, toRevision: null } as const;

/** Targets in the order in which they were found, each in its stage; those that take no part say why. */
const staged = (rollout: StoredRollout, { candidates }: Found, from: number) => {
  let next = from;
  const targets = candidates.map(({ scannerId, known }): StoredTarget => {
    const reason = skipReason(known, rollout);
    const base = { rolloutId: rollout.rolloutId, scannerId, stage: stageOf(next, rollout), ...blank };
    if (reason !== null) return { ...base, outcome: 'skipped', reason };
    next += 1;
    return { ...base, outcome: 'pending', ...(known?.epoch === undefined ? {} : { epoch: known.epoch }) };
  });
  return { targets, next };
};

/** What would become of a target now. */
const foretold = async (rollout: StoredRollout, target: StoredTarget, now: Date): Promise<StoredTarget> => {
  if (target.outcome !== 'pending') return target;
  try {
    const head = await readHead(target.scannerId);
    const judged = await judgeTarget(rollout, head, now);
    const of = { ...target, fromRevision: head.revision };
    if (judged.problems) return { ...of, outcome: 'invalid', ...unfit(judged.problems) };
    return { ...of, changes: summaryOf(head.configuration, judged.configuration) || 'nothing' };
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    return { ...target, outcome: 'skipped', reason: skipReason(undefined, rollout) ?? '' };
  }
};

/**
 * Finds the next targets of a rollout and stores them: each step is one transaction, which is done once whoever tries. Of a dry run each is
 * judged. False where somebody else was faster, or there is nothing to plan.
 */
export const planStep = async (rollout: StoredRollout, now: Date): Promise<boolean> => {
  const work = await findWork(rollout.rolloutId);
  if (!work) return false;
  const found = await find(rollout, work);
  const { targets, next } = staged(rollout, found, work.planNext ?? 0);
  const told = rollout.dryRun ? await eachOf(targets, (target) => foretold(rollout, target, now)) : targets;
  return storePlanStep(rollout, { step: work.planStep ?? 0, targets: told, cursor: found.cursor, next }, now);
};
