import { gzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import {
  drop,
  importEnded,
  imports,
  inboundSettings,
  inSync,
  register,
  registered,
  s3Of,
  sample,
  save,
  sync,
  walk,
} from './support.ts';

let stack: StackProcess;
let scanners: ScannerProcess[];

beforeEach(async () => {
  stack = await startStackProcess();
  scanners = [];
});

afterEach(async () => {
  await Promise.all(scanners.map((scanner) => scanner.kill9()));
  await stack?.stop();
});

const startScanner = (id: string): ScannerProcess => {
  const scanner = startScannerProcess(stack.dir, id);
  scanners.push(scanner);
  return scanner;
};

describe('a Scanner that was away', () => {
  it('converges to the last of three changes, and applies only that', async () => {
    const first = startScanner('mx1');
    await registered(stack, 'mx1');
    await inSync(stack, 'mx1', await save(stack, 'mx1', inboundSettings(2501)));
    await first.stop();
    await until('seen as gone', async () => !(await sync(stack, 'mx1')).connected);

    await save(stack, 'mx1', inboundSettings(2502));
    await stack.call('POST', '/scanners/mx1/access-lists/inbound/entries', {
      entries: [{ value: '192.0.2.1' }],
    });
    const last = await save(stack, 'mx1', inboundSettings(2504, 'listed'));
    const again = startScanner('mx1');

    await inSync(stack, 'mx1', last);
    expect(again.configuration()).toMatchObject({
      revision: last,
      inbound: { ipv4: { port: 2504 }, accept: 'listed' },
    });
    expect(again.list('inbound')).toBe('192.0.2.1\n');
    expect(again.output()).not.toContain(`applied revision ${last - 1}`);
  });
});

describe('kill -9 of the whole stack', () => {
  it('in the middle of an import: it finishes after the restart, once', async () => {
    const big = bigList(200_000);
    const seenInItsMiddle = async (id: string): Promise<boolean> => {
      await register(stack, id);
      await save(stack, id, inboundSettings());
      await drop(stack, `${id}/inbound/big.txt`, big.text, { activate: 'true' });
      const begun = await until('the import has begun', async () =>
        (await imports(stack, id)).find(({ state }) => !['created', 'uploaded'].includes(state)),
      );
      return begun.state === 'processing';
    };
    // One that was over before anybody looked is of no use.
    let count = 1;
    while (count < 6 && !(await seenInItsMiddle(`mx${count}`))) count += 1;
    const id = `mx${count}`;

    await stack.kill9();
    await stack.restart();

    const job = await importEnded(stack, id);
    expect(job).toMatchObject({ state: 'completed', counts: { added: big.size } });
    expect(await imports(stack, id)).toHaveLength(1);
    expect((await sync(stack, id)).desiredRevision).toBe(job.revision);
    expect(job.revision).toBe(3);
  });

  it('right after a save: the revision is published and applied after the restart', async () => {
    startScanner('mx1');
    await registered(stack, 'mx1');
    await inSync(stack, 'mx1', await save(stack, 'mx1', inboundSettings(2501)));

    const revision = await save(stack, 'mx1', inboundSettings(2502));
    await stack.kill9();
    await stack.restart();

    const state = await inSync(stack, 'mx1', revision);
    expect(state.publishedRevision).toBe(revision);
  });

  it('again and again during saves: no answered save is lost, no revision is skipped', async () => {
    await register(stack, 'mx1');
    let answered = 1;
    for (let round = 0; round < 3; round++) {
      const saves = Array.from({ length: 8 }, (_, index) =>
        save(stack, 'mx1', inboundSettings(3000 + round * 10 + index)).then(
          (revision) => {
            answered = Math.max(answered, revision);
          },
          () => undefined,
        ),
      );
      await saves[2];
      await stack.kill9();
      await Promise.allSettled(saves);
      await stack.restart();
    }

    const state = await sync(stack, 'mx1');
    expect(state.desiredRevision).toBeGreaterThanOrEqual(answered);
    const last = await save(stack, 'mx1', inboundSettings(4000));
    expect(last).toBe(state.desiredRevision + 1);
    await until('published', async () => (await sync(stack, 'mx1')).publishedRevision === last);
  });
});

describe('an object whose bytes are not what its name says', () => {
  it('is refused by the Scanner, which keeps its last good configuration', async () => {
    const scanner = startScanner('mx1');
    await registered(stack, 'mx1');
    await save(stack, 'mx1', inboundSettings());
    await drop(stack, 'mx1/inbound/list.txt', sample.text, { 'on-invalid': 'skip', activate: 'true' });
    const good = await importEnded(stack, 'mx1');
    await inSync(stack, 'mx1', good.revision);
    await scanner.stop();
    const s3 = s3Of(stack);
    const known = new Set(await chunkKeys(s3));
    const edit = await stack.call('POST', '/scanners/mx1/access-lists/inbound/entries', {
      entries: [{ value: '203.0.113.7' }],
    });
    const { revision } = edit.body as { revision: number };
    const fresh = (await chunkKeys(s3)).filter((key) => !known.has(key));
    expect(fresh.length).toBeGreaterThan(0);
    const originals: [string, Uint8Array][] = [];
    for (const key of fresh) {
      originals.push([key, await bytesOf(s3, key)]);
      await putBytes(s3, key, gzipSync('198.51.100.1\n'));
    }

    const again = startScanner('mx1');

    const state = await until('the failure is reported', async () => {
      const seen = await sync(stack, 'mx1');
      return seen.lastReport?.revision === revision && seen.lastReport.code === 'failed' ? seen : undefined;
    });
    expect(state.appliedRevision).toBe(good.revision);
    expect(state.lastReport?.message).toMatch(/hash|sha-256/);
    expect(again.list('inbound')).toBe(sample.expected);
    for (const [key, bytes] of originals) await putBytes(s3, key, bytes);
    await inSync(stack, 'mx1', revision);
    expect(again.list('inbound').split('\n')).toContain('203.0.113.7');
  });
});

describe('the same object event delivered twice', () => {
  it('makes one job and one revision', async () => {
    await stack.restart(['--duplicate-events']);
    await register(stack, 'mx1');
    await save(stack, 'mx1', inboundSettings());

    await drop(stack, 'mx1/outbound/list.txt', '192.0.2.1\n192.0.2.2\n');

    const job = await importEnded(stack, 'mx1');
    expect(job).toMatchObject({ state: 'completed', counts: { added: 2 } });
    await until('both deliveries are done with', () => stack.queuesAreEmpty());
    expect(await imports(stack, 'mx1')).toHaveLength(1);
    expect((await sync(stack, 'mx1')).desiredRevision).toBe(job.revision);
    expect(await walk(stack, 'mx1', 'outbound')).toEqual(['192.0.2.1', '192.0.2.2']);
  });
});

const chunkKeys = async (s3: S3Client): Promise<string[]> => {
  const list = new ListObjectsV2Command({ Bucket: stack.endpoints.bucket, Prefix: 'lists/chunks/' });
  return ((await s3.send(list)).Contents ?? []).map(({ Key = '' }) => Key);
};

const bytesOf = async (s3: S3Client, Key: string): Promise<Uint8Array> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: stack.endpoints.bucket, Key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
};

const putBytes = async (s3: S3Client, Key: string, Body: Uint8Array): Promise<void> => {
  const put = { Bucket: stack.endpoints.bucket, Key, Body, ContentEncoding: 'gzip' };
  await s3.send(new PutObjectCommand(put));
};

const bigList = (size: number) => {
  const lines: string[] = [];
  for (let index = 0; index < size; index++)
    lines.push(`10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`);
  return { text: `${lines.join('\n')}\n`, size };
};
