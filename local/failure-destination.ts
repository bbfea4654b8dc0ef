import { createHash, randomUUID } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BucketModel, EventSourceModel } from './model.ts';
import type { Queues } from './queues.ts';
import type { FailureRecord } from './stream-delivery.ts';

/** Where event source mappings put what failed for good. */
export interface FailureDestination {
  /** Keeps it where the mapping says: nowhere, where it says nothing. */
  keep(source: EventSourceModel, record: FailureRecord, event: object): Promise<void>;
}

/** A mapping's id, which AWS chooses: here it is made from the logical id, so that it stays what it is. */
const uuidOf = (source: EventSourceModel): string => {
  const hex = createHash('sha256').update(source.id).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};

/**
 * `aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>` (Lambda developer guide, "Retain discarded records for a
 * DynamoDB event source").
 */
const keyOf = (source: EventSourceModel, { timestamp, DDBStreamBatchInfo }: FailureRecord): string => {
  const day = timestamp.slice(0, 10).replaceAll('-', '/');
  const second = timestamp.slice(0, 19).replaceAll(':', '.');
  return `aws/lambda/${uuidOf(source)}/${DDBStreamBatchInfo.shardId}/${day}/${second}-${randomUUID()}`;
};

/** Puts in the name of a mapping's function. A queue gets what Lambda tells of the batch; a bucket gets that and, as `payload`, the whole event. */
export const failureDestination = (
  s3Of: (functionArn: string) => S3Client,
  buckets: BucketModel[],
  queues: Queues,
): FailureDestination => ({
  async keep(source, record, event) {
    const bucket = buckets.find(({ arn }) => arn === source.onFailureArn);
    if (bucket)
      await s3Of(source.functionArn).send(
        new PutObjectCommand({
          Bucket: bucket.name,
          Key: keyOf(source, record),
          Body: JSON.stringify({ ...record, payload: event }),
          ContentType: 'application/json',
        }),
      );
    else if (source.onFailureArn) queues.send(source.onFailureArn, record);
  },
});
