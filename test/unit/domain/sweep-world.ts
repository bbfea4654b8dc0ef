import { isRetained, revisionExpiry } from '../../../shared/domain/retention.ts';
import {
  markMs,
  newRun,
  nextStep,
  nothingCarried,
  type ObjectVersion,
  type SweepRun,
  sweepable,
  writerMs,
} from '../../../shared/domain/sweep.ts';

/**
 * A small model of table, bucket and everyone who works on them, each a generator that stops after every call that the real one makes. A seeded
 * scheduler picks who goes on; after each step every revision must find its objects.
 */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const historyDays = 2;

/** Ways in which the protocol could be wrong; the simulation must notice each, or it proves nothing. */
export const flaws = [
  'a writer trusted objects that it did not store',
  'the sweep deleted by key',
  'the sweep deleted what was stored a moment ago',
  'a restore named what had left retention',
  'a mark were kept for weeks and judged by the present time',
  'two processes kept what they marked under one name',
] as const;
export type Flaw = (typeof flaws)[number];

interface Revision {
  root: string;
  expiresAt?: number;
}

interface World {
  now: number;
  /** Versions that sweeps have deleted. */
  swept: number;
  random(below: number): number;
  flaw: Flaw | undefined;
  bucket: Map<string, ObjectVersion[]>;
  heads: { revision: number; root: string }[];
  revisions: Map<number, Revision>[];
  run: SweepRun | undefined;
  /** What was marked, by run and name. */
  parts: Map<string, string[]>;
  serial: number;
}

/** Numbers that are the same in every run (mulberry32). */
const numbers = (seed: number) => {
  let state = seed >>> 0;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const chunksOf = (root: string): string[] => (root === '' ? [] : root.split('+'));
const padded = (number: number): string => `${number}`.padStart(6, '0');
const keysOf = (root: string): string[] => [`m/${root}`, ...chunksOf(root).map((chunk) => `c/${chunk}`)];
const rootOf = (chunks: Iterable<string>): string => [...new Set(chunks)].sort().join('+');

const put = (world: World, key: string): void => {
  const versions = world.bucket.get(key) ?? [];
  if (world.flaw === flaws[0] && versions.length > 0) return;
  world.serial += 1;
  world.bucket.set(key, [{ key, versionId: `v${world.serial}`, modifiedAt: world.now }, ...versions]);
};

const remove = (world: World, { key, versionId }: ObjectVersion): void => {
  const left = (world.bucket.get(key) ?? []).filter((version) => version.versionId !== versionId);
  if (left.length === 0 || world.flaw === flaws[1]) world.bucket.delete(key);
  else world.bucket.set(key, left);
};

const commit = (world: World, scanner: number, seen: number, root: string): boolean => {
  const head = world.heads[scanner] as World['heads'][number];
  if (head.revision !== seen) return false;
  if (head.root === root) return true;
  const revisions = world.revisions[scanner] as Map<number, Revision>;
  const expiresAt = revisionExpiry(new Date(world.now), historyDays);
  revisions.set(seen, { root: head.root, expiresAt });
  revisions.set(seen + 1, { root });
  world.heads[scanner] = { revision: seen + 1, root };
  return true;
};

type Actor = Generator<undefined, void>;

/** An edit or an import: what its base does not name is stored, then named; losing the race computes again. */
function* writer(world: World, scanner: number): Actor {
  const add = `${world.random(6)}`;
  const drop = world.random(2) === 0 ? `${world.random(6)}` : '';
  for (;;) {
    const { revision, root } = world.heads[scanner] as World['heads'][number];
    const begun = world.now;
    yield;
    const next = rootOf([...chunksOf(root).filter((chunk) => chunk !== drop), add]);
    const fresh = keysOf(next).filter((key) => key.startsWith('m/') || !keysOf(root).includes(key));
    for (const key of fresh.reverse()) {
      put(world, key);
      yield;
    }
    // A function's time-out ends its process: what it has stored is never named.
    if (world.now - begun >= writerMs) return;
    if (commit(world, scanner, revision, next)) return;
  }
}

/** Names the list that another Scanner has, storing nothing. */
function* copy(world: World, from: number, to: number): Actor {
  const { root } = world.heads[from] as World['heads'][number];
  const begun = world.now;
  yield;
  const { revision } = world.heads[to] as World['heads'][number];
  yield;
  if (world.now - begun < writerMs) commit(world, to, revision, root);
}

/** Names the list of an earlier revision, if it is still retained in the transaction. */
function* restore(world: World, scanner: number): Actor {
  const revisions = world.revisions[scanner] as Map<number, Revision>;
  const numbersThere = [...revisions.keys()];
  // Often the oldest: that is the one about to leave.
  const wanted = numbersThere[world.random(2) * world.random(numbersThere.length)] ?? 1;
  const found = revisions.get(wanted);
  const begun = world.now;
  yield;
  const { revision } = world.heads[scanner] as World['heads'][number];
  for (let pause = world.random(90); pause > 0; pause--) yield;
  const still = revisions.get(wanted);
  const checked = still !== undefined && isRetained(still, new Date(begun));
  if (!found || !(checked || world.flaw === flaws[3])) return;
  if (world.now - begun < writerMs) commit(world, scanner, revision, found.root);
}

const save = (world: World, run: SweepRun): SweepRun | null => {
  if ((world.run?.version ?? 0) !== run.version) return null;
  world.run = { ...run, version: run.version + 1 };
  return world.run;
};

/** The item of the table that follows a key: of each Scanner its head, then its revisions in their order. */
const itemAfter = ({ heads, revisions }: World, last: string): { key: string; root: string } | undefined => {
  for (const [scanner, { root }] of heads.entries()) {
    if (`${scanner}` > last) return { key: `${scanner}`, root };
    if (!last.startsWith(`${scanner}`)) continue;
    for (const [number, revision] of revisions[scanner] ?? []) {
      const key = `${scanner}#${padded(number)}`;
      if (key > last) return { key, root: revision.root };
    }
  }
  return undefined;
};

/** A page holds so many items: one that lands in it moves its end. */
const pageItems = 16;

/** A page of the table item by item, as a scan sees it: not all at one time. */
function* scanPage(world: World, cursor: string): Generator<undefined, { roots: string[]; next?: string }> {
  const roots: string[] = [];
  let last = cursor;
  while (roots.length < pageItems) {
    const item = itemAfter(world, last);
    if (!item) return { roots };
    roots.push(item.root);
    last = item.key;
    if (world.random(3) === 0) yield;
  }
  return { roots, next: last };
}

const readParts = ({ parts }: World, { runId }: SweepRun): Set<string> =>
  new Set([...parts].flatMap(([key, marked]) => (key.startsWith(`${runId}/`) ? marked : [])));

const putPart = (world: World, { runId, parts }: SweepRun, marked: string[]): void => {
  world.serial += 1;
  const name = world.flaw === flaws[5] ? parts : `u${world.serial}`;
  world.parts.set(`${runId}/${name}`, marked);
};

const judge = (world: World, run: SweepRun, versions: ObjectVersion[], named: Set<string>) => {
  const isNamed = (key: string) => named.has(key);
  const since =
    world.flaw === flaws[2]
      ? run.startedAt + 2 * writerMs
      : world.flaw === flaws[4]
        ? world.now
        : run.startedAt;
  return sweepable(versions, isNamed, since, run.carried);
};

/** One process of the sweep: it may be dropped at any of its steps, and another goes on from what is stored. */
function* sweeper(world: World): Actor {
  let run = world.run;
  if (nextStep(run, world.now) === 'begin') {
    world.serial += 1;
    run = save(world, newRun(`r${world.serial}`, world.now, run?.version ?? 0, ['c/', 'm/'])) ?? undefined;
  }
  const named = run ? readParts(world, run) : new Set<string>();
  for (;;) {
    yield;
    if (!run) return;
    const endless = world.flaw === flaws[4] && world.now - run.startedAt < 30 * markMs;
    const step = endless && run.phase !== 'done' ? run.phase : nextStep(run, world.now);
    if (step === 'mark') {
      const { roots, next } = yield* scanPage(world, run.cursor ?? '');
      const fresh = [...new Set(roots.flatMap(keysOf))].filter((key) => !named.has(key));
      if (fresh.length > 0) putPart(world, run, fresh);
      for (const key of fresh) named.add(key);
      yield;
      const { cursor: _, ...rest } = run;
      const parts = run.parts + (fresh.length > 0 ? 1 : 0);
      run =
        save(
          world,
          next === undefined ? { ...rest, phase: 'delete', parts } : { ...rest, cursor: next, parts },
        ) ?? undefined;
    } else if (step === 'delete') {
      const all = [...world.bucket.keys()].sort().flatMap((key) => world.bucket.get(key) ?? []);
      const versions = all.filter(({ key }) => key > (run?.cursor ?? '')).slice(0, 4);
      yield;
      const whole = versions.length < 4 ? versions : versions.filter(({ key }) => key !== versions[3]?.key);
      const page = whole.length > 0 ? whole : all.filter(({ key }) => key === versions[0]?.key);
      const { doomed } = judge(world, { ...run, carried: nothingCarried }, page, named);
      for (const version of doomed) {
        remove(world, version);
        world.swept += 1;
        yield;
      }
      const cursor = page.at(-1)?.key;
      const { cursor: _, ...rest } = run;
      const next: SweepRun = cursor === undefined ? { ...rest, phase: 'done' } : { ...rest, cursor };
      run = save(world, next) ?? undefined;
    } else return;
  }
}

/** The table deletes what is past its time to live, some time later. */
const expire = (world: World, all: boolean): void => {
  for (const revisions of world.revisions)
    for (const [number, { expiresAt }] of revisions)
      if (expiresAt !== undefined && expiresAt * 1000 <= world.now && (all || world.random(2) === 0))
        revisions.delete(number);
};

const lostBy = (world: World): string | null => {
  for (const [scanner, revisions] of world.revisions.entries())
    for (const [number, { root }] of revisions)
      for (const key of keysOf(root))
        if (!world.bucket.has(key)) return `${key} of revision ${number} of Scanner ${scanner}`;
  return null;
};

const newWorld = (seed: number, flaw?: Flaw): World => {
  const world: World = {
    now: 1000 * day,
    swept: 0,
    random: numbers(seed),
    flaw,
    bucket: new Map(),
    heads: [],
    revisions: [],
    run: undefined,
    parts: new Map(),
    serial: 0,
  };
  put(world, 'm/');
  for (let scanner = 0; scanner < 3; scanner++) {
    world.heads.push({ revision: 1, root: '' });
    world.revisions.push(new Map([[1, { root: '' }]]));
  }
  return world;
};

const newActor = (world: World): Actor => {
  const [one, other] = [world.random(3), world.random(3)];
  switch (world.random(8)) {
    case 0:
      return copy(world, one, other);
    case 1:
      return restore(world, one);
    case 2:
    case 3:
      return sweeper(world);
    default:
      return writer(world, one);
  }
};

/** Mostly nothing or minutes; now and then hours, a day but a moment, or days. */
const passTime = (world: World): void => {
  const chance = world.random(1000);
  if (chance < 6) world.now += [7 * hour, day - minute, 5 * day][chance % 3] as number;
  else if (chance < 300) world.now += minute;
  else if (chance < 320) world.now += hour;
};

/** Lets everyone work for `steps` steps; null, or the first object that was missing. */
const play = (world: World, steps: number): string | null => {
  let actors: Actor[] = [];
  for (let step = 0; step < steps; step++) {
    if (actors.length < 5) actors.push(newActor(world));
    passTime(world);
    if (world.random(10) === 0) expire(world, false);
    const index = world.random(actors.length);
    const ended = actors[index]?.next().done || world.random(60) === 0;
    if (ended) actors = actors.filter((_, place) => place !== index);
    const lost = lostBy(world);
    if (lost) return `step ${step}: ${lost}`;
  }
  return null;
};

export const simulate = (seed: number, steps: number, flaw?: Flaw) => {
  const world = newWorld(seed, flaw);
  return { lost: play(world, steps), swept: world.swept };
};

/** Plays, then lets the last revision alone outlive everything and the sweep end; answers what is there and should not be, or the reverse. */
export const simulateAndSettle = (seed: number, steps: number): string[] => {
  const world = newWorld(seed);
  const lost = play(world, steps);
  if (lost) return [lost];
  world.now += 60 * day;
  expire(world, true);
  for (let step = nextStep(world.run, world.now); step !== 'rest'; step = nextStep(world.run, world.now))
    for (const _ of sweeper(world));
  const wanted = new Set(world.heads.flatMap(({ root }) => keysOf(root)));
  const there = [...world.bucket].map(([key, versions]) => `${key} x ${versions.length}`);
  const right = [...wanted].map((key) => `${key} x 1`);
  return [...new Set([...there, ...right])].filter((one) => there.includes(one) !== right.includes(one));
};
