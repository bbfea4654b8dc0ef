import type { _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';

/** A record as Lambda hands it to a function. */
export interface LambdaRecord {
  eventID: string;
  eventName: string;
  eventVersion: string;
  eventSource: 'aws:dynamodb';
  eventSourceARN: string;
  awsRegion: string;
  dynamodb: Record<string, unknown> & { SequenceNumber: string };
}

/** Times travel as seconds. */
const seconds = (date: Date | undefined): number => (date ?? new Date(0)).getTime() / 1000;

export const lambdaRecord = (
  record: StreamRecord,
  source: { arn: string; region: string },
): LambdaRecord => ({
  eventID: record.eventID ?? '',
  eventName: record.eventName ?? '',
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  eventSourceARN: source.arn,
  awsRegion: source.region,
  dynamodb: {
    ...record.dynamodb,
    SequenceNumber: record.dynamodb?.SequenceNumber ?? '',
    ApproximateCreationDateTime: seconds(record.dynamodb?.ApproximateCreationDateTime),
    StreamViewType: 'NEW_AND_OLD_IMAGES',
  },
});

/** DynamoDB tells nothing of a write that changes nothing; the engine does, so such records are dropped. */
export const changesSomething = ({ eventName, dynamodb }: LambdaRecord): boolean =>
  eventName !== 'MODIFY' || JSON.stringify(dynamodb['NewImage']) !== JSON.stringify(dynamodb['OldImage']);

export const itemKey = ({ dynamodb }: LambdaRecord): string => JSON.stringify(dynamodb['Keys']);

export const ageSeconds = ({ dynamodb }: LambdaRecord, now: number): number =>
  now / 1000 - Number(dynamodb['ApproximateCreationDateTime']);
