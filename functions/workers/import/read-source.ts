import { noCounts, type StoredJob } from '../../../shared/domain/import-job.ts';
import {
  type FileCounts,
  type ParsedFile,
  readImportFile,
} from '../../../shared/domain/lists/import-file.ts';
import { AppError } from '../../../shared/errors.ts';
import { limits } from '../../../shared/tables.ts';
import { updateWork } from '../../stores/imports.ts';
import { getObject } from '../../stores/objects.ts';
import { type ReportWriter, reportWriter } from '../../stores/reports.ts';

/** Progress is written about once a second: enough for a person, and few writes. */
const progressEveryMs = 1000;

/** Thrown when the job is no longer this worker's: someone overtook it, or it was cancelled. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

const assertStillOurs = (written: StoredJob | null): void => {
  if (!written) throw new Overtaken();
};

interface Progress {
  bytesRead: number;
  counts: FileCounts;
}

const writeProgress = async (job: StoredJob, bytesTotal: number, { bytesRead, counts }: Progress) =>
  assertStillOurs(
    await updateWork(job, { progress: { bytesRead, bytesTotal }, counts: { ...noCounts, ...counts } }),
  );

/** Writes progress now and then, and with it learns whether the job is still this worker's. */
const progressWriter = (job: StoredJob, bytesTotal: number, clock: () => number) => {
  let last = clock();
  return async (progress: () => Progress): Promise<void> => {
    if (clock() - last < progressEveryMs) return;
    last = clock();
    await writeProgress(job, bytesTotal, progress());
  };
};

const readerOf = (job: StoredJob, report: ReportWriter) =>
  readImportFile({
    refuseOpenRelay:
      job.list === 'outbound' && job.mode !== 'remove' && !job.acknowledge.includes('open-relay'),
    reportShared: job.onInvalid === 'skip',
    maxEntries: limits.listEntries,
    onProblem: (problem) => report.write(problem),
  });

const readAll = async (
  job: StoredJob,
  report: ReportWriter,
): Promise<{ file: ParsedFile; bytes: number }> => {
  const object = await getObject(job.source.key, job.source.versionId);
  const bytesTotal = object.ContentLength ?? 0;
  if (bytesTotal > limits.importBytes)
    throw new AppError(
      'FILE_TOO_LARGE',
      `The file has ${bytesTotal} bytes; up to ${limits.importBytes} are taken.`,
    );
  const reader = readerOf(job, report);
  let bytes = 0;
  const sofar = () => ({ bytesRead: bytes, counts: reader.counts() });
  await writeProgress(job, bytesTotal, sofar());
  const progress = progressWriter(job, bytesTotal, Date.now);
  for await (const piece of object.Body as AsyncIterable<Uint8Array>) {
    reader.push(piece);
    bytes += piece.length;
    await report.drained();
    await progress(sofar);
  }
  const file = reader.end();
  await writeProgress(job, bytesTotal, sofar());
  return { file, bytes };
};

/** Reads the job's file, with its report stored beside it. Memory is bounded by the number of entries. */
export const readSource = async (job: StoredJob): Promise<{ file: ParsedFile; bytes: number }> => {
  const report = reportWriter(job.importId);
  try {
    const read = await readAll(job, report);
    await report.end();
    return read;
  } catch (error) {
    await report.abort();
    throw error;
  }
};
