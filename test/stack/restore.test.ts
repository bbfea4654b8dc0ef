import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import {
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  paginateScan,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../bench/fault-proxy.ts';
import { clientVariables } from '../../scripts/embedded.ts';
import type { outcomeJson } from '../../scripts/restore/print.ts';
import { makeChain } from '../helpers/certificates.ts';
import { lookNow } from '../helpers/look.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { inSync, register, registered, s3Of, save, sync } from '../journey/support.ts';

/** What a point-in-time recovery makes: another table, in the same account, with what there was at a time. */
const recovered = 'recovered';

type Item = { pk: string; sk: string } & Record<string, unknown>;
interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

let stack: StackProcess;
let scanner: ScannerProcess;
let table: DynamoDBDocumentClient;
let s3: S3Client;
let certificateId: string;
let rolloutId: string;
let paths: string[];
let before: Map<string, unknown>;
let lastRevision: number;

const call = (method: string, path: string, body?: unknown) => stack.call(method, path, body);
const made = async (path: string, body: object): Promise<Record<string, unknown>> => {
  const answer = await call('POST', path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as Record<string, unknown>;
};
const add = (scannerId: string, ...values: string[]) =>
  made(`/scanners/${scannerId}/access-lists/inbound/entries`, {
    entries: values.map((value) => ({ value })),
  });

const itemsOf = async (TableName: string): Promise<Item[]> => {
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client: table }, { TableName, ConsistentRead: true }))
    items.push(...(Items as Item[]));
  return items;
};

const copyTable = async (): Promise<void> => {
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  await table.send(
    new CreateTableCommand({
      TableName: recovered,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    }),
  );
  const items = await itemsOf(stack.endpoints.table);
  for (let from = 0; from < items.length; from += 25) {
    const puts = items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
    await table.send(new BatchWriteCommand({ RequestItems: { [recovered]: puts } }));
  }
};

/** Runs the program as `npm run restore` does. */
const run = (script: string, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [script, '--data', stack.dir, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const restore = (...args: string[]) => run('scripts/restore.ts', '--from', recovered, ...args);
const outcomeOf = ({ stdout, stderr }: Ended) => {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ReturnType<typeof outcomeJson>;
};
const restoredIn = (outcome: ReturnType<typeof outcomeJson>) =>
  Object.entries(outcome.kinds).flatMap(([kind, { restored }]) =>
    restored === 0 ? [] : [`${restored} ${kind}`],
  );

/** What changes with time by itself, and what depends on when somebody looked. */
const steady = (body: unknown): unknown =>
  JSON.parse(
    JSON.stringify(body, (key, value) =>
      ['conditions', 'lastSeenAt', 'requestId', 'expiresAt', 'url'].includes(key) ? undefined : value,
    ),
  );
const readPaths = async (): Promise<Map<string, unknown>> => {
  const answers = new Map<string, unknown>();
  for (const path of paths) {
    const { status, body } = await call('GET', path);
    answers.set(path, [status, steady(body)]);
  }
  return answers;
};

beforeAll(async () => {
  stack = await startStackProcess();
  const { region, accessKeyId, secretAccessKey, dynamodb } = stack.endpoints;
  const credentials = { accessKeyId, secretAccessKey };
  table = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: dynamodb, region, credentials }));
  s3 = s3Of(stack);
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
  await register(stack, 'mx2');
  const [kept, gone] = await Promise.all([makeChain(), makeChain()]);
  certificateId = String((await made('/certificates', { name: 'mail', ...kept.upload }))['certificateId']);
  const goneId = String((await made('/certificates', { name: 'gone', ...gone.upload }))['certificateId']);
  const tls = { accept: true, certificateId, require: false, clientCertificate: 'none' };
  const settings = (port: number) => ({
    mailFiltering: 'inbound',
    inbound: { ipv4: { address: '127.0.0.1', port }, ipv6: null, accept: 'all', tls },
  });
  for (const scannerId of ['mx1', 'mx2']) {
    await save(stack, scannerId, settings(2525));
    await add(scannerId, '192.0.2.1', '2001:db8::/32', `${scannerId}.example.com`);
  }
  const rollout = { source: 'mx1', targets: { scannerIds: ['mx2'] }, sections: ['lists.inbound'] };
  rolloutId = String((await made('/rollouts', rollout))['rolloutId']);
  await until('the rollout has ended', async () => {
    const { state } = (await call('GET', `/rollouts/${rolloutId}`)).body as { state: string };
    return state === 'completed';
  });
  await inSync(stack, 'mx1');
  await copyTable();
  // What comes after the time that is recovered to.
  await add('mx1', '198.51.100.7');
  lastRevision = await save(stack, 'mx1', settings(2526));
  await register(stack, 'mx3');
  expect((await call('DELETE', `/certificates/${goneId}`)).status).toBe(200);
  await inSync(stack, 'mx1', lastRevision);
  await until('what the rollout has brought is published', async () => {
    const { desiredRevision, publishedRevision } = await sync(stack, 'mx2');
    return publishedRevision === desiredRevision;
  });
  await until('nothing is under way', () => stack.queuesAreEmpty());
  paths = [
    '/scanners',
    '/certificates',
    `/certificates/${certificateId}`,
    `/certificates/${goneId}`,
    '/audit?limit=1000',
    `/rollouts/${rolloutId}`,
    `/rollouts/${rolloutId}/targets`,
    ...['mx1', 'mx2', 'mx3'].flatMap((scannerId) =>
      [
        '',
        '/smtp',
        '/access-lists/inbound',
        '/access-lists/inbound/entries',
        '/revisions',
        '/audit',
        '/sync',
      ].map((part) => `/scanners/${scannerId}${part}`),
    ),
    ...[1, 2, 3, 4, 5].map((revision) => `/scanners/mx1/revisions/${revision}`),
  ];
  before = await readPaths();
}, 300_000);

afterAll(async () => {
  await scanner?.stop();
  table?.destroy();
  s3?.destroy();
  await stack?.stop();
});

/** Everything that the table had when it was recovered of one Scanner, of the fleet and of rollouts; and what mx1's history has had since, but the audit. */
const isLost = ({ pk, sk }: Item, old: ReadonlySet<string>): boolean => {
  if (pk === 'scanner#mx2') return ['due', 'scanner', 'standing'].includes(sk) || sk.startsWith('revision#');
  // What is told once and nowhere else cannot come from an earlier time.
  if (pk === 'scanner#mx1') return !/^(audit|reported)#/.test(sk) || old.has(`${pk} ${sk}`);
  return /^(artifact|certificate-name|rollout|import)#/.test(pk) && old.has(`${pk} ${sk}`);
};

const damage = async (): Promise<number> => {
  const old = new Set((await itemsOf(recovered)).map(({ pk, sk }) => `${pk} ${sk}`));
  const TableName = stack.endpoints.table;
  const lost = (await itemsOf(TableName)).filter((item) => isLost(item, old));
  for (const { pk, sk } of lost) await table.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
  for (const Prefix of ['lists/', 'secrets/']) {
    const Bucket = stack.endpoints.bucket;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
  return lost.length;
};

/** Begins a restore and kills its process at the n-th item that it puts. */
const killedAt = async (puts: number): Promise<NodeJS.Signals | null> => {
  let child: ChildProcess | undefined;
  let seen = 0;
  const proxy: FaultProxy = await startFaultProxy('dynamodb', stack.endpoints.dynamodb, () => ({
    fate: () => 'pass',
    done: ({ name }) => {
      if (name === 'PutItem' && ++seen === puts) child?.kill('SIGKILL');
    },
  }));
  const endpoints = clientVariables(stack.endpoints as unknown as Record<string, string>);
  const args = ['--from', recovered, '--table', stack.endpoints.table, '--bucket', stack.endpoints.bucket];
  child = spawn(process.execPath, ['scripts/restore.ts', ...args], {
    env: { PATH: process.env['PATH'], ...endpoints, AWS_ENDPOINT_URL_DYNAMODB: proxy.url },
    stdio: 'ignore',
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  await proxy.close();
  return signal;
};

describe('npm run restore', { timeout: 240_000 }, () => {
  it.each([
    ['without --from', []],
    ['with a table and no bucket', ['--from', 'x', '--table', 't']],
    ['with a word', ['--from', 'x', 'all']],
  ])('called %s ends with 2 and says what it takes', async (_, args) => {
    const { code, stderr } = await run('scripts/restore.ts', ...args);
    expect(stderr).toContain('npm run restore');
    expect(code).toBe(2);
  });

  it('from a table that there is not names it', async () => {
    const { code, stderr } = await run('scripts/restore.ts', '--from', 'nope');
    expect(stderr).toContain('There is no table nope.');
    expect(code).toBe(1);
  });

  it('does nothing where nothing is lost, though the live table is newer', async () => {
    const ended = await restore('--json');
    const outcome = outcomeOf(ended);
    expect(outcome.findings).toEqual([]);
    expect(restoredIn(outcome)).toEqual([]);
    expect(ended.code).toBe(0);
    expect(outcome.kinds['artifact']?.left).toEqual({ 'deleted since': 1 });
    expect(await readPaths()).toEqual(before);
  });

  it('brings back what was lost, killed half way and run again, and keeps what was written since', async () => {
    const lost = await damage();
    expect(lost).toBeGreaterThan(30);
    const dry = await restore('--dry-run', '--json');
    expect(restoredIn(outcomeOf(dry)).length).toBeGreaterThan(5);
    expect(
      (await itemsOf(stack.endpoints.table)).some(({ pk, sk }) => pk === 'scanner#mx1' && sk === 'head'),
    ).toBe(false);

    expect(await killedAt(10)).toBe('SIGKILL');
    const ended = await restore('--json');

    const outcome = outcomeOf(ended);
    expect(outcome.findings).toEqual([]);
    expect(ended.code).toBe(0);
    expect(outcome.objects.length).toBeGreaterThan(3);
    expect(outcome.scanners).toEqual(expect.arrayContaining(['mx1', 'mx2']));
    await lookNow(stack.endpoints);
    await inSync(stack, 'mx1', lastRevision);
    await until('all is answered as before', async () => {
      const now = await readPaths();
      return paths.every((path) => isDeepStrictEqual(now.get(path), before.get(path)));
    }).catch(() => undefined); // What is not is told by the comparison that follows.
    expect(await readPaths()).toEqual(before);
    expect(scanner.configuration()).toMatchObject({ revision: lastRevision });
  });

  it('run once more restores nothing, and fsck finds nothing', async () => {
    const { stdout, code } = await restore();
    expect(stdout).toMatch(/^what +in the backup +there +restored +left\n/);
    expect(stdout).toContain('0 items and 0 objects restored');
    expect(code).toBe(0);
    expect((await run('scripts/fsck.ts')).code).toBe(0);
  });

  it('goes on counting where it was: the next save has the next number, and is applied', async () => {
    const { revision } = await add('mx1', '203.0.113.9');
    expect(revision).toBe(lastRevision + 1);
    await inSync(stack, 'mx1', lastRevision + 1);
  });

  it('counts the targets of a rollout whose counts are lost, whatever they were at the time recovered to', async () => {
    const path = `/rollouts/${rolloutId}`;
    const isCount = ({ pk, sk }: Item) => pk === `rollout#${rolloutId}` && sk.startsWith('progress#');
    const counts = (await itemsOf(stack.endpoints.table)).filter(isCount);
    for (const { pk, sk } of counts) {
      await table.send(new DeleteCommand({ TableName: stack.endpoints.table, Key: { pk, sk } }));
      await table.send(new PutCommand({ TableName: recovered, Item: { pk, sk, gate: 1, pending: 5 } }));
    }
    const outcome = outcomeOf(await restore('--json'));
    expect(restoredIn(outcome)).toEqual(['8 rollout counts']);
    const { body } = await call('GET', path);
    expect([200, steady(body)]).toEqual(before.get(path));
    const gates = (await itemsOf(stack.endpoints.table)).filter(isCount).map(({ gate }) => gate);
    expect(gates).toEqual(Array.from({ length: 8 }, () => 0));
  });

  it.each<[string, (head: Item) => object]>([
    ['that is nonsense', ({ pk, sk }) => ({ pk, sk, nonsense: true })],
    [
      'whose settings are none',
      (head) => ({
        ...head,
        configuration: { ...(head['configuration'] as object), smtp: { mailFiltering: 'nonsense' } },
      }),
    ],
    ['that does not say when it was changed', ({ updatedAt: _, ...head }) => head],
  ])('replaces a head %s', async (_, damaged) => {
    const [head] = (await itemsOf(stack.endpoints.table)).filter(
      ({ pk, sk }) => pk === 'scanner#mx2' && sk === 'head',
    );
    await table.send(
      new PutCommand({ TableName: stack.endpoints.table, Item: damaged(head as Item) as Item }),
    );
    expect((await run('scripts/fsck.ts')).stdout).toContain('it cannot be read');
    const dry = await restore('--dry-run', '--json');
    expect(restoredIn(outcomeOf(dry))).toEqual(['1 head']);
    const { code, stdout } = await restore();
    expect(stdout).toContain('Everything is as it should be.');
    expect(code).toBe(0);
    expect((await readPaths()).get('/scanners/mx2/smtp')).toEqual(before.get('/scanners/mx2/smtp'));
  });
});
