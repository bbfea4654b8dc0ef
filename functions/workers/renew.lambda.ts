import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { AppError } from '../../shared/errors.ts';
import { keys } from '../../shared/tables.ts';
import { inTurn } from '../lib/batch.ts';
import { logger } from '../lib/logger.ts';
import { inParallel } from '../lib/parallel.ts';
import { artifactsWithLooseObjects } from '../stores/secrets.ts';
import { renewArtifact } from './renew-artifact.ts';

/** The daily look, of which nothing matters but that it comes. */
interface ScheduledEvent {
  source: 'aws.events';
}

const partitionPrefix = keys.ofArtifact('');

const nameOf = (record: DynamoDBRecord): string =>
  (record.dynamodb?.Keys?.['pk']?.S ?? '').slice(partitionPrefix.length);

/** Whatever is left over of a crash, or of a renewal that was given up: the same work, for each artifact that has some. */
const sweep = async (now: Date): Promise<void> => {
  const failures = await inParallel(await artifactsWithLooseObjects(), 1, (name) => renewArtifact(name, now));
  for (const { item, error } of failures)
    logger.error('artifact not renewed', { artifact: item, cause: error as Error });
  if (failures.length > 0) throw new AppError('UNAVAILABLE', `${failures.length} artifacts are not renewed.`);
};

/** A fleet artifact was changed or deleted, or a day has passed; the record says only which artifact. */
export const handler = async (
  event: DynamoDBStreamEvent | ScheduledEvent,
): Promise<DynamoDBBatchResponse | undefined> => {
  if ('Records' in event)
    return inTurn(
      event.Records,
      (record) => record.dynamodb?.SequenceNumber ?? '',
      (record) => renewArtifact(nameOf(record), new Date()),
    );
  await sweep(new Date());
  return undefined;
};
