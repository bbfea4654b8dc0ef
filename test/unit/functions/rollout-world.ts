import type { Edges } from '../../../functions/workers/rollout/edges.ts';
import {
  afterFailure,
  movedBy,
  newRolloutOf,
  type RolloutAction,
  type StoredRollout,
  type StoredTarget,
  stageOf,
  type Unfinished,
  type Waiting,
} from '../../../shared/domain/rollout.ts';
import { AppError } from '../../../shared/errors.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { newRollout, type RolloutOutcome, rolloutOutcomes } from '../../../shared/schemas/rollouts.ts';

/** A process died between two steps, or in the middle of one: whether the step took place nobody knows. */
export class Crash extends Error {}

/** What one Scanner of the world is. */
interface Host {
  revision: number;
  /** Counts the registrations of its id. */
  life: number;
  claim?: string | undefined;
  says: Map<number, 'applied' | 'failed' | 'rejected'>;
}

export type Chance = (below: number) => number;

export interface World {
  now: number;
  readonly rollout: StoredRollout;
  readonly targets: Map<string, StoredTarget>;
  readonly unfinished: Map<number, Unfinished>;
  readonly hosts: Map<string, Host>;
  readonly counts: Record<RolloutOutcome, number>;
  readonly edges: Edges;
  /** Everything that broke a promise. */
  readonly broken: string[];
  act(action: RolloutAction): void;
  report(scannerId: string, code: 'applied' | 'failed' | 'rejected'): void;
  save(scannerId: string): void;
  overtake(scannerId: string): void;
  /** Decommissioned, cleared away and registered again under its id. */
  registerAgain(scannerId: string): void;
  check(): void;
  /** Nobody works on it any more, as far as anyone can know. */
  abandon(): void;
  isOpen(): boolean;
}

const ends: Record<RolloutOutcome, readonly RolloutOutcome[]> = {
  pending: ['committed', 'invalid', 'skipped', 'overtaken', 'failed'],
  committed: ['applied', 'failed', 'overtaken', 'reverted'],
  applied: ['reverted', 'overtaken'],
  failed: ['reverted', 'overtaken'],
  invalid: [],
  skipped: [],
  overtaken: [],
  reverted: [],
};

const own = 'rollout-000000000001-0000000000000000';
const newer = 'rollout-000000000002-0000000000000000';

/**
 * The table as far as a rollout knows it: each edge is one transaction on the conditions that the stores put into theirs. `turn` decides who
 * goes next, and may end the process that asks, before or after its step.
 */
export const makeWorld = (
  options: {
    hosts: number;
    maxConcurrent: number;
    abortAfterFailures: number;
    canary: number;
    waves: number;
  },
  chance: Chance,
  turn: <T>(step: () => T) => Promise<T>,
): World => {
  const { hosts: count, ...limits } = options;
  const head = {
    scannerId: 'source',
    revision: 1,
    configuration: { smtp: null, advanced: advancedSettings.parse({}), lists: {}, artifacts: {} },
  };
  const request = newRollout.parse({ source: 'source', targets: 'all', ...limits });
  let rollout = newRolloutOf(request, head as never, {
    rolloutId: own,
    at: new Date(0).toISOString(),
    by: 'me',
    requestId: 'r',
    dryRun: false,
    acknowledge: [],
  });
  const targets = new Map<string, StoredTarget>();
  const waiting = new Map<string, Waiting>();
  const unfinished = new Map<number, Unfinished>();
  const hosts = new Map<string, Host>();
  const counts = Object.fromEntries(rolloutOutcomes.map((name) => [name, 0])) as Record<
    RolloutOutcome,
    number
  >;
  const broken: string[] = [];
  let lease = { holder: '', until: 0 };
  let open = true;
  let planStep = 0;
  for (let index = 0; index < count; index++)
    hosts.set(`mx${index}`, { revision: 1, life: 1, says: new Map() });

  const promise = (holds: boolean, what: string) => {
    if (!holds) broken.push(what);
  };
  const move = (target: StoredTarget, to: Partial<StoredTarget> & { outcome: RolloutOutcome }) => {
    promise(
      ends[target.outcome].includes(to.outcome),
      `${target.scannerId}: ${target.outcome} to ${to.outcome}`,
    );
    counts[target.outcome] -= 1;
    counts[to.outcome] += 1;
    targets.set(target.scannerId, { ...target, ...to });
  };
  const present = (scannerId: string): StoredTarget => {
    const target = targets.get(scannerId);
    if (!target) throw new TypeError(scannerId);
    return target;
  };
  const hostOf = (scannerId: string): Host => {
    const host = hosts.get(scannerId);
    if (!host) throw new TypeError(scannerId);
    return host;
  };
  const unfit = (scannerId: string, outcome: 'invalid' | 'skipped' | 'overtaken'): boolean => {
    if (!waiting.delete(scannerId)) return false;
    move(present(scannerId), { outcome });
    return true;
  };
  const isOpenFor = (seen: StoredRollout): boolean =>
    rollout.state === 'running' && !rollout.reversal && rollout.version === seen.version;

  const commit = (seen: StoredRollout, { scannerId, stage, epoch }: Waiting, slot: number): boolean => {
    const host = hostOf(scannerId);
    const luck = chance(10);
    const end = (outcome: 'invalid' | 'skipped' | 'overtaken') =>
      isOpenFor(seen) && unfit(scannerId, outcome);
    if (epoch !== String(host.life)) return end('skipped');
    if (host.claim !== undefined && host.claim > own) return end('overtaken');
    if (luck === 0) return end('invalid');
    if (luck === 1) return end('skipped');
    if (luck === 2) throw new AppError('THROTTLED');
    if (luck === 3) throw new TypeError('nobody foresaw this');
    if (!isOpenFor(seen) || !waiting.has(scannerId) || unfinished.has(slot)) return false;
    promise(
      rollout.state === 'running' && !rollout.reversal,
      `${scannerId} was committed while nothing may be`,
    );
    const before = [...targets.values()].filter((target) => target.stage < stage);
    promise(
      before.every(({ outcome }) => outcome !== 'pending' && outcome !== 'committed'),
      `${scannerId} was committed before stage ${stage} began`,
    );
    promise(present(scannerId).epoch === String(host.life), `${scannerId} is another one than was planned`);
    const canary = [...targets.values()].filter((target) => target.stage === 0);
    promise(
      stage === 0 ||
        rollout.canary === 0 ||
        rollout.canaryWaived === true ||
        canary.some(({ outcome }) => outcome === 'applied'),
      `${scannerId} was committed though no target of the canary applied`,
    );
    promise(slot < rollout.maxConcurrent, `place ${slot} is none`);
    const fromRevision = host.revision;
    if (luck > 4) host.revision += 1;
    host.claim = own;
    waiting.delete(scannerId);
    const committedAt = new Date(world.now).toISOString();
    move(present(scannerId), {
      outcome: 'committed',
      fromRevision,
      toRevision: host.revision,
      committedAt,
      slot,
    });
    unfinished.set(slot, { scannerId, stage, slot, toRevision: host.revision, committedAt });
    return true;
  };

  /** Counts a failure as the transaction of the failed target does. */
  const failOnce = (seen: StoredRollout): boolean => {
    if (seen.version !== rollout.version || seen.failures !== rollout.failures) return false;
    rollout = { ...rollout, ...afterFailure(rollout) };
    promise(
      rollout.state !== 'running' || rollout.failures < rollout.abortAfterFailures,
      'it runs on after too many failures',
    );
    return true;
  };

  const revert = (target: StoredTarget): boolean => {
    const host = hostOf(target.scannerId);
    const at = present(target.scannerId);
    if (at.outcome !== target.outcome || at.kept) return false;
    const free = () => {
      if (at.slot !== undefined) unfinished.delete(at.slot);
    };
    if (host.claim !== own || host.revision !== at.toRevision) {
      free();
      move(at, { outcome: 'overtaken', slot: undefined } as never);
      return true;
    }
    if (chance(20) === 0) throw new TypeError('nobody foresaw this');
    if (chance(8) === 0) {
      targets.set(at.scannerId, { ...at, kept: true });
      return true;
    }
    if (at.fromRevision !== at.toRevision) host.revision += 1;
    free();
    move(at, { outcome: 'reverted', slot: undefined } as never);
    return true;
  };

  const edges: Edges = {
    takeLease: (_, holder, now) =>
      turn(() => {
        if (!open || (lease.holder !== holder && lease.until >= now.getTime())) return false;
        lease = { holder, until: now.getTime() + 15_000 };
        return true;
      }),
    leaveLease: (_, holder) =>
      turn(() => {
        if (lease.holder === holder) lease = { holder: '', until: 0 };
        return true;
      }),
    find: () => turn(() => rollout),
    waiting: () =>
      turn(() =>
        [...waiting.values()]
          .sort((one, other) => one.stage - other.stage || (one.scannerId < other.scannerId ? -1 : 1))
          .slice(0, 8),
      ),
    unfinished: () => turn(() => [...unfinished.values()]),
    applied: () => turn(() => counts.applied),
    plan: async ({ version }) => {
      const seen = planStep;
      return turn(() => {
        if (planStep !== seen || rollout.plannedAt !== undefined || rollout.version !== version) return false;
        const ids = [...hosts.keys()].slice(seen * 3, seen * 3 + 3);
        ids.forEach((scannerId, index) => {
          const stage = stageOf(seen * 3 + index, rollout);
          const base = { rolloutId: own, scannerId, stage, fromRevision: null, toRevision: null };
          const epoch = String(hostOf(scannerId).life);
          targets.set(scannerId, { ...base, outcome: 'pending', epoch });
          waiting.set(scannerId, { scannerId, stage, epoch });
          counts.pending += 1;
        });
        planStep += 1;
        if (planStep * 3 >= hosts.size)
          rollout = { ...rollout, plannedAt: new Date(world.now).toISOString() };
        return true;
      });
    },
    reserve: () => turn(() => 0),
    commit: (seen, target, { slot }) => turn(() => commit(seen, target, slot)),
    skip: (_, { scannerId }) => turn(() => unfit(scannerId, 'skipped')),
    fault: (seen, { scannerId }) =>
      turn(() => {
        if (!waiting.has(scannerId) || !failOnce(seen)) return false;
        waiting.delete(scannerId);
        move(present(scannerId), { outcome: 'failed' });
        return true;
      }),
    facts: (asked) =>
      turn(() =>
        asked.map(({ scannerId, toRevision }) => {
          const host = hostOf(scannerId);
          const code = host.says.get(toRevision);
          return { reported: code ? { code } : null, headRevision: host.revision, decommissioned: false };
        }),
      ),
    reported: (asked) =>
      turn(() =>
        asked.map(({ scannerId, toRevision }) => {
          const code = hostOf(scannerId).says.get(toRevision);
          return { reported: code ? { code } : null, headRevision: toRevision, decommissioned: false };
        }),
      ),
    end: (seen, { scannerId, slot }, _, ending) =>
      turn(() => {
        const target = present(scannerId);
        if (target.outcome !== 'committed' || unfinished.get(slot)?.scannerId !== scannerId) return false;
        if (ending.outcome === 'failed' && !failOnce(seen)) return false;
        unfinished.delete(slot);
        move(target, { ...ending, slot: undefined } as never);
        return true;
      }),
    targets: () => turn(() => ({ items: [...targets.values()] })),
    revert: (_, target) => turn(() => revert(target)),
    keep: (_, target) =>
      turn(() => {
        const at = present(target.scannerId);
        if (at.outcome !== target.outcome) return false;
        targets.set(at.scannerId, { ...at, kept: true });
        return true;
      }),
    halt: (seen, after) =>
      turn(() => {
        if (seen.version !== rollout.version) return false;
        rollout = { ...rollout, ...after };
        return true;
      }),
    finish: (seen, state) =>
      turn(() => {
        if (seen.version !== rollout.version) return false;
        promise(state === 'halted' || unfinished.size === 0, `${state} with unfinished targets`);
        if (state !== 'halted') promise(waiting.size === 0, `${state} with targets that wait`);
        rollout = { ...rollout, state, version: rollout.version + 1 };
        open = false;
        return true;
      }),
    sleep: (ms) =>
      turn(() => {
        world.now += ms;
      }),
  };

  const world: World = {
    now: 0,
    get rollout() {
      return rollout;
    },
    targets,
    unfinished,
    hosts,
    counts,
    edges,
    broken,
    act(action) {
      try {
        const by = { at: '', by: 'me', requestId: 'r', acknowledge: [] };
        rollout = { ...rollout, ...movedBy(action, rollout, by, new Date(world.now)) };
        open = true;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    },
    report(scannerId, code) {
      const host = hostOf(scannerId);
      if (host.says.get(host.revision) !== 'applied') host.says.set(host.revision, code);
    },
    save(scannerId) {
      hostOf(scannerId).revision += 1;
    },
    overtake(scannerId) {
      const host = hostOf(scannerId);
      host.claim = newer;
      host.revision += 1;
    },
    registerAgain(scannerId) {
      const host = hostOf(scannerId);
      host.life += 1;
      host.revision += 1;
      host.claim = undefined;
    },
    check() {
      const tally = Object.fromEntries(rolloutOutcomes.map((name) => [name, 0])) as typeof counts;
      for (const { outcome } of targets.values()) tally[outcome] += 1;
      promise(JSON.stringify(tally) === JSON.stringify(counts), 'the counts are not the outcomes');
      promise(unfinished.size === tally.committed, 'a place is taken by nobody');
      promise(waiting.size === tally.pending, 'somebody waits who had a turn');
      promise(unfinished.size <= rollout.maxConcurrent, 'too many are unfinished');
    },
    abandon() {
      lease = { holder: '', until: 0 };
    },
    isOpen: () => open,
  };
  return world;
};
