import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { calling, patience } from './faults.ts';

const lambda = new LambdaClient(patience);

/**
 * Has a function invoked with an event, without waiting for it: once this resolves, Lambda keeps the event and tries as often as the function is
 * configured to, while it is throttled for up to six hours, and possibly more than once (Lambda developer guide, "How Lambda handles errors and
 * retries with asynchronous invocation").
 */
export const invokeLater = async (functionName: string, event: object): Promise<void> => {
  const Payload = new TextEncoder().encode(JSON.stringify(event));
  await calling(
    lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload })),
  );
};
