import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Head } from '../../shared/domain/configuration.ts';
import { type StoredRollout, sumCounts } from '../../shared/domain/rollout.ts';
import { AppError } from '../../shared/errors.ts';
import type { RolloutCounts, RolloutOutcome } from '../../shared/schemas/rollouts.ts';
import { keys, table } from '../../shared/tables.ts';
import { type Asked, rolloutAuditItem } from './audit.ts';
import {
  batchGet,
  dynamo,
  format,
  getItem,
  onCondition,
  putNew,
  queryItems,
  queryListed,
  type TransactItem,
  tableName,
  transact,
  transactBeside,
} from './dynamo.ts';
import { headCheck } from './heads.ts';
import { expiryOfRevision, keepsForEver } from './retention.ts';
import { retrying } from './retrying.ts';

/**
 * The counts of a rollout are in as many parts, so that as many commits may go on at once without standing in each other's way; each also
 * has the gate: the version of the rollout while it runs, else 0. A commit holds the gate of its part to be what it saw.
 */
export const progressParts = 8;

const parts = Array.from({ length: progressParts }, (_, index) => index);

/** A plan that was only asked for is kept for a week. */
const planSeconds = 7 * 86_400;

/** The time to live of everything of a rollout: no shorter than that of a revision which it supersedes. */
export const expiryOfRollout = ({ dryRun, createdAt }: StoredRollout): { [table.ttl]?: number } => {
  const at = new Date(createdAt);
  if (dryRun) return { [table.ttl]: Math.ceil(at.getTime() / 1000) + planSeconds };
  return keepsForEver() ? {} : { [table.ttl]: expiryOfRevision(at) };
};

const keyOf = (rolloutId: string, sk: string) => ({ pk: keys.ofRollout(rolloutId), sk });

/** The gate that commits have to find: they may go on only while the rollout runs, and is the one that was read. */
export const gateOf = ({ state, reversal, version }: StoredRollout): number =>
  state === 'running' && !reversal ? version : 0;

export type Delta = { readonly [outcome in RolloutOutcome]?: number };

interface ProgressChange {
  delta?: Delta;
  /** Sets the gate. */
  gate?: number;
  /** The gate must be this, and open. */
  through?: number;
}

/** Moves one part of the counts, and its gate. */
export const progressItem = (rolloutId: string, part: number, change: ProgressChange): TransactItem => {
  const { delta = {}, gate, through } = change;
  const moved = Object.entries(delta);
  const adding = moved.map(([outcome]) => `#${outcome} :${outcome}`).join(', ');
  return {
    Update: {
      TableName: tableName(),
      Key: keyOf(rolloutId, keys.progress(part)),
      UpdateExpression: `SET #format = :format${gate === undefined ? '' : ', gate = :gate'}${adding ? ` ADD ${adding}` : ''}`,
      ConditionExpression: `attribute_exists(pk)${through === undefined ? '' : ' AND gate = :through AND gate > :shut'}`,
      ExpressionAttributeNames: {
        '#format': 'format',
        ...Object.fromEntries(moved.map(([outcome]) => [`#${outcome}`, outcome])),
      },
      ExpressionAttributeValues: {
        ':format': format,
        ...Object.fromEntries(moved.map(([outcome, count]) => [`:${outcome}`, count])),
        ...(gate === undefined ? {} : { ':gate': gate }),
        ...(through === undefined ? {} : { ':through': through, ':shut': 0 }),
      },
    },
  };
};

/** A change of a rollout that moves its gate, in every part; `also` moves counts of one part in the same transaction. */
export const gateItems = (after: StoredRollout, also?: { part: number; delta: Delta }): TransactItem[] =>
  parts.map((part) =>
    progressItem(after.rolloutId, part, {
      gate: gateOf(after),
      ...(also?.part === part ? { delta: also.delta } : {}),
    }),
  );

/** Sets members of a rollout. */
export const updateItem = (
  { rolloutId }: StoredRollout,
  set: Partial<StoredRollout>,
  condition: { expression: string; values: Record<string, unknown> },
): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.rollout),
    UpdateExpression: `SET ${Object.keys(set)
      .map((name) => `#${name} = :${name}`)
      .join(', ')}`,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: Object.fromEntries(Object.keys(set).map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ...condition.values,
    },
  },
});

/** The condition that a rollout is the one that was read. */
export const isStill = ({ version }: StoredRollout) => ({
  expression: 'version = :seen',
  values: { ':seen': version },
});

/** There is something to do for a rollout: the schedule finds it by this. Who works on it now is left alone. */
const workItem = (rollout: StoredRollout): TransactItem => {
  const expiry = expiryOfRollout(rollout)[table.ttl];
  return {
    Update: {
      TableName: tableName(),
      Key: keyOf(rollout.rolloutId, keys.rolloutWork),
      UpdateExpression: `SET listPk = :listPk, listSk = :listSk, rolloutId = :listSk, #format = :format${expiry === undefined ? '' : ', #expires = :expires'}`,
      ExpressionAttributeNames: {
        '#format': 'format',
        ...(expiry === undefined ? {} : { '#expires': table.ttl }),
      },
      ExpressionAttributeValues: {
        ':listPk': keys.listedOpenRollouts,
        ':listSk': rollout.rolloutId,
        ':format': format,
        ...(expiry === undefined ? {} : { ':expires': expiry }),
      },
    },
  };
};

/** What the audit says of a rollout. */
export const auditOf = ({ state, reason, haltReason, reversal, ...asked }: StoredRollout) => ({
  state,
  ...(reason === undefined ? {} : { reason }),
  ...(state === 'halted' && haltReason !== undefined ? { haltReason } : {}),
  ...(reversal ? { acknowledge: reversal.acknowledge } : { acknowledge: asked.acknowledge }),
  source: asked.source,
  sourceRevision: asked.sourceRevision,
  sections: asked.sections,
  appliesTo: asked.appliesTo,
});

/**
 * Stores a rollout, on the condition that the head of its source is still the one that is copied; false where that has moved on. A dry run
 * is in no list and in no audit. SUPERSEDED when something asked for beside it is refused.
 */
export const beginRollout = async (
  rollout: StoredRollout,
  source: Head,
  asked: Asked,
  remember: TransactItem[],
): Promise<boolean> => {
  const { rolloutId, dryRun } = rollout;
  const listed = dryRun ? {} : { listPk: keys.listedRollouts, listSk: rolloutId };
  const expiry = expiryOfRollout(rollout);
  const own = [
    headCheck(source),
    putNew({ ...keyOf(rolloutId, keys.rollout), ...listed, ...rollout, ...expiry }),
    ...parts.map((part) =>
      putNew({ ...keyOf(rolloutId, keys.progress(part)), gate: gateOf(rollout), ...expiry }),
    ),
    workItem(rollout),
    ...(dryRun ? [] : [rolloutAuditItem(rolloutId, asked, { before: null, after: auditOf(rollout) })]),
  ];
  return transactBeside(own, remember);
};

export const findRollout = (rolloutId: string): Promise<StoredRollout | undefined> =>
  getItem<StoredRollout>(keys.ofRollout(rolloutId), keys.rollout);

/** NOT_FOUND where there is no such rollout, or none any more. */
export const getRollout = async (rolloutId: string): Promise<StoredRollout> => {
  const rollout = await findRollout(rolloutId);
  if (!rollout) throw new AppError('NOT_FOUND', `There is no rollout ${rolloutId}.`);
  return rollout;
};

/** The parts of the counts by their numbers, strongly consistent; undefined for one that is not there. */
export const readProgress = async (rolloutId: string): Promise<(Delta | undefined)[]> => {
  const found = await batchGet(parts.map((part) => keyOf(rolloutId, keys.progress(part))));
  return parts.map((part) => found.find(({ sk }) => sk === keys.progress(part)));
};

/** How many targets have which outcome, strongly consistent. Read after a rollout, they are as new as its state. */
export const readCounts = async (rolloutId: string): Promise<RolloutCounts> =>
  sumCounts((await readProgress(rolloutId)).map((part) => part ?? {}));

/**
 * The stage that a rollout has come to: of what is unfinished, else of what goes next. Undefined where nothing is either. What waits is read
 * first: a target goes from there to what is unfinished.
 */
const readStage = async (rolloutId: string): Promise<number | undefined> => {
  const firstOf = async (prefix: string) =>
    (await queryItems<{ stage: number }>(keys.ofRollout(rolloutId), prefix, { limit: 1 })).items[0];
  const waits = await firstOf(keys.waitingPrefix);
  return ((await firstOf(keys.unfinishedPrefix)) ?? waits)?.stage;
};

/** Rollouts, newest first, without dry runs. */
export const listRollouts = (page: { limit: number; cursor?: string | undefined }) =>
  queryListed<StoredRollout>(keys.listedRollouts, { ...page, newestFirst: true });

/** Commits in flight hold the gates that an action moves: it is tried for as long as an answer may take, so that a halt comes through. */
const moveTries = 60;

/**
 * Moves a rollout on because a person asks for it, with its gate and its audit. `move` judges it anew when somebody else was faster.
 * SUPERSEDED when something asked for beside it is refused.
 */
export const moveRollout = (
  rolloutId: string,
  asked: Asked & { dryRun: boolean },
  move: (present: StoredRollout) => Partial<StoredRollout>,
  remember: (after: StoredRollout, counts: RolloutCounts) => TransactItem[],
): Promise<{ rollout: StoredRollout; counts: RolloutCounts }> =>
  retrying(
    async () => {
      const present = await getRollout(rolloutId);
      const set = move(present);
      const rollout = { ...present, ...set };
      const counts = await readCounts(rolloutId);
      if (asked.dryRun) return { rollout, counts };
      const stage = await readStage(rolloutId);
      const own = [
        updateItem(present, set, isStill(present)),
        ...gateItems(rollout),
        workItem(rollout),
        rolloutAuditItem(rolloutId, asked, {
          before: auditOf(present),
          after: { ...auditOf(rollout), ...(stage === undefined ? {} : { stage }) },
          counts,
        }),
      ];
      return (await transactBeside(own, remember(rollout, counts))) ? { rollout, counts } : null;
    },
    { tries: moveTries, refusal: 'The rollout is written too often at once.' },
  );

/** For a transaction that holds only while a rollout is the one that was read. */
export const stillAt = (rollout: StoredRollout): TransactItem => {
  const { expression, values } = isStill(rollout);
  return {
    ConditionCheck: {
      TableName: tableName(),
      Key: { pk: keys.ofRollout(rollout.rolloutId), sk: keys.rollout },
      ConditionExpression: expression,
      ExpressionAttributeValues: values,
    },
  };
};

/** Notes that all targets are known, of a rollout that is the one that was read. */
export const plannedItem = (rollout: StoredRollout, at: Date): TransactItem =>
  updateItem(rollout, { plannedAt: at.toISOString() }, isStill(rollout));

/** How far the work on a rollout has come, and who does it. */
export interface RolloutWorkRecord {
  rolloutId: string;
  /** Who works on it, until when (milliseconds since 1970). Only for pace: who has no lease does no harm. */
  holder?: string;
  leasedUntil?: number;
  /** Steps of planning that are done; where the walk goes on; targets that take part so far. */
  planStep?: number;
  planCursor?: string;
  planNext?: number;
}

export const findWork = (rolloutId: string): Promise<RolloutWorkRecord | undefined> =>
  getItem<RolloutWorkRecord>(keys.ofRollout(rolloutId), keys.rolloutWork);

/** For the transaction of one step of planning: it is the next one. */
export const planStepItem = (
  rolloutId: string,
  step: number,
  after: { cursor: string | undefined; next: number },
): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.rolloutWork),
    UpdateExpression: `SET planStep = :after, planNext = :next${after.cursor === undefined ? ' REMOVE planCursor' : ', planCursor = :cursor'}`,
    ConditionExpression:
      step === 0 ? 'attribute_exists(pk) AND attribute_not_exists(planStep)' : 'planStep = :step',
    ExpressionAttributeValues: {
      ':after': step + 1,
      ':next': after.next,
      ...(after.cursor === undefined ? {} : { ':cursor': after.cursor }),
      ...(step === 0 ? {} : { ':step': step }),
    },
  },
});

const updateLease = async (
  rolloutId: string,
  update: { expression: string; condition: string; values: Record<string, unknown> },
): Promise<boolean> => {
  const command = new UpdateCommand({
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.rolloutWork),
    UpdateExpression: update.expression,
    ConditionExpression: update.condition,
    ExpressionAttributeValues: update.values,
  });
  return (await onCondition(dynamo.send(command))) !== null;
};

/** How long who works on a rollout may not be heard of before somebody else does, in milliseconds. */
export const leaseMs = 7000;

/** Takes or keeps the work on a rollout; false where somebody else has it, or there is nothing to do. */
export const takeLease = (rolloutId: string, holder: string, now: Date): Promise<boolean> =>
  updateLease(rolloutId, {
    expression: 'SET holder = :holder, leasedUntil = :until',
    condition:
      'attribute_exists(pk) AND (attribute_not_exists(leasedUntil) OR leasedUntil < :now OR holder = :holder)',
    values: { ':holder': holder, ':until': now.getTime() + leaseMs, ':now': now.getTime() },
  });

/** Gives the work back, for the next to take at once. */
export const leaveLease = (rolloutId: string, holder: string): Promise<boolean> =>
  updateLease(rolloutId, {
    expression: 'SET leasedUntil = :none',
    condition: 'holder = :holder',
    values: { ':holder': holder, ':none': 0 },
  });

/** There is nothing to do for a rollout any more, which ends in this state; false where it has changed meanwhile. */
export const finishRollout = async (
  rollout: StoredRollout,
  state: StoredRollout['state'],
  at: Date,
): Promise<boolean> => {
  const ends = state !== 'halted' && !rollout.dryRun && rollout.finishedAt === undefined;
  const reverted = state === 'reverted' ? { reason: `Reverted, as ${rollout.reversal?.by} asked.` } : {};
  const set =
    ends || state !== rollout.state
      ? { state, ...reverted, finishedAt: at.toISOString(), version: rollout.version + 1 }
      : { state };
  const outcome = await transact([
    updateItem(rollout, set, isStill(rollout)),
    ...gateItems({ ...rollout, ...set }),
    { Delete: { TableName: tableName(), Key: keyOf(rollout.rolloutId, keys.rolloutWork) } },
  ]);
  return outcome.kind === 'committed';
};

/** Rollouts on which there is something to do, as the index has them. */
export const listOpenRollouts = (page: { limit: number; cursor?: string | undefined }) =>
  queryListed<RolloutWorkRecord>(keys.listedOpenRollouts, page);

/** Has the worker of a rollout woken, by a change of it that means nothing else. Nothing where it is gone. */
export const wakeRollout = async (rolloutId: string, now: Date): Promise<void> => {
  const command = new UpdateCommand({
    TableName: tableName(),
    Key: keyOf(rolloutId, keys.rollout),
    UpdateExpression: 'SET wokenAt = :now',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':now': now.toISOString() },
  });
  await onCondition(dynamo.send(command));
};
