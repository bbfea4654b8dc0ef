import { endsJob, noCounts, type StoredJob } from '../../../shared/domain/import-job.ts';
import type { ParsedFile } from '../../../shared/domain/lists/import-file.ts';
import { AppError, hasCode } from '../../../shared/errors.ts';
import { logger } from '../../lib/logger.ts';
import { beginWork, givenUp, updateWork } from '../../stores/imports.ts';
import { applyFile } from './apply-file.ts';
import { Overtaken, readSource } from './read-source.ts';

interface Seen {
  file?: ParsedFile;
  bytes: number;
}

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

const work = async (job: StoredJob, seen: Seen): Promise<void> => {
  const { file, bytes } = await readSource(job);
  Object.assign(seen, { file, bytes });
  if (job.onInvalid === 'reject' && file.counts.invalid > 0)
    throw new AppError(
      'INVALID_ENTRIES',
      `${file.counts.invalid} of ${file.counts.tokens} values are no entries.`,
    );
  await applyFile(job, file, bytes, new Date());
};

/** A job that is still this worker's was overtaken by a later file of its key; otherwise this write is refused. */
const stop = async (job: StoredJob, error: unknown, { file, bytes }: Seen): Promise<void> => {
  logger.info('import overtaken or cancelled', { importId: job.importId, attempt: job.attempt });
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
export const runImport = async (importId: string): Promise<void> => {
  const job = await beginWork(importId);
  if (!job) return;
  const seen: Seen = { bytes: 0 };
  try {
    if (givenUp(job)) throw new AppError('INTERNAL', 'The import was tried several times and never ended.');
    await work(job, seen);
  } catch (error) {
    if (error instanceof Overtaken || hasCode(error, 'SUPERSEDED')) await stop(job, error, seen);
    else if (endsJob(error) || (error instanceof AppError && givenUp(job))) await fail(job, error, seen);
    else throw error;
  }
};
