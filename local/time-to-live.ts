import { DeleteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from './dynamodb.ts';
import type { TableModel } from './model.ts';
import { startPump } from './pump.ts';
import type { Credentials } from './sigv4.ts';

const everyMs = 60_000;

export interface ExpiryOptions {
  url: string;
  table: TableModel;
  region: string;
  credentials: Credentials;
  onError(error: unknown): void;
}

/** Deletes items past their time to live about once a minute, which the engine itself never does. Answers how to stop. */
export const expireItems = ({
  url,
  table,
  region,
  credentials,
  onError,
}: ExpiryOptions): (() => Promise<void>) => {
  const attribute = table.ttlAttribute;
  if (attribute === undefined) return async () => undefined;
  const client = dynamoClient(url, region, credentials);
  const round = async (): Promise<boolean> => {
    const scan = new ScanCommand({
      TableName: table.name,
      ProjectionExpression: 'pk, sk',
      FilterExpression: '#expires < :now',
      ExpressionAttributeNames: { '#expires': attribute },
      ExpressionAttributeValues: { ':now': { N: String(Math.floor(Date.now() / 1000)) } },
    });
    for (const Key of (await client.send(scan)).Items ?? [])
      await client.send(new DeleteItemCommand({ TableName: table.name, Key }));
    return false;
  };
  const pump = startPump(round, { idleMs: everyMs, onError });
  return async () => {
    await pump.stop();
    client.destroy();
  };
};
