const dayMs = 86_400_000;

/**
 * Whoever stores an object names it in the table within this time, or never does: the longest time-out of a function is
 * minutes. A version younger than this when the mark began is nobody's business but its writer's.
 */
export const writerMs = dayMs;

/** A mark older than this is thrown away, and with it the run (DESIGN 4). */
export const markMs = dayMs;

/** A run begins no sooner than this after the one before it began. */
export const restMs = dayMs;

/** A version of an object, as the bucket lists them: by key, and newest first within a key. */
export interface ObjectVersion {
  key: string;
  versionId: string;
  /** Milliseconds since 1970, by the bucket's clock. */
  modifiedAt: number;
}

/** What the judging of one page hands to the next: the key it ended in, and whether a version of it has been kept. */
export interface Carried {
  key: string;
  kept: boolean;
}

export const nothingCarried: Carried = { key: '', kept: false };

/**
 * Versions of a page that nobody can need: all versions of a key that no retained revision names, and of a key that is named those behind its
 * newest (their bytes are the same). Of both only what was stored long enough before the mark began, at `markedAt`, that its
 * writer has named it or never will.
 */
export const sweepable = (
  page: readonly ObjectVersion[],
  isNamed: (key: string) => boolean,
  markedAt: number,
  before: Carried = nothingCarried,
): { doomed: ObjectVersion[]; carried: Carried } => {
  const doomed: ObjectVersion[] = [];
  let carried = before;
  for (const version of page) {
    const { key, modifiedAt } = version;
    if (key !== carried.key) carried = { key, kept: false };
    const spared = isNamed(key) && !carried.kept;
    if (spared) carried = { key, kept: true };
    else if (modifiedAt <= markedAt - writerMs) doomed.push(version);
  }
  return { doomed, carried };
};

/** The digest in an object's key: what follows its prefix begins with one. Null for a key that is none of ours. */
export const digestOfKey = (key: string, prefix: string): string | null =>
  /^[0-9a-f]{64}(?=$|[^0-9a-f])/.exec(key.slice(prefix.length))?.[0] ?? null;

export type SweepPhase = 'mark' | 'delete' | 'done' | 'failed';

export interface SweepCounts {
  /** Digests that retained revisions name: roots and chunks. */
  named: number;
  listed: number;
  deleted: number;
  /** Imports that had been lost and were woken. */
  woken: number;
}

/** How far a run has come. Everything that it needs to go on after its process died is in it, or named by it. */
export interface SweepRun {
  runId: string;
  /** Raised by every write; who finds another number has been overtaken. */
  version: number;
  phase: SweepPhase;
  /** Milliseconds since 1970; the mark began then, and is as old as that. */
  startedAt: number;
  /** At least so many objects hold the digests marked so far; a process that was overtaken may have left more. */
  parts: number;
  /** Where the table, or the listing of a prefix, goes on; absent at its beginning. */
  cursor?: string;
  /** Prefixes that the mark knows everything of, so that they can be swept; absent in a run of an earlier version, which is thrown away. */
  prefixes?: readonly string[];
  /** Which of them is being listed. */
  prefix: number;
  carried: Carried;
  counts: SweepCounts;
  error?: string;
}

export const newRun = (
  runId: string,
  startedAt: number,
  version: number,
  prefixes: readonly string[],
): SweepRun => ({
  runId,
  version,
  phase: 'mark',
  startedAt,
  parts: 0,
  prefixes,
  prefix: 0,
  carried: nothingCarried,
  counts: { named: 0, listed: 0, deleted: 0, woken: 0 },
});

/** What a sweep does next: it begins, goes on where the last process stopped, or has nothing to do yet. */
export const nextStep = (run: SweepRun | undefined, now: number): 'begin' | 'mark' | 'delete' | 'rest' => {
  if (!run) return 'begin';
  const age = now - run.startedAt;
  if (run.phase === 'mark' || run.phase === 'delete')
    return age < markMs && run.prefixes !== undefined ? run.phase : 'begin';
  return age < restMs ? 'rest' : 'begin';
};
