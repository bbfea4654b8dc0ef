import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { hasCode } from '../../shared/errors.ts';
import { inTurn } from '../lib/batch.ts';
import { logger } from '../lib/logger.ts';
import { publishScanner } from './publish-scanner.ts';

const scannerOf = (record: DynamoDBRecord): string => record.dynamodb?.NewImage?.['scannerId']?.S ?? '';

/** The last record of each Scanner: the ones before it would publish the same head. */
const lastOfEach = (records: DynamoDBRecord[]): Set<DynamoDBRecord> =>
  new Set(new Map(records.map((record) => [scannerOf(record), record])).values());

const publish = async (record: DynamoDBRecord): Promise<void> => {
  try {
    await publishScanner(scannerOf(record), new Date());
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    logger.info('nothing to publish: the Scanner is gone', { scannerId: scannerOf(record) });
  }
};

/** A change of a head or of a registration; the record says only which Scanner. */
export const handler = (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  const last = lastOfEach(event.Records);
  return inTurn(
    event.Records,
    (record) => record.dynamodb?.SequenceNumber ?? '',
    async (record) => (last.has(record) ? publish(record) : undefined),
  );
};
