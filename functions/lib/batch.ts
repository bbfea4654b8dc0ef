import { hasCode } from '../../shared/errors.ts';
import { logger } from './logger.ts';

interface Failures {
  batchItemFailures: { itemIdentifier: string }[];
}

/** A service that is away, or has too much to do, fails the next record as well. */
const isPassing = (error: unknown): boolean => hasCode(error, 'UNAVAILABLE') || hasCode(error, 'THROTTLED');

/**
 * Works through the records of a batch in order and answers which of them failed. One that cannot be done is stepped over: a record of a stream that
 * can never work must not keep those behind it from being tried, nor take them to the dead letters untried (Lambda delivers again from the first
 * failure on, and gives up from there on). Where the failure is of a service and may pass, the rest is given back untried.
 */
export const inTurn = async <T>(
  records: readonly T[],
  identify: (record: T) => string,
  work: (record: T) => Promise<void>,
): Promise<Failures> => {
  const failed: T[] = [];
  for (const [index, record] of records.entries()) {
    try {
      await work(record);
    } catch (error) {
      logger.error('record failed', { record: identify(record), cause: error as Error });
      failed.push(...(isPassing(error) ? records.slice(index) : [record]));
      if (isPassing(error)) break;
    }
  }
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: identify(record) })) };
};
