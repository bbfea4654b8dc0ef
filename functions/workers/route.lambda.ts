import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { type Route, routeOf } from '../../shared/domain/route.ts';
import { inTurn } from '../lib/batch.ts';
import { type EnvironmentName, requireEnv } from '../lib/env.ts';
import { logger } from '../lib/logger.ts';
import { observed } from '../lib/observed.ts';
import { invokeLater } from '../stores/functions.ts';

const functionNames: Record<Route['worker'], EnvironmentName> = {
  import: 'IMPORT_FUNCTION',
  renew: 'RENEW_FUNCTION',
  derive: 'DERIVE_FUNCTION',
  reconcile: 'RECONCILE_FUNCTION',
  decommission: 'DECOMMISSION_FUNCTION',
  rollout: 'ROLLOUT_FUNCTION',
};

const wake = async ({ dynamodb }: DynamoDBRecord): Promise<void> => {
  const { pk, sk } = dynamodb?.Keys ?? {};
  const { worker, message } = routeOf({ pk: pk?.S ?? '', sk: sk?.S ?? '' });
  await invokeLater(requireEnv(functionNames[worker]), message);
  logger.info('woken', { worker, ...message });
};

/** The stream's second reader: wakes the worker that a change is for, with its key, and waits for none of them (ADR 0011). */
export const handler = observed(
  (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> =>
    inTurn(event.Records, (record) => record.dynamodb?.SequenceNumber ?? '', wake),
);
