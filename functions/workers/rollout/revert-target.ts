import type { Head } from '../../../shared/domain/configuration.ts';
import {
  overtakenBy,
  type Reversal,
  type StoredRollout,
  type StoredTarget,
} from '../../../shared/domain/rollout.ts';
import { AppError, hasCode } from '../../../shared/errors.ts';
import { judge, unfit } from '../../common/judge.ts';
import { writeDomainBindings } from '../../stores/domain-bindings.ts';
import { type Change, changeConfiguration, readRevision, retainedItems } from '../../stores/heads.ts';
import { readClaim, revertedItems, storeKept } from '../../stores/rollout-targets.ts';

/** A rollout that is being taken back. */
export type Reverting = StoredRollout & { reversal: Reversal };

interface Try {
  rollout: Reverting;
  target: StoredTarget;
  part: number;
  at: Date;
}

/** Why what a Scanner has is not the rollout's any more; null where it is. */
const whyOvertaken = async ({ rollout, target }: Try, head: Head): Promise<string | null> => {
  const claim = await readClaim(target.scannerId);
  if (claim !== undefined && claim !== rollout.rolloutId) return overtakenBy(claim);
  return head.revision === target.toRevision
    ? null
    : `Revision ${head.revision} was made after the rollout's revision ${target.toRevision}.`;
};

/** Nothing is changed; what is known is stored, if the head is still the one that it was decided on. */
const only = (
  { rollout, target, part, at }: Try,
  head: Head,
  end: { outcome: 'reverted' | 'overtaken'; reason: string },
): Change<null> => ({
  configuration: head.configuration,
  settle: revertedItems(rollout, target, part, { ...end, at }),
  result: null,
});

/** The configuration of before, judged by the rules of today. VALIDATION_FAILED where they forbid it, NOT_FOUND where it is gone. */
const restored = async (one: Try, head: Head, revision: number): Promise<Change<null>> => {
  const { rollout, target, part, at } = one;
  const { configuration: wanted } = await readRevision(target.scannerId, revision, at);
  const { smtp } = wanted;
  if (!smtp) throw new AppError('SMTP_NOT_CONFIGURED', `Revision ${revision} has no settings to restore.`);
  const asked = { acknowledged: rollout.reversal.acknowledge, now: at };
  const judged = await judge(head, { ...wanted, smtp }, asked);
  if (judged.problems) throw new AppError('VALIDATION_FAILED', undefined, { problems: judged.problems });
  const items = (revertRevision: number) =>
    revertedItems(rollout, target, part, { outcome: 'reverted', revertRevision, at });
  return {
    configuration: judged.configuration,
    audit: { rolloutId: rollout.rolloutId },
    prepare: () => writeDomainBindings(wanted.advanced),
    transact: (next) => [...retainedItems(next, revision, at), ...items(next.revision)],
    settle: items(head.revision),
    result: null,
  };
};

const takenBack = async (one: Try, head: Head): Promise<Change<null>> => {
  const { fromRevision, toRevision } = one.target;
  const reason = await whyOvertaken(one, head);
  if (reason !== null) return only(one, head, { outcome: 'overtaken', reason });
  if (fromRevision === null || fromRevision === toRevision)
    return only(one, head, { outcome: 'reverted', reason: 'The rollout changed nothing here.' });
  return restored(one, head, fromRevision);
};

/** What a target cannot be taken back for. */
const cannot = new Set(['VALIDATION_FAILED', 'NOT_FOUND', 'SMTP_NOT_CONFIGURED', 'SCANNER_DECOMMISSIONED']);

const kept = ({ rollout, target }: Try, { message, problems }: AppError): Promise<boolean> =>
  storeKept(rollout, target, {
    reason: `Could not be reverted: ${problems.length > 0 ? unfit(problems).reason : message}`,
    ...(problems.length > 0 ? { errors: unfit(problems).errors } : {}),
  });

/**
 * Gives a target back what it had before the rollout, as a new revision, where its head is still the rollout's; elsewhere it is overtaken.
 * Revision and outcome are one transaction. One that cannot be taken back keeps its outcome and says why. False where something moved
 * meanwhile: who asked reads again.
 */
export const revertTarget = async (
  rollout: Reverting,
  target: StoredTarget,
  part: number,
  at: Date,
): Promise<boolean> => {
  const one = { rollout, target, part, at };
  try {
    await changeConfiguration({
      scannerId: target.scannerId,
      part: 'all',
      operation: 'revert-rollout',
      actor: { name: rollout.reversal.by, requestId: rollout.reversal.requestId },
      at,
      compute: (head) => takenBack(one, head),
    });
    return true;
  } catch (error) {
    if (hasCode(error, 'SUPERSEDED')) return false;
    if (error instanceof AppError && cannot.has(error.code)) return kept(one, error);
    throw error;
  }
};
