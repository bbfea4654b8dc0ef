import { randomUUID } from 'node:crypto';
import type { Invoker } from './lambda.ts';
import type { EventSourceModel } from './model.ts';
import { ageSeconds, itemKey, type LambdaRecord } from './stream-records.ts';

export interface DeliveryOptions {
  source: EventSourceModel;
  lambda: Invoker;
  /** Where a batch goes that failed for good: what Lambda tells of it, and the event that holds it. Only once this resolves is it done with. */
  toFailureDestination(record: FailureRecord, event: object): Promise<void>;
  onError(error: unknown): void;
  now(): number;
  stopping(): boolean;
}

/** Records of one item stay in one lane, so their order is kept (Lambda developer guide, parallelization factor). */
const lanesOf = (records: LambdaRecord[], lanes: number): LambdaRecord[][] => {
  const result: LambdaRecord[][] = Array.from({ length: lanes }, () => []);
  for (const record of records) {
    let hash = 0;
    for (const character of itemKey(record)) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
    result[hash % lanes]?.push(record);
  }
  return result.filter((lane) => lane.length > 0);
};

const batchesOf = (records: LambdaRecord[], size: number): LambdaRecord[][] =>
  Array.from({ length: Math.ceil(records.length / size) }, (_, index) =>
    records.slice(index * size, (index + 1) * size),
  );

/** How the last call of a batch ended, as Lambda tells it. */
interface LastCall {
  attempts: number;
  condition: string;
  /** The function threw, and did not answer which records failed. */
  threw: boolean;
}

const arrivalOf = (record: LambdaRecord | undefined): string =>
  `${new Date(Number(record?.dynamodb['ApproximateCreationDateTime'] ?? 0) * 1000).toISOString().slice(0, 19)}Z`;

/** What Lambda tells of a batch that failed for good (Lambda developer guide, "Retain discarded records for a DynamoDB event source"). */
const failureRecord = (
  batch: LambdaRecord[],
  source: EventSourceModel,
  now: number,
  { attempts, condition, threw }: LastCall,
) => ({
  requestContext: {
    requestId: randomUUID(),
    functionArn: source.functionArn,
    condition,
    approximateInvokeCount: attempts,
  },
  responseContext: {
    statusCode: 200,
    executedVersion: '$LATEST',
    ...(threw ? { functionError: 'Unhandled' } : {}),
  },
  version: '1.0',
  timestamp: new Date(now).toISOString(),
  DDBStreamBatchInfo: {
    shardId: 'shardId-00000000000000000000-00000000',
    startSequenceNumber: batch[0]?.dynamodb.SequenceNumber,
    endSequenceNumber: batch.at(-1)?.dynamodb.SequenceNumber,
    approximateArrivalOfFirstRecord: arrivalOf(batch[0]),
    approximateArrivalOfLastRecord: arrivalOf(batch.at(-1)),
    batchSize: batch.length,
    streamArn: source.sourceArn,
  },
});

export type FailureRecord = ReturnType<typeof failureRecord>;

/** Index of the first record that the function says it could not handle; the length where it handled all. */
const firstFailure = (batch: LambdaRecord[], result: unknown): number => {
  const failures =
    (result as { batchItemFailures?: { itemIdentifier: string }[] } | null)?.batchItemFailures ?? [];
  const failed = new Set(failures.map((failure) => failure.itemIdentifier));
  const index = batch.findIndex((record) => failed.has(record.dynamodb.SequenceNumber));
  return index < 0 ? batch.length : index;
};

const backoffMs = (attempt: number) => Math.min(5000, 50 * 2 ** attempt);

/**
 * Delivers records to a function as an event source mapping does: in batches, in order for each item, again after a failure, halved
 * where that is asked for, and to the failure queue when the tries are used up.
 */
export const deliverRecords = async (records: LambdaRecord[], options: DeliveryOptions): Promise<void> => {
  const { source, lambda } = options;

  const giveUp = (batch: LambdaRecord[], last: LastCall) =>
    options.toFailureDestination(failureRecord(batch, source, options.now(), last), { Records: batch });

  const usedUp = (batch: LambdaRecord[], attempt: number): string | undefined => {
    if (source.maxRetries >= 0 && attempt > source.maxRetries) return 'RetryAttemptsExhausted';
    const oldest = batch[0];
    const limit = source.maxRecordAgeSeconds;
    return oldest && limit > 0 && ageSeconds(oldest, options.now()) > limit
      ? 'MaximumRecordAgeExceeded'
      : undefined;
  };

  /** What is left of the batch after one call; an error counts as nothing handled. */
  const call = async (batch: LambdaRecord[]): Promise<{ left: LambdaRecord[]; threw: boolean }> => {
    try {
      const result = await lambda.invoke(source.functionArn, { Records: batch });
      return { left: source.partialResponses ? batch.slice(firstFailure(batch, result)) : [], threw: false };
    } catch (error) {
      options.onError(error);
      return { left: batch, threw: true };
    }
  };

  const deliver = async (batch: LambdaRecord[], attempt: number): Promise<void> => {
    const { left, threw } = await call(batch);
    if (left.length === 0 || options.stopping()) return;
    const condition = usedUp(left, attempt + 1);
    if (condition) return giveUp(left, { attempts: attempt + 1, condition, threw });
    await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt)));
    const nothingDone = left.length === batch.length;
    if (source.bisect && nothingDone && left.length > 1) {
      const middle = Math.ceil(left.length / 2);
      await deliver(left.slice(0, middle), attempt);
      await deliver(left.slice(middle), attempt);
    } else await deliver(left, nothingDone ? attempt + 1 : 0);
  };

  const lanes = lanesOf(records, source.parallelization).map(async (lane) => {
    for (const batch of batchesOf(lane, source.batchSize)) await deliver(batch, 0);
  });
  await Promise.all(lanes);
};
