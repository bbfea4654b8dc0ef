import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { objectCreated } from '../../shared/messages/object-event.ts';
import { type ImportWake, importWake } from '../../shared/messages/wake.ts';
import { inTurn } from '../lib/batch.ts';
import { observed } from '../lib/observed.ts';
import { intake } from './import/intake.ts';
import { runImport } from './import/run-import.ts';

/** An object has arrived: by way of the queue that stands between the bucket's events and this function. */
const onObject = async (body: string): Promise<void> => {
  const importId = await intake(objectCreated.parse(JSON.parse(body)), new Date());
  if (importId !== null) await runImport(importId);
};

/** Imports begin with an object, and go on when they are confirmed, or were lost and are found again, of which the router tells. */
export const handler = observed(
  async (event: SQSEvent | ImportWake): Promise<SQSBatchResponse | undefined> => {
    if ('Records' in event)
      return inTurn(
        event.Records,
        (record) => record.messageId,
        (record) => onObject(record.body),
      );
    await runImport(importWake.parse(event).importId);
    return undefined;
  },
);
