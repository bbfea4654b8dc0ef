import { createHash } from 'node:crypto';
import {
  newJob,
  optionsOfMetadata,
  parseImportKey,
  type StoredJob,
  targetOf,
} from '../../../shared/domain/import-job.ts';
import { AppError } from '../../../shared/errors.ts';
import type { ObjectCreated } from '../../../shared/messages/object-event.ts';
import { type ImportOptions, importOptions } from '../../../shared/schemas/lists.ts';
import { logger } from '../../lib/logger.ts';
import { countBy } from '../../lib/metrics.ts';
import { createJob, markUploaded, takeDrop } from '../../stores/imports.ts';
import { metadataOf } from '../../stores/objects.ts';

type Source = StoredJob['source'];

/** One version of an object is one job, however often its event is delivered. */
const idOfDrop = ({ key, versionId }: Source): string =>
  `imp-${createHash('sha256')
    .update(`${key}\n${versionId ?? ''}`)
    .digest('hex')
    .slice(0, 32)}`;

const defaults = importOptions.parse({});

interface Drop {
  scannerId: string;
  list: string;
  source: Source;
  sequencer: string;
  createdBy: string;
  now: Date;
}

const readOptions = async ({ source, scannerId, list }: Drop): Promise<ImportOptions> => {
  targetOf(source.key, scannerId, list);
  return optionsOfMetadata(await metadataOf(source.key, source.versionId));
};

const tellRefused = ({ importId }: Pick<StoredJob, 'importId'>, { code }: AppError): void => {
  countBy('ImportFailures', code);
  logger.info('drop refused', { importId, code });
};

/** A drop that cannot become a job of its own right still makes one, which says why. */
const takeIn = async (drop: Drop): Promise<StoredJob> => {
  const base = {
    importId: idOfDrop(drop.source),
    scannerId: drop.scannerId,
    list: drop.list,
    source: drop.source,
    createdBy: drop.createdBy,
    createdAt: drop.now.toISOString(),
  };
  const ended = (state: 'failed' | 'cancelled', error: AppError) => ({
    ...newJob({ ...base, state }, defaults),
    error: { code: error.code, detail: error.message },
    finishedAt: base.createdAt,
  });
  try {
    const options = await readOptions(drop);
    const newest = await takeDrop(drop.source.key, { sequencer: drop.sequencer, importId: base.importId });
    const job = newest
      ? { ...newJob({ ...base, state: 'uploaded' }, options), sequencer: drop.sequencer }
      : ended('cancelled', new AppError('SUPERSEDED'));
    return await createJob(job);
  } catch (error) {
    if (
      !(error instanceof AppError) ||
      !['TARGET_NOT_FOUND', 'IMPORT_OPTION_INVALID', 'SOURCE_NOT_FOUND'].includes(error.code)
    )
      throw error;
    tellRefused(base, error);
    return createJob(ended('failed', error));
  }
};

const takeUpload = async (importId: string, source: Source, now: Date): Promise<string | null> => {
  const job = await markUploaded(importId, source, now);
  if (!job) logger.info('upload for a job that is not waiting for one', { importId });
  return importId;
};

/** The id of the job that an object event belongs to, made or moved on as the event says; null when it belongs to none. */
export const intake = async (event: ObjectCreated, now: Date): Promise<string | null> => {
  const { object, requester } = event.detail;
  const key = parseImportKey(object.key);
  if (!key) return null;
  const versionId = object['version-id'];
  const source = { key: object.key, ...(versionId === undefined ? {} : { versionId }) };
  if (key.kind === 'upload') return takeUpload(key.importId, source, now);
  const createdBy = `s3:${requester ?? 'unknown'}`;
  const job = await takeIn({ ...key, source, sequencer: object.sequencer, createdBy, now });
  return job.importId;
};
