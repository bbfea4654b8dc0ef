import { endsJob, noCounts, type StoredJob } from '../../../shared/domain/import-job.ts';
import type { ParsedFile } from '../../../shared/domain/lists/import-file.ts';
import { AppError, hasCode } from '../../../shared/errors.ts';
import { following, note } from '../../lib/followed.ts';
import { logger } from '../../lib/logger.ts';
import { countBy, measure } from '../../lib/metrics.ts';
import { beginWork, givenUp, updateWork } from '../../stores/imports.ts';
import { applyFile, type Outcome } from './apply-file.ts';
import { Overtaken, readSource } from './read-source.ts';

interface Seen {
  file?: ParsedFile;
  bytes: number;
}

/**
 * Says how an import ended, by counts and a code. What was wrong in its file is in its report, which those who may read the list can read, and
 * never in a log: each problem shows a piece of the file.
 */
const tellEnd = (
  state: string,
  code: string | undefined,
  { file, bytes, ms }: Seen & { ms: number },
): void => {
  const { tokens = 0, invalid = 0 } = file?.counts ?? {};
  if (state === 'failed' && code !== undefined) countBy('ImportFailures', code);
  logger.info('import ended', { state, code, tokens, invalid, bytes, durationMs: ms });
};

/** Throughput is of what was taken into a list: files that were refused are quickly read. */
const measureImport = ({ state, counts }: Outcome, bytes: number, ms: number): void => {
  if (state !== 'completed') return;
  measure('ImportEntries', counts.tokens);
  measure('ImportBytes', bytes);
  measure('ImportSeconds', ms / 1000);
};

/** Ends a job that can never succeed, with one code and all that was found in its file. */
const fail = async (job: StoredJob, error: AppError, { file, bytes }: Seen): Promise<void> => {
  await updateWork(job, {
    state: 'failed',
    error: { code: error.code === 'NOT_FOUND' ? 'TARGET_NOT_FOUND' : error.code, detail: error.message },
    counts: { ...noCounts, ...file?.counts },
    problems: file?.problems ?? [],
    problemsTotal: file?.problemsTotal ?? 0,
    ...(file ? { progress: { bytesRead: bytes, bytesTotal: bytes } } : {}),
    finishedAt: new Date().toISOString(),
  });
};

const work = async (job: StoredJob, seen: Seen): Promise<Outcome> => {
  const { file, bytes } = await readSource(job);
  Object.assign(seen, { file, bytes });
  if (job.onInvalid === 'reject' && file.counts.invalid > 0)
    throw new AppError(
      'INVALID_ENTRIES',
      `${file.counts.invalid} of ${file.counts.tokens} values cannot be taken; the report says which, and why.`,
    );
  return applyFile(job, file, bytes, new Date());
};

/** A job that is still this worker's was overtaken by a later file of its key; otherwise this write is refused. */
const stop = async (job: StoredJob, error: unknown, { file, bytes }: Seen): Promise<void> => {
  logger.info('import overtaken or cancelled', { attempt: job.attempt });
  if (!hasCode(error, 'SUPERSEDED')) return;
  await updateWork(job, {
    state: 'cancelled',
    error: { code: error.code, detail: 'A later upload of the same file has been taken into the list.' },
    counts: { ...noCounts, ...file?.counts },
    progress: { bytesRead: bytes, bytesTotal: bytes },
    finishedAt: new Date().toISOString(),
  });
};

/**
 * Works on a job, wherever an earlier worker may have left it, until it has ended or waits. What may go better another time
 * (throttles, a service that does not answer, a fault of ours) is thrown, for the message to be delivered again.
 */
export const runImport = (importId: string, clock: () => number = Date.now): Promise<void> =>
  following({ importId }, () => beginAndRun(importId, clock));

const beginAndRun = async (importId: string, clock: () => number): Promise<void> => {
  const began = clock();
  const job = await beginWork(importId);
  if (!job) return;
  note({ requestId: job.requestId ?? importId, scannerId: job.scannerId, list: job.list });
  const seen: Seen = { bytes: 0 };
  const ms = () => clock() - began;
  try {
    if (givenUp(job)) throw new AppError('INTERNAL', 'The import was tried several times and never ended.');
    const outcome = await work(job, seen);
    note({ revision: outcome.revision });
    measureImport(outcome, seen.bytes, ms());
    tellEnd(outcome.state, undefined, { ...seen, ms: ms() });
  } catch (error) {
    if (error instanceof Overtaken || hasCode(error, 'SUPERSEDED')) await stop(job, error, seen);
    else if (endsJob(error) || (error instanceof AppError && givenUp(job))) {
      await fail(job, error, seen);
      tellEnd('failed', error.code, { ...seen, ms: ms() });
    } else throw error;
  }
};
