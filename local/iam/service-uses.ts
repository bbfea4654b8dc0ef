import type { EventSourceModel, FunctionModel, StackModel } from '../model.ts';
import { ofTableKey } from './dynamodb-actions.ts';
import type { Wanted } from './policy.ts';
import type { StackPrincipals } from './principals.ts';

const on = (resource: string, ...actions: string[]): Wanted[] =>
  actions.map((action) => ({ action, resource }));

/** What Lambda reads a stream by (Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", "Execution role permissions"). */
const ofStream = ({ table, region }: StackModel): Wanted[] => [
  ...on(table.streamArn, 'dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'),
  ...ofTableKey({ table, region }),
];

/** What it polls a queue by (Lambda developer guide, "Using Lambda with Amazon SQS", "Execution role permissions"). */
const ofQueue = (arn: string): Wanted[] =>
  on(arn, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');

/** Where it keeps what failed for good: in a bucket anywhere (ADR 0018), in a queue. */
const ofDestination = (arn: string | undefined): Wanted[] => {
  if (arn === undefined) return [];
  return arn.includes(':sqs:')
    ? on(arn, 'sqs:SendMessage')
    : [...on(`${arn}/*`, 's3:PutObject'), ...on(arn, 's3:ListBucket')];
};

const ofMapping = (model: StackModel, { sourceArn, onFailureArn }: EventSourceModel): Wanted[] => [
  ...(sourceArn === model.table.streamArn ? ofStream(model) : ofQueue(sourceArn)),
  ...ofDestination(onFailureArn),
];

const demanded = (fn: FunctionModel, principals: StackPrincipals, wanted: Wanted[]): void => {
  try {
    principals.ofFunction(fn.arn).demand(...wanted);
  } catch (error) {
    throw new Error(`Lambda would refuse an event source or a destination of ${fn.entry}.`, { cause: error });
  }
};

/**
 * Holds every role to what Lambda does in its name: it makes no mapping and no destination without. What is done so is done inside of this
 * process here, and not by signed requests; only the batches of a stream that failed are put into their bucket over the wire.
 */
export const assertServiceUses = (model: StackModel, principals: StackPrincipals): void => {
  for (const fn of model.functions) {
    const mappings = model.eventSources.filter(({ functionArn }) => functionArn === fn.arn);
    demanded(fn, principals, [
      ...mappings.flatMap((mapping) => ofMapping(model, mapping)),
      ...ofDestination(fn.onFailureQueueArn),
    ]);
  }
};
