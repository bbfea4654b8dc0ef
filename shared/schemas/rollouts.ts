import * as z from 'zod/mini';
import { acknowledgements, coded, pageOf, revision, scannerId, time } from './common.ts';

/** Parts of a configuration that a rollout may copy (DESIGN 5). Bindings belong to one host and are never copied. */
export const rolloutSections = [
  'mailFiltering',
  'inbound',
  'outbound',
  'authentication',
  'lists.inbound',
  'lists.outbound',
  'lists.authentication',
  'lists.local-delivery',
  'lists.relay',
  'advanced',
] as const;
export type RolloutSection = (typeof rolloutSections)[number];

/** What is copied unless the request says: everything that the tab shows. */
export const defaultSections: readonly RolloutSection[] = rolloutSections.filter(
  (section) => section !== 'advanced',
);

export const rolloutStates = ['planned', 'running', 'halted', 'completed', 'cancelled', 'reverted'] as const;
export type RolloutState = (typeof rolloutStates)[number];

/**
 * Why a rollout was halted: by a person, by as many failed targets as it may have, or because all targets of its canary have ended and none
 * of them has applied (ADR 0016).
 */
export const haltReasons = ['Requested', 'TargetsFailed', 'CanaryNotApplied'] as const;
export type HaltReason = (typeof haltReasons)[number];

/** What becomes of a target; each has exactly one of them at any moment. */
export const rolloutOutcomes = [
  'pending',
  'committed',
  'applied',
  'failed',
  'invalid',
  'skipped',
  'overtaken',
  'reverted',
] as const;
export type RolloutOutcome = (typeof rolloutOutcomes)[number];

export const rolloutId = z.string().check(
  z.regex(/^rollout-[0-9a-f]{12}-[0-9a-f]{16}$/, { error: coded('VALUE_INVALID', 'not an id of a rollout') }),
  z.meta({
    description: 'Id of a rollout; of two, the newer one is greater.',
    example: 'rollout-019ab3c4d5e6-5e0c3a527d0b4c7e',
  }),
);

/** Most Scanners that a request may name one by one; more are chosen by label, or all of them. */
export const mostNamedTargets = 1000;

const labelsWanted = z
  .record(z.string().check(z.minLength(1), z.maxLength(63)), z.string().check(z.maxLength(255)))
  .check(
    z.refine((labels) => Object.keys(labels).length > 0 && Object.keys(labels).length <= 50, {
      error: coded('VALUE_INVALID', 'one to 50 labels'),
    }),
  );

/** Which Scanners: every one but the source, some by id, or those that have all of these labels. */
export const rolloutTargets = z
  .union(
    [
      z.literal('all'),
      z.strictObject({
        scannerIds: z.array(scannerId).check(z.minLength(1), z.maxLength(mostNamedTargets)),
      }),
      z.strictObject({ labels: labelsWanted }),
    ],
    {
      error: coded(
        'VALUE_INVALID',
        `"all", { "scannerIds": […] } with 1 to ${mostNamedTargets} ids, or { "labels": { … } } with one or more`,
      ),
    },
  )
  .check(
    z.meta({
      description:
        'Every Scanner but the source, Scanners by id, or Scanners that have all of these labels with these values.',
    }),
  );
export type RolloutTargets = z.infer<typeof rolloutTargets>;

const whole = (least: number, most: number, standard: number, description: string) =>
  z
    ._default(z.int().check(z.minimum(least), z.maximum(most)), standard)
    .check(z.meta({ description: `${description} Default ${standard}.` }));

/** Longest time that a target may be given to apply, in minutes: a day. */
const mostTimeoutMinutes = 1440;

export const newRollout = z.strictObject({
  source: scannerId.check(
    z.meta({ description: 'The Scanner whose configuration is copied, as it is now.' }),
  ),
  sections: z
    .optional(z.array(z.enum(rolloutSections)).check(z.minLength(1), z.maxLength(rolloutSections.length)))
    .check(z.meta({ description: 'What is copied; all but `advanced` unless told.' })),
  targets: rolloutTargets,
  maxConcurrent: whole(
    1,
    1000,
    50,
    'How many targets may have the new configuration and not have applied it yet.',
  ),
  abortAfterFailures: whole(
    1,
    100_000,
    1,
    'After so many failed targets since it began or was resumed the rollout halts.',
  ),
  canary: whole(
    0,
    10_000,
    0,
    'How many targets go first; the others wait until all of them are finished. Where none of them has applied then, whatever became of them, the rollout halts with the reason `CanaryNotApplied`. With 0 nothing goes first.',
  ),
  waves: whole(1, 20, 1, 'In how many about equal waves the others go, one after the other.'),
  timeoutMinutes: whole(
    1,
    mostTimeoutMinutes,
    60,
    'How long a target may take to say that it runs its new revision before it counts as failed.',
  ),
  dryRun: z
    ._default(z.boolean(), false)
    .check(z.meta({ description: 'As the parameter `dryRun`: answers the plan and changes no Scanner.' })),
});
export type NewRollout = z.infer<typeof newRollout>;

const count = z.int().check(z.minimum(0));

/** Exclusive, and together as many as there are targets. */
export const rolloutCounts = z.object({
  targets: count,
  pending: count,
  committed: count,
  applied: count,
  failed: count,
  invalid: count,
  skipped: count,
  overtaken: count,
  reverted: count,
});
export type RolloutCounts = z.infer<typeof rolloutCounts>;

const members = {
  rolloutId,
  state: z.enum(rolloutStates),
  dryRun: z.boolean().check(
    z.meta({
      description: 'True of a rollout that is a dry run, and in the answer to one of an action on it.',
    }),
  ),
  source: scannerId,
  sourceRevision: revision.check(z.meta({ description: 'The revision of the source that is copied.' })),
  sections: z.array(z.enum(rolloutSections)),
  appliesTo: rolloutTargets,
  maxConcurrent: count,
  abortAfterFailures: count,
  canary: count,
  waves: count,
  timeoutMinutes: count,
  acknowledge: z.array(z.enum(acknowledgements)),
  counts: rolloutCounts,
  reason: z.optional(z.string()).check(z.meta({ description: 'Why it is in this state, in words.' })),
  haltReason: z.optional(z.enum(haltReasons)).check(
    z.meta({
      description:
        'Only of one that is halted: why. `Requested` by a person, to halt or to revert; `TargetsFailed`: `abortAfterFailures` was reached; `CanaryNotApplied`: all targets of the canary have ended and none of them has applied.',
    }),
  ),
  reverting: z
    .optional(z.boolean())
    .check(z.meta({ description: 'True from when it is asked to be reverted until it is.' })),
  createdAt: time,
  createdBy: z.string(),
  plannedAt: z
    .optional(time)
    .check(z.meta({ description: 'Since when all targets are known; absent while they are looked for.' })),
  finishedAt: z.optional(time),
};

export const rollout = z.object(members).check(z.meta({ id: 'Rollout' }));
export type Rollout = z.infer<typeof rollout>;

const problem = z.object({
  pointer: z.string(),
  code: z.string(),
  message: z.string(),
  suggestion: z.optional(z.string()),
});

export const rolloutTarget = z
  .object({
    scannerId,
    stage: count.check(z.meta({ description: '0: the canary; from 1: the waves.' })),
    outcome: z.enum(rolloutOutcomes),
    reason: z.optional(z.string()),
    fromRevision: z.nullable(revision),
    toRevision: z
      .nullable(revision)
      .check(
        z.meta({ description: 'The revision that was made; equal to fromRevision where nothing changed.' }),
      ),
    revertRevision: z
      .optional(revision)
      .check(z.meta({ description: 'The revision by which the rollout was taken back.' })),
    changes: z.optional(z.string()).check(z.meta({ description: 'What changes, or changed, in a line.' })),
    pointer: z
      .optional(z.string())
      .check(z.meta({ description: 'Where the Scanner says that its new configuration is wrong.' })),
    errors: z
      .optional(z.array(problem))
      .check(z.meta({ description: 'What is wrong with the configuration that it would get.' })),
    committedAt: z.optional(time),
    finishedAt: z.optional(time),
  })
  .check(z.meta({ id: 'RolloutTarget' }));
export type RolloutTarget = z.infer<typeof rolloutTarget>;

/** The answer to a dry run: the rollout as it would be, and the first page of its targets. */
export const rolloutPlan = z
  .object({ ...members, targets: pageOf(rolloutTarget) })
  .check(z.meta({ id: 'RolloutPlan' }));
export type RolloutPlan = z.infer<typeof rolloutPlan>;
