import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { inboundSettings, register, save } from './support.ts';

let stack: StackProcess;
let lambda: LambdaClient;
const names = new Map<string, string>();

const clientOptions = ({ endpoints }: StackProcess, endpoint: string) => ({
  endpoint,
  region: endpoints.region,
  credentials: endpoints,
});

beforeAll(async () => {
  stack = await startStackProcess();
  lambda = new LambdaClient(clientOptions(stack, stack.endpoints.lambda));
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  for (const { Description = '', FunctionName = '' } of Functions) names.set(Description, FunctionName);
});

afterAll(async () => {
  lambda?.destroy();
  await stack?.stop();
});

/** Runs a function with the event of its schedule. */
const fire = async (description: string) => {
  const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
  const invoke = new InvokeCommand({
    FunctionName: names.get(description),
    Payload: Buffer.from(JSON.stringify(event)),
  });
  return (await lambda.send(invoke)).FunctionError;
};

const storedSweep = async () => {
  const dynamo = DynamoDBDocumentClient.from(
    new DynamoDBClient(clientOptions(stack, stack.endpoints.dynamodb)),
  );
  const get = new GetCommand({ TableName: stack.endpoints.table, Key: { pk: 'sweep', sk: 'sweep' } });
  const { Item } = await dynamo.send(get);
  dynamo.destroy();
  return Item;
};

describe('what a schedule does, each function in its own role,', () => {
  it('measures how long certificates are good', async () => {
    expect(await fire('Measures how long certificates are good')).toBeUndefined();
  });

  it('brings Scanners to what was left over of renewals', async () => {
    expect(await fire('Brings Scanners to renewed artifacts')).toBeUndefined();
  });

  it('marks what revisions name, and looks through the bucket for what none does', async () => {
    await register(stack, 'swept-1');
    await save(stack, 'swept-1', inboundSettings());
    expect(await fire('Deletes what nothing names')).toBeUndefined();
    expect(await storedSweep()).toMatchObject({ phase: 'done', counts: { deleted: 0 } });
  });
});
