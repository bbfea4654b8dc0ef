import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { objectCreated } from '../../shared/messages/object-event.ts';
import { inTurn } from '../lib/batch.ts';
import { intake } from './import/intake.ts';
import { runImport } from './import/run-import.ts';

/** An object has arrived: by way of the queue that stands between the bucket's events and this function. */
const onObject = async (body: string): Promise<void> => {
  const importId = await intake(objectCreated.parse(JSON.parse(body)), new Date());
  if (importId !== null) await runImport(importId);
};

type Events = SQSEvent | DynamoDBStreamEvent;

const isQueue = (event: Events): event is SQSEvent => event.Records[0]?.eventSource === 'aws:sqs';

/** Imports begin with an object, and go on with a confirmation, which the table's stream tells of. */
export const handler = async (event: Events): Promise<SQSBatchResponse | DynamoDBBatchResponse> =>
  isQueue(event)
    ? inTurn(
        event.Records,
        (record) => record.messageId,
        (record) => onObject(record.body),
      )
    : inTurn(
        event.Records,
        (record) => record.dynamodb?.SequenceNumber ?? '',
        (record) => runImport(record.dynamodb?.NewImage?.['importId']?.S ?? ''),
      );
