import {
  afterCanary,
  afterFailure,
  asksForCanary,
  type Ending,
  endingOf,
  isRevertible,
  nextWork,
  type RolloutView,
  type RolloutWork,
  type StoredRollout,
  type Unfinished,
} from '../../../shared/domain/rollout.ts';
import { AppError } from '../../../shared/errors.ts';
import { note } from '../../lib/followed.ts';
import { logger } from '../../lib/logger.ts';
import { inParallel } from '../../lib/parallel.ts';
import { type Edges, stores, width } from './edges.ts';
import type { Reverting } from './revert-target.ts';

/**
 * Looks at what is unfinished are a sixth of the time apart that has gone by without progress, within these milliseconds: so what has come is
 * seen that much late, and the looks get rarer the longer nothing comes.
 */
const leastPauseMs = 200;
const mostPauseMs = 2000;
const pausePart = 6;

/** All that is known of a rollout is read again after so long, and the lease taken again; looks in between only ask what was reported. */
const wholeLookMs = 3000;

/** After so long without progress the worker ends; the schedule wakes one again. */
const patienceMs = 20_000;

/** The clock of a run, and how it knows that its time is nearly up. */
export interface Clock {
  now(): Date;
  hasTime(): boolean;
}

interface Run {
  rolloutId: string;
  holder: string;
  clock: Clock;
  edges: Edges;
  pauseMs: number;
  /** What the last whole look saw, while there is nothing to do but to wait, and until when that is good enough. */
  waits: { rollout: StoredRollout; unfinished: readonly Unfinished[]; until: number } | undefined;
  /** When what is unfinished is looked at again. */
  lookAt: number;
  /** Where the walk over what is to be taken back has come to, and whether it is at its end. */
  cursor: string | undefined;
  reverted: boolean;
  /** That a target of the canary has applied, once it is known. */
  canaryApplied: boolean;
}

type Step = 'moved' | 'still' | 'done';

const isPassing = (error: unknown): boolean =>
  error instanceof AppError && (error.kind === 'limit' || error.kind === 'unavailable');

/** Works on several at once, each with its part of the counts. What passes is tried again; `fault` takes the rest. True when one moved. */
const each = async <T>(
  items: readonly T[],
  work: (item: T, part: number) => Promise<boolean>,
  fault: (item: T, error: Error) => Promise<boolean>,
): Promise<boolean> => {
  let moved = false;
  const failures = await inParallel([...items.entries()], width, async ([index, item]) => {
    moved = (await work(item, index % width)) || moved;
  });
  for (const { item, error } of failures) {
    if (isPassing(error)) continue;
    logger.error('target failed', { cause: error as Error });
    moved = (await fault(item[1], error as Error)) || moved;
  }
  return moved;
};

const unforeseen = (error: Error): string => `Something went wrong on our side: ${error.name}.`;

/** Nobody stores what nobody foresaw here: the next look tries again. */
const left = async (): Promise<boolean> => false;

/** Targets that failed, one after the other: each changes the rollout, and one may halt it. */
const endFailed = async (
  run: Run,
  rollout: StoredRollout,
  failed: [Unfinished, Ending][],
): Promise<boolean> => {
  let present = rollout;
  for (const [target, ending] of failed) {
    if (!(await run.edges.end(present, target, 0, ending, run.clock.now()))) return true;
    present = { ...present, ...afterFailure(present) };
  }
  return failed.length > 0;
};

/** Ends what has come to an end of the unfinished targets, as far as `look` shows. */
const endFinished = async (
  run: Run,
  rollout: StoredRollout,
  unfinished: readonly Unfinished[],
  look: Edges['facts'],
): Promise<boolean> => {
  const { edges, clock } = run;
  const now = clock.now();
  // Half a pause: a sleep may end a moment early, and a look left out would double it.
  run.lookAt = now.getTime() + Math.max(run.pauseMs / 2, unfinished.length);
  const facts = await look(unfinished);
  const ended = unfinished.flatMap((target, index): [Unfinished, Ending][] => {
    const known = facts[index];
    const ending = known ? endingOf(target, known, rollout, now) : null;
    return ending ? [[target, ending]] : [];
  });
  const failed = ended.filter(([, { outcome }]) => outcome === 'failed');
  const others = ended.filter(([, { outcome }]) => outcome !== 'failed');
  const end = ([target, ending]: [Unfinished, Ending], part: number) =>
    edges.end(rollout, target, part, ending, now);
  const moved = await each(others, end, left);
  return (await endFailed(run, rollout, failed)) || moved;
};

/** Waits, a few seconds at a time, and says meanwhile that somebody is at work. */
const wait = async ({ edges, rolloutId, holder, clock }: Run, ms: number): Promise<void> => {
  for (let rest = ms; rest > 0; rest -= mostPauseMs) {
    await edges.sleep(Math.min(rest, mostPauseMs));
    await edges.takeLease(rolloutId, holder, clock.now());
  }
};

/** Waits for the turn of so many commits at the rate of all rollouts together. */
const paced = async (run: Run, count: number): Promise<boolean> => {
  try {
    await wait(run, await run.edges.reserve(count));
    return true;
  } catch (error) {
    if (!isPassing(error)) throw error;
    return false;
  }
};

/** Numbers of places that nobody has, the lowest first. */
const freeSlots = (taken: readonly Unfinished[], count: number): number[] => {
  const known = new Set(taken.map(({ slot }) => slot));
  const free: number[] = [];
  for (let slot = 0; free.length < count; slot++) if (!known.has(slot)) free.push(slot);
  return free;
};

const commit = async (
  run: Run,
  { rollout, unfinished }: RolloutView,
  targets: Extract<RolloutWork, { do: 'commit' }>['waiting'],
): Promise<boolean> => {
  if (!(await paced(run, targets.length))) return false;
  const { edges, clock } = run;
  const slots = freeSlots(unfinished, targets.length);
  const placed = targets.map((target, index) => ({ target, slot: slots[index] as number }));
  return each(
    placed,
    ({ target, slot }, part) => edges.commit(rollout, target, { slot, part }, clock.now()),
    ({ target }, error) => edges.fault(rollout, target, unforeseen(error), clock.now()),
  );
};

const skip = ({ edges, clock }: Run, { rollout, waiting }: RolloutView, reason: string): Promise<boolean> =>
  each(waiting, (target, part) => edges.skip(rollout, target, part, reason, clock.now()), left);

/** Takes back what a page of targets has to be taken back of; moves on when there is nothing left in it. */
const revert = async (run: Run, { rollout }: RolloutView): Promise<boolean> => {
  const { edges, clock } = run;
  const page = await edges.targets(rollout.rolloutId, run.cursor);
  const wanted = page.items.filter(isRevertible).slice(0, width);
  if (wanted.length === 0) {
    run.cursor = page.nextCursor;
    run.reverted = page.nextCursor === undefined;
    return true;
  }
  if (!(await paced(run, wanted.length))) return false;
  const back = (target: (typeof wanted)[number], part: number) =>
    edges.revert(rollout as Reverting, target, part, clock.now());
  return each(wanted, back, (target, error) => edges.keep(rollout, target, unforeseen(error)));
};

const perform = async (run: Run, view: RolloutView, work: RolloutWork): Promise<Step> => {
  const { edges, clock } = run;
  const stepOf = (moved: boolean): Step => (moved ? 'moved' : 'still');
  switch (work.do) {
    case 'plan':
      return stepOf(await edges.plan(view.rollout, clock.now()));
    case 'skip':
      return stepOf(await skip(run, view, work.reason));
    case 'commit':
      return stepOf(await commit(run, view, work.waiting));
    case 'revert':
      return stepOf(await revert(run, view));
    case 'finish':
      return (await edges.finish(view.rollout, work.state, clock.now())) ? 'done' : 'moved';
    case 'halt':
      return stepOf(await edges.halt(view.rollout, afterCanary(view.rollout), clock.now()));
    case 'wait':
      run.waits = {
        rollout: view.rollout,
        unfinished: view.unfinished,
        until: clock.now().getTime() + wholeLookMs,
      };
      return 'still';
  }
};

/** Whether a target of the canary has applied, as far as it matters; once one has it is not asked for again. */
const canaryApplied = async (run: Run, seen: Parameters<typeof asksForCanary>[0]): Promise<boolean> => {
  if (!run.canaryApplied && asksForCanary(seen))
    run.canaryApplied = (await run.edges.applied(run.rolloutId)) > 0;
  return run.canaryApplied;
};

/** Asks what was reported of those that are waited for: one read, which finds nearly every end. */
const glance = async (run: Run, { rollout, unfinished }: NonNullable<Run['waits']>): Promise<Step> => {
  if (run.clock.now().getTime() < run.lookAt) return 'still';
  return (await endFinished(run, rollout, unfinished, run.edges.reported)) ? 'moved' : 'still';
};

/** Reads how far the rollout is, and does the next thing. Those that wait are read before those that are unfinished: see `nextWork`. */
const wholeLook = async (run: Run): Promise<Step> => {
  const { edges, rolloutId, clock } = run;
  const rollout = await edges.find(rolloutId);
  if (!rollout) return 'done';
  note({ requestId: rollout.reversal?.requestId ?? rollout.requestId });
  const waiting = await edges.waiting(rolloutId);
  const unfinished = await edges.unfinished(rolloutId);
  const planned = rollout.plannedAt !== undefined;
  const looks = unfinished.length > 0 && clock.now().getTime() >= run.lookAt;
  if (looks && (await endFinished(run, rollout, unfinished, edges.facts))) return 'moved';
  const seen = { rollout, planned, waiting, unfinished };
  const view = { ...seen, reverted: run.reverted, canaryApplied: await canaryApplied(run, seen) };
  return perform(run, view, nextWork(view, clock.now()));
};

const step = async (run: Run): Promise<Step> => {
  const { clock, edges, waits } = run;
  if (waits && clock.now().getTime() < waits.until) return glance(run, waits);
  run.waits = undefined;
  if (!(await edges.takeLease(run.rolloutId, run.holder, clock.now()))) return 'done';
  return wholeLook(run);
};

const loop = async (run: Run): Promise<'done' | 'waits' | 'late'> => {
  const { clock, edges } = run;
  let movedAt = clock.now().getTime();
  while (clock.hasTime()) {
    if (clock.now().getTime() - movedAt > patienceMs) return 'waits';
    const came = await step(run);
    if (came === 'done') return 'done';
    if (came === 'moved') {
      movedAt = clock.now().getTime();
      run.pauseMs = leastPauseMs;
      run.waits = undefined;
    } else {
      await edges.sleep(run.pauseMs);
      const idleMs = clock.now().getTime() - movedAt;
      run.pauseMs = Math.min(mostPauseMs, Math.max(leastPauseMs, Math.round(idleMs / pausePart)));
    }
  }
  return 'late';
};

/**
 * Brings a rollout on until there is nothing to do, nothing comes of it for a while, or its time is nearly up (`late`: then another goes on).
 * Whoever runs it, however often and however many at once: each step is one transaction on what it was decided on. `busy`: somebody else is
 * at it.
 */
export const runRollout = async (
  rolloutId: string,
  holder: string,
  clock: Clock,
  edges: Edges = stores,
): Promise<'done' | 'waits' | 'late' | 'busy'> => {
  if (!(await edges.takeLease(rolloutId, holder, clock.now()))) return 'busy';
  const run: Run = {
    rolloutId,
    holder,
    clock,
    edges,
    pauseMs: leastPauseMs,
    waits: undefined,
    lookAt: 0,
    cursor: undefined,
    reverted: false,
    canaryApplied: false,
  };
  const ended = await loop(run);
  if (ended !== 'done') await edges.leaveLease(rolloutId, holder);
  return ended;
};
