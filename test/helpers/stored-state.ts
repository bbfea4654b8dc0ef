import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { StackProcess } from './stack.ts';

/** Everything that the control plane has stored, as JSON, and what its API answered of it. */
export interface StoredState {
  /** By which commit it was stored. */
  commit: string;
  /** In DynamoDB's own form; bytes as base64. */
  items: Record<string, AttributeValue>[];
  objects: { key: string; body: string; type: string; encoding?: string }[];
  /** Bodies of answers, by path. */
  answers: Record<string, unknown>;
}

const clientsOf = ({ endpoints }: StackProcess) => {
  const { region, accessKeyId, secretAccessKey } = endpoints;
  const common = { region, credentials: { accessKeyId, secretAccessKey } };
  return {
    dynamo: new DynamoDBClient({ endpoint: endpoints.dynamodb, ...common }),
    s3: new S3Client({ endpoint: endpoints.s3, ...common }),
  };
};

type Item = Record<string, AttributeValue>;

const written = (item: Item): Item =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.B ? { B: Buffer.from(value.B).toString('base64') as never } : value,
    ]),
  );

const read = (item: Item): Item =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.B ? { B: Buffer.from(value.B as unknown as string, 'base64') } : value,
    ]),
  );

/** All items of the table. */
export const storedItems = async (stack: StackProcess): Promise<Item[]> => {
  const { dynamo: client } = clientsOf(stack);
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName: stack.endpoints.table }))
    items.push(...(page.Items ?? []));
  client.destroy();
  return items;
};

const storedObjects = async ({ endpoints, ...stack }: StackProcess): Promise<StoredState['objects']> => {
  const { s3: client } = clientsOf({ endpoints, ...stack });
  const Bucket = endpoints.bucket;
  const objects: StoredState['objects'] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket }))
    for (const { Key: key = '' } of Contents) {
      const {
        Body,
        ContentType = '',
        ContentEncoding,
      } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
      const body = Buffer.from((await Body?.transformToByteArray()) ?? []).toString('base64');
      objects.push({
        key,
        body,
        type: ContentType,
        ...(ContentEncoding ? { encoding: ContentEncoding } : {}),
      });
    }
  client.destroy();
  return objects;
};

/** What a stack has stored, and what it answers at these paths. */
export const dumpState = async (
  stack: StackProcess,
  paths: readonly string[],
  commit: string,
): Promise<StoredState> => {
  const answers: Record<string, unknown> = {};
  for (const path of paths) {
    const { status, body } = await stack.call('GET', path);
    if (status !== 200) throw new Error(`${path} answers ${status}: ${JSON.stringify(body)}`);
    answers[path] = body;
  }
  const items = (await storedItems(stack)).map(written);
  return { commit, items, objects: await storedObjects(stack), answers };
};

/** Puts items as they are, past the control plane. */
export const putItems = async (stack: StackProcess, items: readonly Item[]): Promise<void> => {
  const { dynamo } = clientsOf(stack);
  for (let at = 0; at < items.length; at += 25) {
    const requests = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    const { UnprocessedItems = {} } = await dynamo.send(
      new BatchWriteItemCommand({ RequestItems: { [stack.endpoints.table]: requests } }),
    );
    if (Object.keys(UnprocessedItems).length > 0) throw new Error('The table left items over.');
  }
  dynamo.destroy();
};

/** Puts an object as it is, past the control plane. */
export const putObjects = async (stack: StackProcess, objects: StoredState['objects']): Promise<void> => {
  const { s3 } = clientsOf(stack);
  for (const { key, body, type, encoding } of objects)
    await s3.send(
      new PutObjectCommand({
        Bucket: stack.endpoints.bucket,
        Key: key,
        Body: Buffer.from(body, 'base64'),
        ContentType: type,
        ...(encoding ? { ContentEncoding: encoding } : {}),
      }),
    );
  s3.destroy();
};

/** Stores in a fresh stack what another had stored: first the objects, which items name. */
export const loadState = async (stack: StackProcess, { items, objects }: StoredState): Promise<void> => {
  await putObjects(stack, objects);
  await putItems(stack, items.map(read));
};
