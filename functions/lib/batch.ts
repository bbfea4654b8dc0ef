import { logger } from './logger.ts';

interface Failures {
  batchItemFailures: { itemIdentifier: string }[];
}

/**
 * Works through the records of a batch in order and answers which of them failed. For a stream the first failure ends
 * the batch (Lambda delivers from there on again); for a queue each message stands for itself, and the rest was never tried.
 */
export const inTurn = async <T>(
  records: readonly T[],
  identify: (record: T) => string,
  work: (record: T) => Promise<void>,
): Promise<Failures> => {
  for (const [index, record] of records.entries()) {
    try {
      await work(record);
    } catch (error) {
      logger.error('record failed', { record: identify(record), cause: error as Error });
      return { batchItemFailures: records.slice(index).map((left) => ({ itemIdentifier: identify(left) })) };
    }
  }
  return { batchItemFailures: [] };
};
