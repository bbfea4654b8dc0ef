import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { logger } from '../lib/logger.ts';
import { observed } from '../lib/observed.ts';
import { inParallel } from '../lib/parallel.ts';
import { publishChanged } from './publish-changed.ts';

/** Scanners at a time: each waits for the services nearly all of its time. */
const width = 10;

const scannerOf = (record: DynamoDBRecord): string => record.dynamodb?.NewImage?.['scannerId']?.S ?? '';

/** Changes of heads and registrations; a record says only which Scanner, so several of one Scanner are one. */
export const handler = observed(async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  const scannerIds = [...new Set(Records.map(scannerOf))];
  const failures = await inParallel(scannerIds, width, publishChanged);
  for (const { item, error } of failures)
    logger.error('record failed', { scannerId: item, cause: error as Error });
  const failed = new Set(failures.map(({ item }) => item));
  return {
    batchItemFailures: Records.filter((record) => failed.has(scannerOf(record))).map(({ dynamodb }) => ({
      itemIdentifier: dynamodb?.SequenceNumber ?? '',
    })),
  };
});
