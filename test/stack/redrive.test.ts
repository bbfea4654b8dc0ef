import { execFile } from 'node:child_process';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { BatchWriteCommand, DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

let stack: StackProcess;
let s3: S3Client;
let sqs: SQSClient;
let table: DynamoDBDocumentClient;

beforeAll(async () => {
  stack = await startStackProcess();
  const { region, accessKeyId, secretAccessKey, ...endpoints } = stack.endpoints;
  const common = { region, credentials: { accessKeyId, secretAccessKey } };
  s3 = new S3Client({ endpoint: endpoints.s3, forcePathStyle: true, ...common });
  sqs = new SQSClient({ endpoint: endpoints.sqs, ...common });
  table = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: endpoints.dynamodb, ...common }));
});
afterAll(async () => {
  for (const client of [s3, sqs, table]) client?.destroy();
  await stack?.stop();
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the program against the stack, as `npm run redrive` does. */
const redrive = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const command = ['scripts/redrive.ts', '--data', stack.dir, ...args];
    execFile(process.execPath, command, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

interface Letter {
  id: string;
  in: string;
  about: string;
  to: string;
  outcome?: { done: boolean; reason?: string };
}
const lettersIn = ({ stdout }: Ended) => (JSON.parse(stdout) as { letters: Letter[] }).letters;
const dead = async (...args: string[]) => lettersIn(await redrive('--list', '--json', ...args));

const name = { TableName: '' };
beforeEach(() => {
  name.TableName = stack.endpoints.table;
});

const discardAll = async () => {
  const ids = (await dead()).flatMap(({ id }) => ['--discard', id]);
  expect((await redrive(...ids)).code).toBe(0);
};

describe('a stack on which nothing is dead', () => {
  it('is told so, with 0', async () => {
    expect(await redrive()).toEqual({
      code: 0,
      stdout: '0 dead letters: 0 in the queue, 0 in the bucket.\n',
      stderr: '',
    });
  });
});

describe('records of the stream that can never work', () => {
  // More than there are lanes, so that others lie behind a broken one whatever lane they are in.
  const broken = Array.from({ length: 30 }, (_, index) => ({
    pk: `derived#nonsense-${index}`,
    sk: 'derived',
  }));
  const scanners = ['mx1', 'mx2', 'mx3'];

  beforeAll(async () => {
    for (const [index, scannerId] of scanners.entries()) {
      await stack.call('POST', '/scanners', { scannerId });
      await stack.call('POST', `/scanners/${scannerId}/access-lists/inbound/entries`, {
        entries: [{ value: `192.0.2.${index}` }],
      });
    }
    for (const start of [0, 25])
      await table.send(
        new BatchWriteCommand({
          RequestItems: {
            [stack.endpoints.table]: broken
              .slice(start, start + 25)
              .map((Item) => ({ PutRequest: { Item } })),
          },
        }),
      );
  });

  it('keep no other from being done', async () => {
    const finding = (scannerId: string) =>
      stack.call('GET', `/scanners/${scannerId}/access-lists/inbound/lint`);
    expect((await finding('mx1')).status).toBe(202);
    for (const scannerId of scanners)
      await until(`findings of ${scannerId}`, async () => (await finding(scannerId)).status === 200);
  });

  it('end in the bucket, each with all that it takes to replay it', async () => {
    const about = (letters: Letter[]) =>
      letters.flatMap((letter) => letter.about.match(/nonsense-\d+/g) ?? []);
    const Bucket = stack.endpoints.deadRecordBucket;
    const Contents = await until(
      'all have been given up',
      async () => {
        const answer = await s3.send(new ListObjectsV2Command({ Bucket }));
        return (answer.Contents ?? []).length >= broken.length && answer.Contents;
      },
      { seconds: 150 },
    );
    const letters = await dead('--only', 'nonsense');
    expect(new Set(about(letters)).size).toBe(broken.length);
    expect(new Set(letters.map((letter) => letter.in))).toEqual(new Set(['bucket']));
    const [{ Key = '' } = {}] = Contents;
    expect(Key).toMatch(
      /^aws\/lambda\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/shardId-[\d-]+\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/,
    );
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    const event = expect.objectContaining({ eventSource: 'aws:dynamodb', eventName: 'INSERT' });
    expect(JSON.parse((await Body?.transformToString()) ?? '')).toEqual({
      requestContext: {
        requestId: expect.any(String),
        functionArn: expect.stringContaining(':function:WorkersRoute'),
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 6,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST' },
      version: '1.0',
      timestamp: expect.stringMatching(/Z$/),
      DDBStreamBatchInfo: {
        shardId: expect.stringMatching(/^shardId-/),
        startSequenceNumber: expect.any(String),
        endSequenceNumber: expect.any(String),
        approximateArrivalOfFirstRecord: expect.stringMatching(/:\d\dZ$/),
        approximateArrivalOfLastRecord: expect.stringMatching(/:\d\dZ$/),
        batchSize: 1,
        streamArn: expect.stringContaining(':dynamodb:'),
      },
      payload: { Records: [event] },
    });
  });

  it('fail again when they are replayed, stay, and the table says why, with 1', async () => {
    const before = await dead();
    const { code, stdout } = await redrive('--only', 'nonsense-7 ');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /bucket .* WorkersRoute\S* +RetryAttemptsExhausted .*nonsense-7 derived +6 +records that failed: 1; /,
    );
    expect(stdout).toContain('0 done, 1 left.');
    expect((await dead()).length).toBe(before.length);
  });

  it('are discarded by their ids, all of them or none', async () => {
    const [{ id = '' } = {}] = await dead();
    const nobody = await redrive('--discard', id, '--discard', 'ffffffff-');
    expect(nobody).toMatchObject({
      code: 1,
      stderr: '0 letters have the id ffffffff-: nothing was discarded.\n',
    });
    await discardAll();
    expect((await redrive()).code).toBe(0);
  });
});

describe('a worker’s event that is given up because an item is broken', () => {
  interface Job {
    importId: string;
    state: string;
  }
  let key: { pk: string; sk: string };
  let whole: Record<string, unknown>;
  const jobOf = async () =>
    (await stack.call('GET', `/imports/${key.pk.slice('import#'.length)}`)).body as Job;

  /** A job that waits for a worker, with an item that none can read: it does not say which file. */
  const breakJob = async () => {
    const { source: _, ...broken } = whole;
    await table.send(new PutCommand({ ...name, Item: { ...broken, state: 'uploaded' } }));
    const wokenAt = new Date().toISOString();
    await table.send(
      new PutCommand({ ...name, Item: { ...broken, state: 'uploaded', attempt: 0, wokenAt } }),
    );
  };

  beforeAll(async () => {
    await stack.call('POST', '/scanners', { scannerId: 'mx4' });
    const answer = await stack.call('POST', '/scanners/mx4/access-lists/outbound/imports', { mode: 'merge' });
    const { importId, upload } = answer.body as { importId: string; upload: { url: string; fields: object } };
    const form = new FormData();
    for (const [field, value] of Object.entries(upload.fields)) form.append(field, value);
    form.append('file', new Blob(['192.0.2.44\n']));
    expect((await fetch(upload.url, { method: 'POST', body: form })).status).toBeLessThan(300);
    key = { pk: `import#${importId}`, sk: 'import' };
    await until('the import ends', async () => (await jobOf()).state === 'completed');
    whole = (await table.send(new GetCommand({ ...name, Key: key }))).Item ?? {};
  });

  it('is with the dead letters, with its key and what the worker said', async () => {
    await breakJob();
    await until('it is given up', async () => {
      const AttributeNames = ['ApproximateNumberOfMessages'] as const;
      const QueueUrl = stack.endpoints.deadLetterQueue;
      const answer = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
      );
      return Number(answer.Attributes?.ApproximateNumberOfMessages) > 0;
    });
    const [letter] = await dead('--only', 'importId');
    expect(letter).toMatchObject({ in: 'queue', about: `importId ${key.pk.slice('import#'.length)}` });
    expect(letter?.to).toMatch(/^WorkersImport/);
    const { code, stdout } = await redrive('--list');
    expect(code).toBe(1);
    expect(stdout).toMatch(/RetriesExhausted, TypeError: .* 3 +-\n/);
  });

  it('is done when it is replayed after the item was mended, with 0, and gone', async () => {
    await table.send(new PutCommand({ ...name, Item: { ...whole, state: 'processing', attempt: 1 } }));
    const replayed = await redrive('--json');
    expect(replayed.code).toBe(0);
    expect(lettersIn(replayed).map(({ outcome }) => outcome)).toEqual([{ done: true }]);
    expect((await jobOf()).state).toBe('completed');
    expect(await dead()).toEqual([]);
  });
});

describe('a message that nobody understands', () => {
  it('is listed, cannot be replayed, and is left to whoever put it there', async () => {
    const QueueUrl = stack.endpoints.deadLetterQueue;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
    const { code, stdout } = await redrive();
    expect(code).toBe(1);
    expect(stdout).toContain('cannot be replayed: it is not understood');
    await discardAll();
  });
});

describe('the program', () => {
  it('says what it does', async () => {
    const { code, stdout } = await redrive('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('npm run redrive -- --list');
  });

  it.each([
    ['a queue without a bucket', ['--queue', 'https://q']],
    ['a word that is no option', ['--all']],
    ['showing and discarding at once', ['--list', '--discard', 'x']],
  ])('called with %s says what it takes, with 2', async (_, args) => {
    const { code, stderr } = await redrive(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('npm run redrive');
  });

  it('asks for a stack where none runs, with 1', async () => {
    const { code, stderr } = await redrive('--data', '/nowhere');
    expect(code).toBe(1);
    expect(stderr).toContain('npm start');
  });

  it('reaches a deployment by the names of its queue and bucket and the variables of any AWS client', async () => {
    const { deadLetterQueue, deadRecordBucket, region, accessKeyId, secretAccessKey, ...endpoints } =
      stack.endpoints;
    const env = {
      PATH: process.env['PATH'],
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL_SQS: endpoints.sqs,
      AWS_ENDPOINT_URL_S3: endpoints.s3,
      AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    };
    const args = ['scripts/redrive.ts', '--queue', deadLetterQueue, '--bucket', deadRecordBucket];
    const output = await new Promise<string>((resolve) => {
      execFile(process.execPath, args, { env }, (_, stdout, stderr) => resolve(stdout + stderr));
    });
    expect(output).toBe('0 dead letters: 0 in the queue, 0 in the bucket.\n');
  });
});
