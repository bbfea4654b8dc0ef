import { AppError } from '../errors.ts';
import type { ReportStatus } from '../messages/shadow.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import {
  defaultSections,
  type HaltReason,
  type NewRollout,
  type Rollout,
  type RolloutCounts,
  type RolloutOutcome,
  type RolloutSection,
  type RolloutState,
  type RolloutTarget,
  type RolloutTargets,
  rolloutOutcomes,
  rolloutSections,
} from '../schemas/rollouts.ts';
import type { Configuration, Head } from './configuration.ts';
import { hasLabels } from './standing.ts';

/** What is copied of the source: its configuration at the revision that the rollout is fixed to. */
export type Copied = Pick<Configuration, 'smtp' | 'advanced' | 'lists'>;

/** Who asked to take a rollout back, and what they acknowledged. */
export interface Reversal {
  at: string;
  by: string;
  requestId: string;
  acknowledge: Acknowledgement[];
}

/** A rollout as it is stored. Its counts are items of their own. */
export interface StoredRollout {
  rolloutId: string;
  state: RolloutState;
  dryRun: boolean;
  /** Counts the changes of its state, from 1. */
  version: number;
  source: string;
  sourceRevision: number;
  copied: Copied;
  sections: RolloutSection[];
  appliesTo: RolloutTargets;
  maxConcurrent: number;
  abortAfterFailures: number;
  canary: number;
  waves: number;
  timeoutMinutes: number;
  acknowledge: Acknowledgement[];
  /** Failed targets since it began or was resumed. */
  failures: number;
  reason?: string;
  /** Why it was halted last; shown while it is. */
  haltReason?: HaltReason;
  /** That a person has seen that no target of the canary applied, and has let it go on. */
  canaryWaived?: boolean;
  createdAt: string;
  createdBy: string;
  requestId: string;
  plannedAt?: string;
  finishedAt?: string;
  reversal?: Reversal;
}

/** A target as it is stored. */
export interface StoredTarget extends RolloutTarget {
  rolloutId: string;
  /** While it is committed: the place that it takes among those that are unfinished at once. */
  slot?: number;
  /** That it was tried to be taken back and could not be: it is not tried again. */
  kept?: true;
  /** The registration that it was planned for. */
  epoch?: string;
}

/** A target that waits for its turn. */
export interface Waiting {
  scannerId: string;
  stage: number;
  /** The registration that it was planned for; a later one under the same id has no part in the rollout. */
  epoch?: string;
}

/** A target that was committed and has not finished. */
export interface Unfinished extends Waiting {
  slot: number;
  toRevision: number;
  committedAt: string;
}

export const noCounts: Omit<RolloutCounts, 'targets'> = {
  pending: 0,
  committed: 0,
  applied: 0,
  failed: 0,
  invalid: 0,
  skipped: 0,
  overtaken: 0,
  reverted: 0,
};

/** The counts of a rollout from parts of them; `targets` is their sum, so they cannot disagree. */
export const sumCounts = (
  parts: readonly { readonly [outcome in RolloutOutcome]?: number | undefined }[],
): RolloutCounts => {
  const counts = { ...noCounts };
  for (const part of parts) for (const outcome of rolloutOutcomes) counts[outcome] += part[outcome] ?? 0;
  return { targets: Object.values(counts).reduce((sum, count) => sum + count, 0), ...counts };
};

/** What is to be added to counts for them to say what the targets have come to; empty where they do. */
export const correctionOf = (
  counts: RolloutCounts,
  targets: readonly Pick<StoredTarget, 'outcome'>[],
): { [outcome in RolloutOutcome]?: number } => {
  const told = sumCounts(targets.map(({ outcome }) => ({ [outcome]: 1 })));
  const lacks = rolloutOutcomes.map((outcome) => [outcome, told[outcome] - counts[outcome]] as const);
  return Object.fromEntries(lacks.filter(([, count]) => count !== 0));
};

/** The rollout that a request asks for, of the source as it is at `head`. */
export const newRolloutOf = (
  request: NewRollout,
  head: Head,
  asked: {
    rolloutId: string;
    at: string;
    by: string;
    requestId: string;
    dryRun: boolean;
    acknowledge: Acknowledgement[];
  },
): StoredRollout => {
  const { smtp, advanced, lists } = head.configuration;
  const { source, targets, sections, dryRun: _, ...limits } = request;
  const wanted = new Set(sections ?? defaultSections);
  return {
    ...limits,
    rolloutId: asked.rolloutId,
    state: asked.dryRun ? 'planned' : 'running',
    dryRun: asked.dryRun,
    version: 1,
    source,
    sourceRevision: head.revision,
    copied: { smtp, advanced, lists },
    sections: rolloutSections.filter((section) => wanted.has(section)),
    appliesTo:
      targets !== 'all' && 'scannerIds' in targets
        ? { scannerIds: [...new Set(targets.scannerIds)].sort() }
        : targets,
    acknowledge: asked.acknowledge,
    failures: 0,
    createdAt: asked.at,
    createdBy: asked.by,
    requestId: asked.requestId,
  };
};

/** Why a rollout has no target at all: Scanners that are named one by one always are targets. */
const whyNone = ({ appliesTo }: StoredRollout): string => {
  const labels = appliesTo !== 'all' && 'labels' in appliesTo ? Object.entries(appliesTo.labels) : [];
  const asked = labels.map(([name, value]) => `${name}=${value}`).join(', ');
  return `There is no target: no Scanner ${asked ? `has ${asked}` : 'is registered but the source'}.`;
};

/** What anyone may see of a rollout. */
export const rolloutDocument = (stored: StoredRollout, counts: RolloutCounts): Rollout => {
  const {
    copied: _,
    version: __,
    failures: ___,
    requestId: ____,
    canaryWaived: _____,
    haltReason,
    reversal,
    ...shown
  } = stored;
  const reverting = reversal !== undefined && stored.state !== 'reverted';
  const halted = stored.state === 'halted' && haltReason !== undefined;
  const isEmpty = stored.plannedAt !== undefined && counts.targets === 0;
  return {
    ...(isEmpty ? { reason: whyNone(stored) } : {}),
    ...shown,
    ...(halted ? { haltReason } : {}),
    ...(reverting ? { reverting } : {}),
    counts,
  };
};

/** What anyone may see of a target. */
export const targetDocument = (stored: StoredTarget): RolloutTarget => {
  const { rolloutId: _, slot: __, kept: ___, epoch: ____, ...shown } = stored;
  return shown;
};

const dayMs = 86_400_000;

/** Days after its creation in which a rollout may commit: fewer than those for which the lists of its source are kept at least (ADR 0016). */
export const commitDays = 6;

/** From the decision to commit to the commit: longer than any function runs. */
const commitMs = 900_000;

/** True while the lists of a rollout's source are sure to be stored whenever a commit that is decided on now takes place. */
export const mayCommit = ({ createdAt }: Pick<StoredRollout, 'createdAt'>, now: Date): boolean =>
  now.getTime() + commitMs <= Date.parse(createdAt) + commitDays * dayMs;

/**
 * Which stage a target is in that is the `index`-th to take part, from 0: the first `canary` are stage 0, the others are dealt out to the
 * waves in turn, so that these are about equal however many follow.
 */
export const stageOf = (index: number, { canary, waves }: Pick<StoredRollout, 'canary' | 'waves'>): number =>
  index < canary ? 0 : 1 + ((index - canary) % waves);

/** What decides whether a Scanner takes part. */
export interface Candidate {
  scannerId: string;
  enabled: boolean;
  connected: boolean;
  decommissionedAt?: string | undefined;
  /** Tells its registration from others of the same id; undefined where that is not known. */
  epoch?: string | undefined;
}

/**
 * Why a Scanner takes no part, in words; null for one that does. `undefined`: there is no such Scanner. With `epoch`, it must be the
 * registration that was planned for.
 */
export const skipReason = (
  candidate: Candidate | undefined,
  { source }: Pick<StoredRollout, 'source'>,
  epoch?: string,
): string | null => {
  if (!candidate) return 'There is no Scanner with this id.';
  if (candidate.scannerId === source) return 'It is the source.';
  if (candidate.decommissionedAt !== undefined) return 'The Scanner is decommissioned.';
  if (epoch !== undefined && candidate.epoch !== epoch)
    return 'The Scanner was registered again after the rollout was planned.';
  if (!candidate.enabled) return 'The Scanner is disabled.';
  return candidate.connected ? null : 'The Scanner is not connected.';
};

/** True when a Scanner of the fleet is a target, whether it takes part or not; `all` does not include the source. */
export const isTarget = (
  { scannerId, labels }: { scannerId: string; labels: Record<string, string> },
  { appliesTo, source }: Pick<StoredRollout, 'appliesTo' | 'source'>,
): boolean => {
  if (appliesTo === 'all') return scannerId !== source;
  return 'labels' in appliesTo
    ? hasLabels(labels, Object.entries(appliesTo.labels))
    : appliesTo.scannerIds.includes(scannerId);
};

/** Where a committed target ends, and why. */
export interface Ending {
  outcome: 'applied' | 'failed' | 'overtaken';
  reason?: string;
  pointer?: string;
}

/** What is known of a committed target. */
export interface TargetFacts {
  /** What the Scanner last said of the target's revision. */
  reported: Pick<ReportStatus, 'code' | 'message' | 'pointer'> | null;
  /** The Scanner's present revision; null where there is no such Scanner any more. */
  headRevision: number | null;
  decommissioned: boolean;
}

const said: Record<'rejected' | 'failed', string> = {
  rejected: 'The Scanner says that this revision can never work.',
  failed: 'The Scanner could not apply this revision.',
};

/** What a committed target comes to; null while that is open. What the Scanner says comes before anything else. */
export const endingOf = (
  { toRevision, committedAt }: Pick<Unfinished, 'toRevision' | 'committedAt'>,
  { reported, headRevision, decommissioned }: TargetFacts,
  { timeoutMinutes }: Pick<StoredRollout, 'timeoutMinutes'>,
  now: Date,
): Ending | null => {
  if (reported?.code === 'applied') return { outcome: 'applied' };
  if (reported?.code === 'rejected' || reported?.code === 'failed')
    return {
      outcome: 'failed',
      reason: reported.message ?? said[reported.code],
      ...(reported.pointer === undefined ? {} : { pointer: reported.pointer }),
    };
  if (headRevision === null || decommissioned)
    return { outcome: 'overtaken', reason: 'The Scanner was decommissioned before it applied the revision.' };
  if (headRevision !== toRevision)
    return {
      outcome: 'overtaken',
      reason: `Revision ${headRevision} was made before the Scanner applied revision ${toRevision}.`,
    };
  if (now.getTime() < Date.parse(committedAt) + timeoutMinutes * 60_000) return null;
  return {
    outcome: 'failed',
    reason: `The Scanner did not say within ${timeoutMinutes} minutes that it runs revision ${toRevision}.`,
  };
};

/** What one more failed target does to a rollout: it is counted, and one too many halts it in the same transaction. */
export const afterFailure = (
  rollout: StoredRollout,
): Pick<StoredRollout, 'failures'> & Partial<StoredRollout> => {
  const failures = rollout.failures + 1;
  if (rollout.state !== 'running' || failures < rollout.abortAfterFailures) return { failures };
  const reason = `Halted after ${failures} failed ${failures === 1 ? 'target' : 'targets'}.`;
  return { failures, state: 'halted', reason, haltReason: 'TargetsFailed', version: rollout.version + 1 };
};

/**
 * What a canary of which no target applied does to a rollout: the waves do not go. One that is halted already says so, too, so that whoever
 * lets it go on has seen it.
 */
export const afterCanary = ({ version, state, reason }: StoredRollout): Partial<StoredRollout> => ({
  state: 'halted',
  reason: `${state === 'halted' && reason !== undefined ? `${reason} ` : ''}No target of the canary has applied; resume lets the waves go.`,
  haltReason: 'CanaryNotApplied',
  version: version + 1,
});

export const rolloutActions = ['halt', 'resume', 'cancel', 'revert'] as const;
export type RolloutAction = (typeof rolloutActions)[number];

const from: Record<RolloutAction, readonly RolloutState[]> = {
  halt: ['running'],
  resume: ['halted'],
  cancel: ['running', 'halted'],
  revert: ['running', 'halted', 'completed', 'cancelled'],
};

type Moved = Partial<StoredRollout> & { version: number };

const moves: Record<RolloutAction, (rollout: StoredRollout, by: Reversal) => Partial<StoredRollout>> = {
  halt: (_, { by }) => ({ state: 'halted', reason: `Halted by ${by}.`, haltReason: 'Requested' }),
  resume: ({ haltReason }, { by }) => ({
    state: 'running',
    reason: `Resumed by ${by}.`,
    failures: 0,
    ...(haltReason === 'CanaryNotApplied' ? { canaryWaived: true } : {}),
  }),
  cancel: (_, { by }) => ({ state: 'cancelled', reason: `Cancelled by ${by}.` }),
  revert: ({ state }, reversal) => ({
    reversal,
    state: state === 'running' ? 'halted' : state,
    ...(state === 'running' ? { haltReason: 'Requested' } : {}),
    reason: `To be reverted, asked by ${reversal.by}.`,
  }),
};

/** What an action changes of a rollout. ROLLOUT_STATE where it cannot be done; ROLLOUT_EXPIRED for one too old to go on. */
export const movedBy = (action: RolloutAction, rollout: StoredRollout, asked: Reversal, now: Date): Moved => {
  const { state, reversal, dryRun } = rollout;
  if (reversal && state !== 'reverted') throw new AppError('ROLLOUT_STATE', 'The rollout is being reverted.');
  if (dryRun || !from[action].includes(state))
    throw new AppError(
      'ROLLOUT_STATE',
      `The rollout is ${state}; only one that is ${from[action].join(' or ')} can do this.`,
    );
  if (action === 'resume' && !mayCommit(rollout, now))
    throw new AppError(
      'ROLLOUT_EXPIRED',
      `The rollout was created at ${rollout.createdAt}; after ${commitDays} days it commits nothing more.`,
    );
  return { ...moves[action](rollout, asked), version: rollout.version + 1 };
};

/** How far the work on a rollout has come. */
export interface RolloutView {
  rollout: StoredRollout;
  /** All targets are known. */
  planned: boolean;
  /** Targets that wait, the first of them in the order in which they go. Read before `unfinished`. */
  waiting: readonly Waiting[];
  unfinished: readonly Unfinished[];
  /** A target of the canary has applied. Asked for only where `asksForCanary`, after `unfinished` was read. */
  canaryApplied: boolean;
  /** Everything that can be taken back has been. */
  reverted: boolean;
}

/** What is to be done next for a rollout. */
export type RolloutWork =
  | { do: 'plan' }
  | { do: 'skip'; reason: string }
  | { do: 'commit'; waiting: Waiting[] }
  | { do: 'halt' }
  | { do: 'revert' }
  | { do: 'wait' }
  | { do: 'finish'; state: RolloutState };

const whySkipped = ({ state, reversal, createdAt }: StoredRollout): string => {
  if (reversal) return 'The rollout was reverted before its turn came.';
  if (state === 'cancelled') return 'The rollout was cancelled before its turn came.';
  return `The rollout was created at ${createdAt}; after ${commitDays} days it commits nothing more.`;
};

const goesOn = ({ rollout: { state, reversal } }: RolloutView): boolean =>
  !reversal && (state === 'running' || state === 'halted' || state === 'planned');

/**
 * True when the canary has ended and it matters whether one of it applied: waves wait for it, and nobody has waived it. Until a wave goes all
 * targets that have applied are of the canary, and no wave goes before one has; so the counts of the whole rollout tell.
 */
export const asksForCanary = ({
  rollout: { canary, canaryWaived, state, haltReason, reversal },
  planned,
  waiting,
  unfinished,
}: Pick<RolloutView, 'rollout' | 'planned' | 'waiting' | 'unfinished'>): boolean => {
  const open = state === 'running' || (state === 'halted' && haltReason !== 'CanaryNotApplied');
  if (!planned || reversal || !open || canary === 0 || canaryWaived) return false;
  return (waiting[0]?.stage ?? 0) > 0 && unfinished.every(({ stage }) => stage > 0);
};

/** Targets that may be committed now: of one stage, all before which are finished, and no more than there is room for. */
const nextToCommit = ({ rollout, waiting, unfinished }: RolloutView): Waiting[] => {
  const stage = waiting[0]?.stage ?? 0;
  if (unfinished.some((one) => one.stage < stage)) return [];
  const room = Math.max(0, rollout.maxConcurrent - unfinished.length);
  return waiting.filter((one) => one.stage === stage).slice(0, room);
};

/**
 * What comes next, whoever asks and however often. Two that work at once cannot harm each other: all is planned before anything is
 * committed, from then on a stage that is finished stays so, and the number of unfinished targets is held by their places.
 */
export const nextWork = (view: RolloutView, now: Date): RolloutWork => {
  const { rollout, planned, waiting, unfinished } = view;
  const { state, reversal } = rollout;
  const runs = state === 'running' && !reversal;
  if (!planned && goesOn(view)) return { do: 'plan' };
  const given = reversal !== undefined || state === 'cancelled' || (runs && !mayCommit(rollout, now));
  if (waiting.length > 0 && given) return { do: 'skip', reason: whySkipped(rollout) };
  if (reversal && !view.reverted) return { do: 'revert' };
  if (asksForCanary(view) && !view.canaryApplied) return { do: 'halt' };
  if (waiting.length > 0 && runs) {
    const next = nextToCommit(view);
    return next.length > 0 ? { do: 'commit', waiting: next } : { do: 'wait' };
  }
  if (unfinished.length > 0) return { do: 'wait' };
  if (reversal) return { do: 'finish', state: 'reverted' };
  return { do: 'finish', state: runs ? 'completed' : state };
};

/** True for a target that the rollout has brought something to, or may have, which has not been taken back yet. */
export const isRevertible = ({ outcome, toRevision, kept }: StoredTarget): boolean =>
  toRevision !== null && !kept && (outcome === 'committed' || outcome === 'applied' || outcome === 'failed');

/** What it means that another rollout was the last to touch a Scanner. */
export const overtakenBy = (rolloutId: string): string => `The newer rollout ${rolloutId} took this Scanner.`;
