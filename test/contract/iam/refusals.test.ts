import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IoTClient, ListThingPrincipalsCommand } from '@aws-sdk/client-iot';
import { GetThingShadowCommand, IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDynamo } from '../../../local/dynamodb.ts';
import { startDynamoGate } from '../../../local/iam/dynamodb-gate.ts';
import { stackPrincipals } from '../../../local/iam/principals.ts';
import { startIot } from '../../../local/iot/iot.ts';
import { startLambda } from '../../../local/lambda.ts';
import { startLambdaApi } from '../../../local/lambda-api.ts';
import type {
  BucketModel,
  FunctionModel,
  PolicyDocument,
  QueueModel,
  TableModel,
} from '../../../local/model.ts';
import { choosePorts } from '../../../local/ports.ts';
import { openQueues } from '../../../local/queues.ts';
import { startS3 } from '../../../local/s3/server.ts';
import { startSqs } from '../../../local/sqs/server.ts';
import { openState } from '../../../local/state.ts';

const region = 'eu-west-1';
const accountId = '000000000000';
const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
const admin = { accessKeyId: 'AKIDADMIN', secretAccessKey: 'secret of the administrator' };
const keyArn = arn('kms', 'key/k');
const bucket: BucketModel = {
  name: 'bucket',
  arn: 'arn:aws:s3:::bucket',
  versioned: true,
  eventBridge: false,
  encryption: { keyArn, bucketKey: true },
};
const queue: QueueModel = {
  arn: arn('sqs', 'queue'),
  name: 'queue',
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 60,
};
const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
const key = (...names: string[]) =>
  names.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' }));
const table: TableModel = {
  name: 'table',
  arn: arn('dynamodb', 'table/table'),
  streamArn: arn('dynamodb', 'table/table/stream/1'),
  create: {
    TableName: 'table',
    AttributeDefinitions: ['pk', 'sk', 'listPk', 'listSk'].map(attribute),
    KeySchema: key('pk', 'sk'),
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      { IndexName: 'listed', KeySchema: key('listPk', 'listSk'), Projection: { ProjectionType: 'ALL' } },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  },
};

const allow = (Action: string | string[], Resource: string, Condition?: object) => ({
  Effect: 'Allow' as const,
  Action,
  Resource,
  ...(Condition ? { Condition } : {}),
});
const ofRows = (...patterns: string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns },
  Null: { 'dynamodb:LeadingKeys': 'false' },
});
const throughS3 = { StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` } };
const policy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    allow(['s3:GetObject', 's3:PutObject'], `${bucket.arn}/open/*`),
    allow('s3:PutObject', `${bucket.arn}/blind/*`),
    allow(['kms:GenerateDataKey', 'kms:Decrypt'], keyArn, throughS3),
    allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'], table.arn, ofRows('a#*')),
    allow('dynamodb:Query', `${table.arn}/index/listed`, ofRows('mine')),
    allow('dynamodb:PutItem', table.arn, {
      ...ofRows('a#*'),
      'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] },
    }),
    allow('iot:GetThingShadow', arn('iot', 'thing/mx*')),
    allow('iot:ListThingPrincipals', arn('iot', 'thing/mx*')),
    allow('iot:Publish', arn('iot', 'topic/scanners/*/accepted')),
  ],
};
const functions: FunctionModel[] = ['Limited', 'Other'].map((id) => ({
  id,
  arn: arn('lambda', `function:${id}`),
  aliases: [],
  entry: `test/${id}.ts`,
  timeoutSeconds: 5,
  environment: {},
  asyncRetries: 0,
  role: { arn: `arn:aws:iam::${accountId}:role/${id}Role`, policies: [policy] },
}));
const refused: string[] = [];
const principals = stackPrincipals(admin, functions, {
  used: () => undefined,
  refused: (_, { action }) => refused.push(action),
});
const { credentials } = principals.ofFunction(arn('lambda', 'function:Limited'));

const dir = mkdtempSync(join(tmpdir(), 'iam-'));
const ends: (() => void | Promise<void>)[] = [() => rmSync(dir, { recursive: true, force: true })];
const ending = <T extends { destroy(): void }>(client: T): T => {
  ends.push(() => client.destroy());
  return client;
};
const onError = (error: unknown) => {
  throw error;
};

interface Clients {
  s3: S3Client;
  s3OfAdmin: S3Client;
  sqs: SQSClient;
  queueUrl: string;
  lambda: LambdaClient;
  iot: IoTClient;
  data: IoTDataPlaneClient;
  dynamo: DynamoDBDocumentClient;
  dynamoOfAdmin: DynamoDBDocumentClient;
}
let clients: Clients;

const startDynamos = async (port: number) => {
  const engine = await startDynamo({ dir, port, table, region, credentials: admin });
  const gate = await startDynamoGate({
    url: engine.url,
    table,
    region,
    principals,
    accessKeyId: admin.accessKeyId,
    onError,
  });
  ends.push(engine.close, gate.close);
  const clientOf = (endpoint: string, signer = credentials) =>
    DynamoDBDocumentClient.from(
      ending(new DynamoDBClient({ endpoint, region, credentials: signer, maxAttempts: 1 })),
    );
  return { dynamo: clientOf(gate.url), dynamoOfAdmin: clientOf(engine.url, admin) };
};

beforeAll(async () => {
  const ports = await choosePorts(dir, 0);
  const state = openState(dir);
  ends.push(state.close);
  const common = { state, region, accountId, credentials: admin, principals, now: Date.now };
  const { now: _, ...dated } = common;
  const s3 = await startS3({ ...dated, port: 0, buckets: [bucket], emit: () => undefined });
  const queues = openQueues(state, [queue], { region, onError, now: Date.now });
  const sqs = await startSqs({ ...common, queues, port: 0, onError });
  const iot = await startIot({
    ...dated,
    policies: [],
    thingTypes: [],
    topicRules: [],
    ports: { http: 0, mqtt: 0 },
    invokeAsync: () => undefined,
  });
  const lambda = startLambda({ functions, root: process.cwd(), logDir: dir, variables: {} });
  const api = await startLambdaApi({
    ...common,
    functions,
    lambda,
    invokeAsync: () => undefined,
    port: 0,
    onError,
  });
  ends.push(s3.close, queues.stop, sqs.close, iot.close, lambda.close, api.close);
  const of = (endpoint: string, signer = credentials) => ({
    endpoint,
    region,
    credentials: signer,
    maxAttempts: 1,
  });
  clients = {
    s3: ending(new S3Client({ ...of(s3.url), forcePathStyle: true })),
    s3OfAdmin: ending(new S3Client({ ...of(s3.url, admin), forcePathStyle: true })),
    sqs: ending(new SQSClient(of(sqs.url))),
    queueUrl: sqs.urlOf(queue),
    lambda: ending(new LambdaClient(of(api.url))),
    iot: ending(new IoTClient(of(iot.controlUrl))),
    data: ending(new IoTDataPlaneClient(of(iot.dataUrl))),
    ...(await startDynamos(ports.dynamodb)),
  };
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const session = `arn:aws:sts::${accountId}:assumed-role/LimitedRole/Limited`;
const reason = (action: string, resource: string) =>
  `User: ${session} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;

describe('the bucket', () => {
  const get = (Key: string) => clients.s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }));
  const put = (Key: string) => clients.s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'x' }));

  it('gives a role what it may have, and takes it, with the key of the bucket', async () => {
    await put('open/x');
    expect(await (await get('open/x')).Body?.transformToString()).toBe('x');
  });

  it('refuses the rest with the name of who asked for what', async () => {
    await expect(put('other/x')).rejects.toMatchObject({
      name: 'AccessDenied',
      message: reason('s3:PutObject', 'arn:aws:s3:::bucket/other/x'),
      $metadata: { httpStatusCode: 403 },
    });
    await put('blind/x');
    await expect(get('blind/x')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(
      clients.s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'open/x', VersionId: 'null' })),
    ).rejects.toMatchObject({ message: expect.stringContaining('s3:GetObjectVersion') });
  });

  it('does not say that an object is missing to who may not list it', async () => {
    await expect(get('open/missing')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(
      clients.s3OfAdmin.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'open/missing' })),
    ).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('the table', () => {
  const item = (pk: string) => ({ pk, sk: 'x', listPk: 'mine', listSk: pk });
  const put = (pk: string) => ({ Put: { TableName: 'table', Item: item(pk) } });
  const get = (pk: string) =>
    clients.dynamo.send(new GetCommand({ TableName: 'table', Key: { pk, sk: 'x' } }));
  const denied = (action: string, of = table.arn) => ({
    name: 'AccessDeniedException',
    message: reason(action, of),
    $metadata: { httpStatusCode: 400 },
  });

  it('is written in transactions where only they are allowed, and only where every row is', async () => {
    await clients.dynamo.send(new TransactWriteCommand({ TransactItems: [put('a#1'), put('a#2')] }));
    await expect(
      clients.dynamo.send(new TransactWriteCommand({ TransactItems: [put('a#3'), put('b#1')] })),
    ).rejects.toMatchObject(denied('dynamodb:PutItem'));
    await expect(
      clients.dynamo.send(new PutCommand({ TableName: 'table', Item: item('a#3') })),
    ).rejects.toMatchObject(denied('dynamodb:PutItem'));
    expect((await get('a#1')).Item).toMatchObject({ pk: 'a#1' });
    expect((await get('a#3')).Item).toBeUndefined();
  });

  it('is read by the rows that a role may read', async () => {
    await expect(get('b#1')).rejects.toMatchObject(denied('dynamodb:GetItem'));
    const batch = (...rows: string[]) =>
      clients.dynamo.send(
        new BatchGetCommand({ RequestItems: { table: { Keys: rows.map((pk) => ({ pk, sk: 'x' })) } } }),
      );
    expect((await batch('a#1', 'a#2')).Responses?.['table']).toHaveLength(2);
    await expect(batch('a#1', 'b#1')).rejects.toMatchObject(denied('dynamodb:BatchGetItem'));
    await expect(clients.dynamo.send(new ScanCommand({ TableName: 'table' }))).rejects.toMatchObject(
      denied('dynamodb:Scan'),
    );
    expect((await clients.dynamoOfAdmin.send(new ScanCommand({ TableName: 'table' }))).Count).toBe(2);
  });

  it('is queried by the partition of the table or of the index that a role may read', async () => {
    const query = (name: string, value: string, IndexName?: string) =>
      clients.dynamo.send(
        new QueryCommand({
          TableName: 'table',
          KeyConditionExpression: `${name} = :value`,
          ExpressionAttributeValues: { ':value': value },
          ...(IndexName === undefined ? {} : { IndexName }),
        }),
      );
    expect((await query('pk', 'a#1')).Count).toBe(1);
    expect((await query('listPk', 'mine', 'listed')).Count).toBe(2);
    await expect(query('pk', 'b#1')).rejects.toMatchObject(denied('dynamodb:Query'));
    await expect(query('listPk', 'other', 'listed')).rejects.toMatchObject(
      denied('dynamodb:Query', `${table.arn}/index/listed`),
    );
  });
});

describe('the other services', () => {
  it('refuse as each does what a role may not do', async () => {
    await expect(
      clients.sqs.send(new SendMessageCommand({ QueueUrl: clients.queueUrl, MessageBody: 'x' })),
    ).rejects.toMatchObject({ name: 'AccessDenied', message: reason('sqs:SendMessage', queue.arn) });
    await expect(clients.lambda.send(new InvokeCommand({ FunctionName: 'Other' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: reason('lambda:InvokeFunction', arn('lambda', 'function:Other')),
    });
    await expect(
      clients.iot.send(new ListThingPrincipalsCommand({ thingName: 'other' })),
    ).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: reason('iot:ListThingPrincipals', arn('iot', 'thing/other')),
    });
    await expect(
      clients.data.send(new GetThingShadowCommand({ thingName: 'other', shadowName: 's' })),
    ).rejects.toMatchObject({ name: 'ForbiddenException' });
  });

  it('do what it may', async () => {
    const publish = (topic: string) => clients.data.send(new PublishCommand({ topic, payload: 'x' }));
    await publish('scanners/mx1/accepted');
    await expect(publish('scanners/mx1/get')).rejects.toMatchObject({ name: 'ForbiddenException' });
    await expect(
      clients.data.send(new GetThingShadowCommand({ thingName: 'mx1', shadowName: 's' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

it('every refusal is told to whoever keeps a record of them', () => {
  expect(new Set(refused)).toContain('dynamodb:PutItem');
  expect(new Set(refused)).toContain('iot:Publish');
});
