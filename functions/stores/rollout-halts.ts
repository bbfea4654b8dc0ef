import { type StoredRollout, sumCounts } from '../../shared/domain/rollout.ts';
import { rolloutAuditItem } from './audit.ts';
import { type TransactItem, transact } from './dynamo.ts';
import { auditOf, type Delta, gateItems, isStill, progressItem, readCounts, updateItem } from './rollouts.ts';

/** Whom the audit names where a rule acts and nobody has asked. */
export const controlPlane = 'control-plane';

/** When and where a rule halts a rollout. */
interface Halt {
  at: Date;
  /** 0: the canary; from 1: the waves. */
  stage: number;
  /** The target that was one failure too many, and what that moves of the counts. */
  scannerId?: string;
  delta?: Delta;
}

/**
 * The audit record of a halt that nobody asked for, with the id of the request that began the rollout. The counts are read just before the
 * transaction of the halt, and hold what it moves itself.
 */
const haltAudit = async (
  before: StoredRollout,
  after: StoredRollout,
  { at, stage, scannerId, delta = {} }: Halt,
): Promise<TransactItem> => {
  const { rolloutId, requestId } = before;
  const asked = { actor: { name: controlPlane, requestId }, operation: 'halt-rollout', at };
  return rolloutAuditItem(rolloutId, asked, {
    before: auditOf(before),
    after: { ...auditOf(after), stage, ...(scannerId === undefined ? {} : { scannerId }) },
    counts: sumCounts([await readCounts(rolloutId), delta]),
  });
};

/** For the transaction in which a target fails: counts the failure, and halts the rollout, with its audit, where that is one too many. */
export const failureItems = async (
  before: StoredRollout,
  after: Pick<StoredRollout, 'failures'> & Partial<StoredRollout>,
  counted: Required<Halt> & { part: number },
): Promise<TransactItem[]> => {
  const { part, delta } = counted;
  const condition = {
    expression: 'version = :seen AND failures = :failed',
    values: { ':seen': before.version, ':failed': before.failures },
  };
  const update = updateItem(before, after, condition);
  if (after.state === undefined) return [update, progressItem(before.rolloutId, part, { delta })];
  const halted = { ...before, ...after };
  return [update, ...gateItems(halted, counted), await haltAudit(before, halted, counted)];
};

/** Halts a rollout by a rule, with its audit, and shuts its gates with it; false where it has changed meanwhile. */
export const haltRollout = async (
  rollout: StoredRollout,
  after: Partial<StoredRollout>,
  halt: Halt,
): Promise<boolean> => {
  const halted = { ...rollout, ...after };
  const items = [
    updateItem(rollout, after, isStill(rollout)),
    ...gateItems(halted),
    await haltAudit(rollout, halted, halt),
  ];
  return (await transact(items)).kind === 'committed';
};
