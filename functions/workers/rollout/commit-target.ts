import type { Head } from '../../../shared/domain/configuration.ts';
import { summaryOf } from '../../../shared/domain/history.ts';
import { overtakenBy, type StoredRollout, skipReason, type Waiting } from '../../../shared/domain/rollout.ts';
import { AppError } from '../../../shared/errors.ts';
import { judgeTarget, unfit } from '../../common/judge.ts';
import { writeDomainBindings } from '../../stores/domain-bindings.ts';
import { type Change, changeConfiguration } from '../../stores/heads.ts';
import {
  committedItems,
  invalidItems,
  type Place,
  readClaim,
  storeUnfit,
} from '../../stores/rollout-targets.ts';
import { findState } from '../../stores/status.ts';

/** Why a Scanner that was to get its turn does not; null for one that does. It may have changed since it was planned. */
const whyNot = async (
  rollout: StoredRollout,
  { scannerId, epoch }: Waiting,
): Promise<{ outcome: 'skipped' | 'overtaken'; reason: string } | null> => {
  const [state, claim] = await Promise.all([findState(scannerId), readClaim(scannerId)]);
  const candidate = state && { ...state.scanner, connected: state.presence?.connected ?? false };
  const reason = skipReason(candidate ?? undefined, rollout, epoch);
  if (reason !== null) return { outcome: 'skipped', reason };
  if (claim !== undefined && claim > rollout.rolloutId)
    return { outcome: 'overtaken', reason: overtakenBy(claim) };
  return null;
};

/** The change of one target, with what becomes of it in the same transaction. */
const changeOf = async (
  rollout: StoredRollout,
  target: Waiting,
  place: Place,
  head: Head,
  at: Date,
): Promise<Change<null>> => {
  const judged = await judgeTarget(rollout, head, at);
  if (judged.problems) {
    const end = { outcome: 'invalid' as const, ...unfit(judged.problems), at };
    const settle = invalidItems(rollout, target, place.part, end);
    return { configuration: head.configuration, settle, result: null };
  }
  const { configuration } = judged;
  const changes = summaryOf(head.configuration, configuration) || 'nothing';
  const made = (toRevision: number) =>
    committedItems(rollout, target, place, { fromRevision: head.revision, toRevision, changes, at });
  return {
    configuration,
    audit: { rolloutId: rollout.rolloutId },
    prepare: () => writeDomainBindings(configuration.advanced),
    transact: (next) => made(next.revision),
    settle: made(head.revision),
    result: null,
  };
};

/** What says that something is not as it was read: the next look finds out what, and why a Scanner that is gone takes no part. */
const moved = new Set<string>(['SUPERSEDED', 'NOT_FOUND', 'SCANNER_DECOMMISSIONED']);

/**
 * Gives a target its turn: its revision and its outcome are one transaction, which is refused where the target had its turn already, the
 * rollout does not run any more, its place is taken, a newer rollout took the Scanner or its id was registered again. False then: who asked reads again and decides again.
 */
export const commitTarget = async (
  rollout: StoredRollout,
  target: Waiting,
  place: Place,
  at: Date,
): Promise<boolean> => {
  const not = await whyNot(rollout, target);
  if (not) return storeUnfit(rollout, target, place.part, { ...not, at });
  try {
    await changeConfiguration({
      scannerId: target.scannerId,
      part: 'all',
      operation: 'create-rollout',
      actor: { name: rollout.createdBy, requestId: rollout.requestId },
      at,
      compute: (head) => changeOf(rollout, target, place, head, at),
    });
    return true;
  } catch (error) {
    if (error instanceof AppError && moved.has(error.code)) return false;
    throw error;
  }
};
