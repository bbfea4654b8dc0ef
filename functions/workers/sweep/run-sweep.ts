import { randomUUID } from 'node:crypto';
import {
  digestOfKey,
  newRun,
  nextStep,
  nothingCarried,
  type SweepRun,
  sweepable,
} from '../../../shared/domain/sweep.ts';
import { type AppError, hasCode } from '../../../shared/errors.ts';
import { sweptPrefixes } from '../../../shared/tables.ts';
import { logger } from '../../lib/logger.ts';
import { wakeJob } from '../../stores/imports.ts';
import { eachOf, readManifest } from '../../stores/lists.ts';
import {
  clearParts,
  deleteVersions,
  listVersions,
  putPart,
  readParts,
  readRun,
  saveRun,
  scanTable,
} from '../../stores/sweep.ts';

/** The time of a process: what the clock says, and whether there is enough left for another step. */
export interface SweepTime {
  now(): Date;
  hasTime(): boolean;
}

/** What this process knows of the present run besides what is stored: its marks, read back where another process made them. */
interface Work {
  run: SweepRun;
  named: Set<string>;
}

const begin = async (before: SweepRun | undefined, now: Date): Promise<Work> => {
  const seen = before?.version ?? 0;
  const run = await saveRun(newRun(randomUUID(), now.getTime(), seen, sweptPrefixes), seen);
  await clearParts(run.runId);
  return { run, named: new Set() };
};

const resume = async (run: SweepRun): Promise<Work> => ({
  run,
  named: await readParts(run.runId, run.parts),
});

const advance = async ({ run, named }: Work, members: Partial<SweepRun>): Promise<Work> => {
  const { cursor: _, ...rest } = run;
  return { run: await saveRun({ ...rest, ...members }, run.version), named };
};

/** The digests that roots stand for. A root whose manifest is gone leaves unknown what it named, so nothing may be deleted. */
const digestsOf = async (roots: readonly string[]): Promise<string[]> => {
  const manifests = await eachOf(roots, (root) => readManifest(root));
  return [...roots, ...manifests.flatMap(({ chunks }) => chunks.map((chunk) => chunk.sha256))];
};

/** Marks what one page of the table names, and wakes the imports in it that were lost. */
const mark = async (work: Work, now: Date): Promise<Work> => {
  const { run, named } = work;
  const { roots, artifacts, lost, next } = await scanTable(run.cursor, now);
  const digests = await digestsOf([...new Set(roots)].filter((root) => !named.has(root)));
  const fresh = [...new Set([...digests, ...artifacts])].filter((digest) => !named.has(digest));
  if (fresh.length > 0) await putPart(run.runId, randomUUID(), fresh);
  for (const digest of fresh) named.add(digest);
  for (const job of lost) await wakeJob(job, now);
  return advance(work, {
    ...(next === undefined ? { phase: 'delete' } : { cursor: next }),
    parts: run.parts + (fresh.length > 0 ? 1 : 0),
    counts: { ...run.counts, named: named.size, woken: run.counts.woken + lost.length },
  });
};

const isNamedBy = (named: ReadonlySet<string>, prefix: string) => (key: string) => {
  const digest = digestOfKey(key, prefix);
  return digest === null || named.has(digest);
};

/** Deletes what one page of the bucket's listing shows to be needless. */
const sweepPage = async (work: Work): Promise<Work> => {
  const { run, named } = work;
  const { prefixes = [] } = run;
  const prefix = prefixes[run.prefix];
  if (prefix === undefined) return advance(work, { phase: 'done' });
  const isNamed = isNamedBy(named, prefix);
  const { versions, markers, next } = await listVersions(prefix, run.cursor);
  const { doomed, carried } = sweepable(versions, isNamed, run.startedAt, run.carried);
  const forgotten = sweepable(
    markers.filter(({ key }) => !isNamed(key)),
    isNamed,
    run.startedAt,
  ).doomed;
  // The listing goes on after the version that the page ended with; where that is to go, the next run takes it.
  const last = next === undefined ? undefined : (JSON.parse(next) as { versionId?: string }).versionId;
  const going = [...doomed, ...forgotten].filter(({ versionId }) => versionId !== last);
  await deleteVersions(going);
  const { counts } = run;
  return advance(work, {
    ...(next === undefined ? { prefix: run.prefix + 1, carried: nothingCarried } : { cursor: next, carried }),
    ...(next === undefined && run.prefix + 1 >= prefixes.length ? { phase: 'done' } : {}),
    counts: {
      ...counts,
      listed: counts.listed + versions.length + markers.length,
      deleted: counts.deleted + going.length,
    },
  });
};

/** A mark that cannot be completed ends its run: without it nothing can be known to be needless. */
const fail = async (work: Work, error: AppError): Promise<Work> => {
  logger.error('the sweep cannot mark; nothing is deleted', { runId: work.run.runId, cause: error });
  return advance(work, { phase: 'failed', error: error.message });
};

const markOrFail = async (work: Work, now: Date): Promise<Work> => {
  try {
    return await mark(work, now);
  } catch (error) {
    if (!hasCode(error, 'SOURCE_NOT_FOUND')) throw error;
    return fail(work, error);
  }
};

const open = async (now: Date): Promise<Work | null> => {
  const stored = await readRun();
  const step = nextStep(stored, now.getTime());
  if (step === 'rest') return null;
  return step === 'begin' || !stored ? begin(stored, now) : resume(stored);
};

/** Steps until the run has ended, its mark is too old, or the process has no time left. */
const steps = async (opened: Work, { now, hasTime }: SweepTime): Promise<Work> => {
  let work = opened;
  while (hasTime()) {
    const step = nextStep(work.run, now().getTime());
    if (step === 'mark') work = await markOrFail(work, now());
    else if (step === 'delete') work = await sweepPage(work);
    else break;
  }
  return work;
};

/**
 * Deletes what no retained revision names (ADR 0007): begins a run, or goes on with the one that an earlier process left, as
 * far as its time reaches. Two at once do no harm: the slower one stops. Answers how far the run has come.
 */
export const sweep = async (time: SweepTime): Promise<SweepRun | undefined> => {
  try {
    const opened = await open(time.now());
    if (!opened) return readRun();
    const work = await steps(opened, time);
    const { runId, phase, counts } = work.run;
    logger.info('the sweep has stopped', { runId, phase, ...counts });
    return work.run;
  } catch (error) {
    if (!hasCode(error, 'SUPERSEDED')) throw error;
    logger.info('another sweep has gone on');
    return readRun();
  }
};
