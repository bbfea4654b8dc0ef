import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterCanary,
  afterFailure,
  asksForCanary,
  commitDays,
  correctionOf,
  endingOf,
  isRevertible,
  isTarget,
  mayCommit,
  movedBy,
  newRolloutOf,
  nextWork,
  type RolloutAction,
  type RolloutView,
  rolloutDocument,
  type StoredRollout,
  type StoredTarget,
  skipReason,
  stageOf,
  sumCounts,
  type TargetFacts,
} from '../../../shared/domain/rollout.ts';
import { hasCode } from '../../../shared/errors.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import {
  newRollout,
  type RolloutState,
  rolloutOutcomes,
  rolloutStates,
} from '../../../shared/schemas/rollouts.ts';

const created = new Date('2026-11-24T10:00:00.000Z');
const later = (ms: number) => new Date(created.getTime() + ms);
const dayMs = 86_400_000;
const head = {
  scannerId: 'mx1',
  revision: 17,
  configuration: { smtp: null, advanced: advancedSettings.parse({}), lists: {}, artifacts: {} },
} as never;

const rolloutOf = (request: object = {}, more: Partial<StoredRollout> = {}): StoredRollout => ({
  ...newRolloutOf(newRollout.parse({ source: 'mx1', targets: 'all', ...request }), head, {
    rolloutId: 'rollout-1',
    at: created.toISOString(),
    by: 'me',
    requestId: 'r',
    dryRun: false,
    acknowledge: [],
  }),
  ...more,
});

describe('a new rollout', () => {
  it('runs, is fixed to the revision of its source, and copies all but the advanced page unless told', () => {
    expect(rolloutOf()).toMatchObject({
      state: 'running',
      source: 'mx1',
      sourceRevision: 17,
      maxConcurrent: 50,
      abortAfterFailures: 1,
      canary: 0,
      waves: 1,
      timeoutMinutes: 60,
      failures: 0,
      version: 1,
    });
    expect(rolloutOf().sections).toHaveLength(9);
    expect(rolloutOf({ sections: ['advanced', 'inbound', 'inbound'] }).sections).toEqual([
      'inbound',
      'advanced',
    ]);
  });

  it('has each Scanner that is named once, in the order of their ids', () => {
    const { appliesTo } = rolloutOf({ targets: { scannerIds: ['b', 'a', 'b'] } });
    expect(appliesTo).toEqual({ scannerIds: ['a', 'b'] });
  });
});

describe('a rollout without a target says so, and why', () => {
  const reasonOf = (targets: unknown, more: Partial<StoredRollout>, count = 0) =>
    rolloutDocument(rolloutOf({ targets }, more), sumCounts([{ skipped: count }])).reason;
  const planned = { plannedAt: created.toISOString() };
  const labels = { site: 'lyon', tier: 'edge' };

  it('once it is planned', () => {
    expect(reasonOf({ labels }, planned)).toBe('There is no target: no Scanner has site=lyon, tier=edge.');
    expect(reasonOf('all', planned)).toBe('There is no target: no Scanner is registered but the source.');
  });

  it('and not before, nor where there is one, nor instead of what a person did', () => {
    expect(reasonOf({ labels }, {})).toBeUndefined();
    expect(reasonOf({ labels }, planned, 1)).toBeUndefined();
    expect(reasonOf({ labels }, { ...planned, reason: 'Cancelled by me.' })).toBe('Cancelled by me.');
  });
});

describe('the counts of a rollout', () => {
  it('are sums of parts, and together as many as there are targets', () => {
    const part = fc.record(
      Object.fromEntries(rolloutOutcomes.map((name) => [name, fc.integer({ min: 0, max: 9 })])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const { targets, ...counts } = sumCounts(parts);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(targets);
      }),
    );
    expect(sumCounts([{ pending: 3 }, { pending: -1, committed: 1 }])).toMatchObject({
      targets: 3,
      pending: 2,
    });
  });

  it('are brought by their correction to what the targets have come to', () => {
    const targets = (['applied', 'applied', 'pending'] as const).map((outcome) => ({ outcome }));
    const counts = sumCounts([{ pending: 3, applied: 1, failed: 1 }]);
    const correction = correctionOf(counts, targets);
    expect(correction).toEqual({ pending: -2, applied: 1, failed: -1 });
    expect(correctionOf(sumCounts([counts, correction]), targets)).toEqual({});
  });
});

describe('the stages', () => {
  it('are the canary, then waves that differ by one target at most', () => {
    const sizes = fc.record({
      targets: fc.integer({ min: 0, max: 500 }),
      canary: fc.integer({ min: 0, max: 20 }),
      waves: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(sizes, ({ targets, ...limits }) => {
        const of = Array.from({ length: targets }, (_, index) => stageOf(index, limits));
        expect(of.filter((stage) => stage === 0)).toHaveLength(Math.min(targets, limits.canary));
        const waves = Array.from(
          { length: limits.waves },
          (_, wave) => of.filter((stage) => stage === wave + 1).length,
        );
        expect(Math.max(...waves) - Math.min(...waves)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a target', () => {
  const scanner = {
    scannerId: 'mx2',
    enabled: true,
    connected: true,
    labels: { site: 'lyon', tier: 'edge' },
  };

  it.each([
    ['takes part', scanner, null],
    ['that is not there does not', undefined, 'There is no Scanner with this id.'],
    ['that is the source does not', { ...scanner, scannerId: 'mx1' }, 'It is the source.'],
    ['that is disabled does not', { ...scanner, enabled: false }, 'The Scanner is disabled.'],
    ['that is not connected does not', { ...scanner, connected: false }, 'The Scanner is not connected.'],
    [
      'that is decommissioned does not',
      { ...scanner, decommissionedAt: 'x' },
      'The Scanner is decommissioned.',
    ],
  ])('%s', (_, candidate, reason) => {
    expect(skipReason(candidate, { source: 'mx1' })).toBe(reason);
  });

  it.each([
    [{ site: 'lyon' }, true],
    [{ site: 'lyon', tier: 'edge' }, true],
    [{ site: 'paris' }, false],
    [{ site: 'lyon', rack: '1' }, false],
    [{ constructor: 'x' }, false],
  ])('has the labels %j: %s', (wanted, has) => {
    expect(isTarget(scanner, rolloutOf({ targets: { labels: wanted } }))).toBe(has);
  });

  it('is every Scanner but the source where all are meant', () => {
    expect(isTarget(scanner, rolloutOf())).toBe(true);
    expect(isTarget({ ...scanner, scannerId: 'mx1' }, rolloutOf())).toBe(false);
  });

  it.each(rolloutOutcomes)('with the outcome %s is taken back if it may have got something', (outcome) => {
    const target: StoredTarget = {
      rolloutId: 'r',
      scannerId: 'a',
      stage: 1,
      outcome,
      fromRevision: 1,
      toRevision: 2,
    };
    const taken = ['committed', 'applied', 'failed'].includes(outcome);
    expect(isRevertible(target)).toBe(taken);
    expect(isRevertible({ ...target, toRevision: null })).toBe(false);
    expect(isRevertible({ ...target, kept: true })).toBe(false);
  });
});

describe('a committed target', () => {
  const target = { toRevision: 5, committedAt: created.toISOString() };
  const facts: TargetFacts = { reported: null, headRevision: 5, decommissioned: false };
  const end = (more: Partial<TargetFacts>, ms = 1000) =>
    endingOf(target, { ...facts, ...more }, { timeoutMinutes: 60 }, later(ms));

  it.each<[string, Partial<TargetFacts>, string | undefined]>([
    ['of which nothing is said is open', {}, undefined],
    ['that is being applied is open', { reported: { code: 'applying' } }, undefined],
    ['that runs is applied', { reported: { code: 'applied' } }, 'applied'],
    [
      'that runs is applied though the head moved on',
      { reported: { code: 'applied' }, headRevision: 6 },
      'applied',
    ],
    ['that can never work failed', { reported: { code: 'rejected' } }, 'failed'],
    ['that could not be applied failed', { reported: { code: 'failed' } }, 'failed'],
    ['whose head moved on before is overtaken', { headRevision: 6 }, 'overtaken'],
    ['whose Scanner is gone is overtaken', { headRevision: null }, 'overtaken'],
    ['whose Scanner is decommissioned is overtaken', { decommissioned: true }, 'overtaken'],
  ])('%s', (_, more, outcome) => {
    expect(end(more)?.outcome).toBe(outcome);
  });

  it('says what the Scanner says', () => {
    expect(end({ reported: { code: 'rejected', message: 'no', pointer: '/inbound' } })).toEqual({
      outcome: 'failed',
      reason: 'no',
      pointer: '/inbound',
    });
  });

  it('fails when its time is up, and not a moment before', () => {
    expect(end({}, 3_599_999)).toBeNull();
    expect(end({}, 3_600_000)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('60 minutes'),
    });
  });
});

describe('failed targets', () => {
  it('halt a rollout that runs when there are as many as it may have', () => {
    const rollout = rolloutOf({ abortAfterFailures: 2 });
    expect(afterFailure(rollout)).toEqual({ failures: 1 });
    expect(afterFailure({ ...rollout, failures: 1 })).toMatchObject({
      failures: 2,
      state: 'halted',
      haltReason: 'TargetsFailed',
      version: 2,
    });
    expect(afterFailure({ ...rollout, failures: 1, state: 'cancelled' })).toEqual({ failures: 2 });
  });
});

describe('what is asked of a rollout', () => {
  const by = { at: created.toISOString(), by: 'you', requestId: 'r2', acknowledge: [] };
  const move = (action: RolloutAction, more: Partial<StoredRollout>, now = later(1000)) => {
    try {
      return movedBy(action, rolloutOf({}, more), by, now).state;
    } catch (error) {
      if (hasCode(error, 'ROLLOUT_STATE') || hasCode(error, 'ROLLOUT_EXPIRED')) return error.code;
      throw error;
    }
  };
  const no = 'ROLLOUT_STATE';

  it.each<[RolloutAction, Record<RolloutState, string>]>([
    ['halt', { planned: no, running: 'halted', halted: no, completed: no, cancelled: no, reverted: no }],
    ['resume', { planned: no, running: no, halted: 'running', completed: no, cancelled: no, reverted: no }],
    [
      'cancel',
      { planned: no, running: 'cancelled', halted: 'cancelled', completed: no, cancelled: no, reverted: no },
    ],
    [
      'revert',
      {
        planned: no,
        running: 'halted',
        halted: 'halted',
        completed: 'completed',
        cancelled: 'cancelled',
        reverted: no,
      },
    ],
  ])('%s', (action, states) => {
    for (const state of rolloutStates)
      expect(move(action, { state, dryRun: state === 'planned' })).toBe(states[state]);
  });

  it('is refused while it is being reverted', () => {
    for (const action of ['halt', 'resume', 'cancel', 'revert'] as const)
      expect(move(action, { state: 'halted', reversal: by })).toBe(no);
  });

  it('counts failures anew when it goes on, and not when it is too old to', () => {
    expect(movedBy('resume', rolloutOf({}, { state: 'halted', failures: 3 }), by, created)).toMatchObject({
      failures: 0,
      version: 2,
    });
    expect(move('resume', { state: 'halted' }, later(commitDays * dayMs))).toBe('ROLLOUT_EXPIRED');
  });
});

describe('a commit', () => {
  it('is decided on a quarter of an hour before six days are over at the latest', () => {
    expect(mayCommit(rolloutOf(), later(commitDays * dayMs - 900_000))).toBe(true);
    expect(mayCommit(rolloutOf(), later(commitDays * dayMs - 899_999))).toBe(false);
  });
});

describe('what comes next', () => {
  const unfinished = (slot: number, stage = 1) => ({
    scannerId: `u${slot}`,
    stage,
    slot,
    toRevision: 2,
    committedAt: created.toISOString(),
  });
  const waiting = (count: number, stage = 1) =>
    Array.from({ length: count }, (_, index) => ({ scannerId: `w${stage}${index}`, stage }));
  const reversal = { at: '', by: 'me', requestId: 'r', acknowledge: [] };
  const next = (of: Partial<StoredRollout>, more: Partial<RolloutView> = {}, now = later(1000)) =>
    nextWork(
      {
        rollout: rolloutOf({}, of),
        planned: true,
        waiting: [],
        unfinished: [],
        canaryApplied: true,
        reverted: false,
        ...more,
      },
      now,
    );

  it.each<[string, ReturnType<typeof next>, object]>([
    ['all targets are found first', next({}, { planned: false, waiting: waiting(1) }), { do: 'plan' }],
    ['also while it is halted', next({ state: 'halted' }, { planned: false }), { do: 'plan' }],
    ['not when it is cancelled', next({ state: 'cancelled' }, { planned: false }), { do: 'finish' }],
    [
      'those that wait are committed',
      next({}, { waiting: waiting(2) }),
      { do: 'commit', waiting: waiting(2) },
    ],
    [
      'of one stage',
      next({}, { waiting: [...waiting(1), ...waiting(2, 2)] }),
      { do: 'commit', waiting: waiting(1) },
    ],
    [
      'when the stage before is finished',
      next({}, { waiting: waiting(2, 2), unfinished: [unfinished(0, 1)] }),
      { do: 'wait' },
    ],
    [
      'as far as there is room',
      next({ maxConcurrent: 3 }, { waiting: waiting(5), unfinished: [unfinished(0), unfinished(2)] }),
      { do: 'commit', waiting: waiting(1) },
    ],
    [
      'and not when there is none',
      next({ maxConcurrent: 1 }, { waiting: waiting(5), unfinished: [unfinished(0)] }),
      { do: 'wait' },
    ],
    [
      'halted, it commits nothing',
      next({ state: 'halted' }, { waiting: waiting(1) }),
      { do: 'finish', state: 'halted' },
    ],
    [
      'halted, it still settles',
      next({ state: 'halted' }, { waiting: waiting(1), unfinished: [unfinished(0)] }),
      { do: 'wait' },
    ],
    [
      'cancelled, those that wait are skipped',
      next({ state: 'cancelled' }, { waiting: waiting(1) }),
      { do: 'skip' },
    ],
    ['too old, they are, too', next({}, { waiting: waiting(1) }, later(6 * dayMs)), { do: 'skip' }],
    ['reverted, they are, too', next({ reversal, state: 'halted' }, { waiting: waiting(1) }), { do: 'skip' }],
    ['then the others are taken back', next({ reversal, state: 'completed' }), { do: 'revert' }],
    [
      'until they are',
      next({ reversal, state: 'completed' }, { reverted: true }),
      { do: 'finish', state: 'reverted' },
    ],
    [
      'after a canary of which none applied the waves do not go',
      next({ canary: 1 }, { waiting: waiting(2), canaryApplied: false }),
      { do: 'halt' },
    ],
    [
      'nor where it was halted for something else by then',
      next(
        { canary: 1, state: 'halted', haltReason: 'Requested' },
        { waiting: waiting(2), canaryApplied: false },
      ),
      { do: 'halt' },
    ],
    [
      'which is said once',
      next(
        { canary: 1, state: 'halted', haltReason: 'CanaryNotApplied' },
        { waiting: waiting(2), canaryApplied: false },
      ),
      { do: 'finish', state: 'halted' },
    ],
    [
      'and is waived by whoever lets it go on',
      next({ canary: 1, canaryWaived: true }, { waiting: waiting(2), canaryApplied: false }),
      { do: 'commit', waiting: waiting(2) },
    ],
    [
      'nothing halts without a canary',
      next({}, { waiting: waiting(2), canaryApplied: false }),
      { do: 'commit', waiting: waiting(2) },
    ],
    [
      'nor while one of the canary is unfinished',
      next({ canary: 1 }, { waiting: waiting(2), unfinished: [unfinished(0, 0)], canaryApplied: false }),
      { do: 'wait' },
    ],
    [
      'nor while one of the canary waits for its turn',
      next({ canary: 2 }, { waiting: waiting(1, 0), canaryApplied: false }),
      { do: 'commit', waiting: waiting(1, 0) },
    ],
    [
      'and a canary that is all there is ends the rollout, whatever came of it',
      next({ canary: 5 }, { canaryApplied: false }),
      { do: 'finish', state: 'completed' },
    ],
    ['done is completed', next({}), { do: 'finish', state: 'completed' }],
    [
      'what was only planned stays so',
      next({ state: 'planned', dryRun: true }),
      { do: 'finish', state: 'planned' },
    ],
  ])('%s', (_, work, wanted) => {
    expect(work).toMatchObject(wanted);
  });
});

describe('a canary', () => {
  const by = { at: created.toISOString(), by: 'you', requestId: 'r2', acknowledge: [] };
  const waits = fc.record({ scannerId: fc.string(), stage: fc.integer({ min: 0, max: 3 }) });
  const views = fc
    .record({
      canary: fc.integer({ min: 0, max: 3 }),
      state: fc.constantFrom(...rolloutStates),
      waiting: fc.array(waits, { maxLength: 6 }),
      stages: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
      canaryApplied: fc.boolean(),
      canaryWaived: fc.boolean(),
    })
    .map(
      ({ canary, state, waiting, stages, canaryApplied, canaryWaived }): RolloutView => ({
        rollout: rolloutOf({ canary }, { state, canaryWaived }),
        planned: true,
        waiting: waiting.sort((one, other) => one.stage - other.stage),
        unfinished: stages.map((stage, slot) => ({
          scannerId: `u${slot}`,
          stage,
          slot,
          toRevision: 2,
          committedAt: created.toISOString(),
        })),
        canaryApplied,
        reverted: false,
      }),
    );

  it('of which none applied lets no wave go, until a person does', () => {
    fc.assert(
      fc.property(views, (view) => {
        const work = nextWork(view, later(1000));
        if (work.do !== 'commit' || work.waiting[0]?.stage === 0) return;
        const { canary, canaryWaived } = view.rollout;
        expect(canary === 0 || canaryWaived || view.canaryApplied).toBe(true);
      }),
    );
  });

  it('halts a rollout once: resumed, it goes on, with failures counted anew', () => {
    fc.assert(
      fc.property(views, (view) => {
        if (nextWork(view, later(1000)).do !== 'halt') return;
        const halted = { ...view.rollout, failures: 3, ...afterCanary(view.rollout) };
        expect(halted).toMatchObject({ state: 'halted', haltReason: 'CanaryNotApplied' });
        expect(asksForCanary({ ...view, rollout: halted })).toBe(false);
        const resumed = { ...halted, ...movedBy('resume', halted, by, later(1000)) };
        expect(resumed.failures).toBe(0);
        expect(['commit', 'wait']).toContain(nextWork({ ...view, rollout: resumed }, later(1000)).do);
      }),
    );
  });

  it('halts again where a person let it go on before it had ended', () => {
    const halted = rolloutOf({ canary: 1 }, { state: 'halted', haltReason: 'Requested' });
    const resumed = { ...halted, ...movedBy('resume', halted, by, later(1000)) };
    expect(resumed.canaryWaived).toBeUndefined();
    expect(afterCanary({ ...halted, reason: 'Halted by me.' }).reason).toBe(
      'Halted by me. No target of the canary has applied; resume lets the waves go.',
    );
  });
});
