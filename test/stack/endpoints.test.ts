import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

let stack: StackProcess;
let lambda: LambdaClient;
let s3: S3Client;

beforeAll(async () => {
  stack = await startStackProcess();
  const { endpoints } = stack;
  const { region, accessKeyId, secretAccessKey } = endpoints;
  const common = { region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
  lambda = new LambdaClient({ endpoint: endpoints.lambda, ...common });
  s3 = new S3Client({ endpoint: endpoints.s3, forcePathStyle: true, ...common });
});

afterAll(async () => {
  lambda?.destroy();
  s3?.destroy();
  await stack?.stop();
});

describe('Lambda of the running stack', () => {
  it('runs a function by its logical id', async () => {
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
    const meta = Functions.find(({ Description }) => Description === 'API: meta');
    const event = {
      version: '2.0',
      routeKey: 'GET /v1/health',
      rawPath: '/v1/health',
      headers: {},
      requestContext: { http: { method: 'GET', path: '/v1/health' }, requestId: 'r' },
    };
    const Payload = Buffer.from(JSON.stringify(event));
    const answer = await lambda.send(new InvokeCommand({ FunctionName: meta?.FunctionName, Payload }));
    expect(answer.FunctionError).toBeUndefined();
    expect(JSON.parse(answer.Payload?.transformToString() ?? '')).toMatchObject({ statusCode: 200 });
  });

  it('runs bundles, and the trace of an error names their sources', async () => {
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
    const route = Functions.find(({ Description }) => Description === 'Wakes other workers');
    const Payload = Buffer.from(JSON.stringify({ Records: 'none' }));
    const answer = await lambda.send(new InvokeCommand({ FunctionName: route?.FunctionName, Payload }));
    expect(answer.FunctionError).toBe('Unhandled');
    const { trace } = JSON.parse(answer.Payload?.transformToString() ?? '') as { trace: string[] };
    expect(trace.join('\n')).toMatch(/functions\/lib\/batch\.ts:\d+:\d+/);
  });

  it('is what stock clients are pointed at', () => {
    const lines = execFileSync(process.execPath, ['scripts/aws-env.ts', '--data', stack.dir], {
      encoding: 'utf8',
    });
    expect(lines).toContain(`export AWS_ENDPOINT_URL_LAMBDA='${stack.endpoints.lambda}'\n`);
    expect(lines).toContain(`export AWS_ENDPOINT_URL_SQS='${stack.endpoints.sqs}'\n`);
  });
});

describe('the folder of the running stack', () => {
  it('can be gone through by others, and nothing in it can be read or listed by them', () => {
    // What the running stack has just taken away is open to nobody.
    const modeOf = (path: string) => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777;
    expect(modeOf(stack.dir)).toBe(0o711);
    const open = readdirSync(stack.dir).filter((name) => (modeOf(join(stack.dir, name)) & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});

describe('the bucket of the running stack', () => {
  it('is encrypted with the key that the template declares', async () => {
    const at = { Bucket: stack.endpoints.bucket, Key: 'secrets/test' };
    const secret = 'nobody may read this on the disk';
    await s3.send(new PutObjectCommand({ ...at, Body: secret }));
    expect(await s3.send(new HeadObjectCommand(at))).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: expect.stringMatching(/^arn:aws:kms:eu-west-1:000000000000:key\/StorageKey/),
      BucketKeyEnabled: true,
    });
    // The stack runs on, and takes files away: of the answers, one is good in which none went meanwhile.
    const holding = await until('all files are read', () => {
      const files = readdirSync(stack.dir, { recursive: true, encoding: 'utf8' })
        .map((name) => join(stack.dir, name))
        .filter((path) => statSync(path).isFile());
      return files.filter((path) => readFileSync(path).includes(secret));
    });
    expect(holding).toEqual([]);
  });
});
