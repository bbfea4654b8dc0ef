import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import type { Endpoints } from '../../local/stack.ts';

/** The minute's look at whoever is due, now, and to its end. */
export const lookNow = async ({ region, accessKeyId, secretAccessKey, lambda }: Endpoints): Promise<void> => {
  const client = new LambdaClient({
    region,
    credentials: { accessKeyId, secretAccessKey },
    endpoint: lambda,
  });
  try {
    const { Functions = [] } = await client.send(new ListFunctionsCommand({}));
    const look = Functions.find(({ Description }) => Description === 'Looks at Scanners that are due');
    const Payload = new TextEncoder().encode(JSON.stringify({ source: 'aws.events' }));
    const answer = await client.send(new InvokeCommand({ FunctionName: look?.FunctionName, Payload }));
    if (answer.FunctionError)
      throw new Error(`The look failed: ${new TextDecoder().decode(answer.Payload ?? new Uint8Array())}`);
  } finally {
    client.destroy();
  }
};
