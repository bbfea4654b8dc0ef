import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../bench/fault-proxy.ts';
import { disturbed, hintless, type Load, lostOf, runLoad } from '../../bench/load.ts';
import { type EmbeddedStack, startStack } from '../../local/stack.ts';
import { createClient } from '../../shared/client.ts';

/** Calls of each client, and where chance begins: `LOAD_CALLS=500 LOAD_SEED=… npx vitest run --project journey load`. */
const calls = Number(process.env['LOAD_CALLS'] ?? 30);
const seed = Number(process.env['LOAD_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const scannerIds = ['mx1', 'mx2', 'mx3', 'mx4'];

let dir: string;
let stack: EmbeddedStack;
let load: Load;
const board = disturbed(seed);
const proxies: FaultProxy[] = [];

/** A proxy before table and bucket, as functions call them. */
const between = async (variables: Record<string, string>): Promise<Record<string, string>> => {
  const dynamodb = await startFaultProxy(
    'dynamodb',
    variables['AWS_ENDPOINT_URL_DYNAMODB'] ?? '',
    () => board,
  );
  const s3 = await startFaultProxy('s3', variables['AWS_ENDPOINT_URL_S3'] ?? '', () => board);
  proxies.push(dynamodb, s3);
  return { ...variables, AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url, AWS_ENDPOINT_URL_S3: s3.url };
};

beforeAll(async () => {
  console.log(`load with LOAD_SEED=${seed} LOAD_CALLS=${calls}`);
  dir = mkdtempSync(join(tmpdir(), 'load-'));
  stack = await startStack({ dir, portBase: 0, between });
  const { api, token } = stack.endpoints;
  load = { baseUrl: api, token, scannerIds, clients: 6, calls, seed, round: 0 };
  const client = createClient(load);
  for (const scannerId of scannerIds) await client.call('POST /v1/scanners', { body: { scannerId } });
}, 240_000);

afterAll(async () => {
  await stack?.close();
  for (const proxy of proxies) await proxy.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('clients that read and write at once, while a fifth of the calls to table and bucket fail', () => {
  let outcome: Awaited<ReturnType<typeof runLoad>>;

  beforeAll(async () => {
    board.share = 0.2;
    outcome = await runLoad(load);
    board.share = 0;
  }, 240_000);

  it('are disturbed, and most of their calls succeed all the same', () => {
    const { seen, acknowledged } = outcome;
    const succeeded = seen.filter(({ status }) => status >= 200 && status < 300);
    expect(board.failed).toBeGreaterThan(seen.length / 4);
    expect(acknowledged.saves.length).toBeGreaterThan(0);
    expect(succeeded.length).toBeGreaterThan(seen.length / 2);
  });

  it('are told when to come again by every answer of the server’s fault, in a problem document', () => {
    expect(hintless(outcome.seen)).toEqual([]);
    const codes = outcome.seen.flatMap(({ status, code }) => (status >= 429 && code ? [code] : []));
    expect(new Set(codes)).toEqual(
      new Set(codes.filter((code) => ['THROTTLED', 'UNAVAILABLE'].includes(code))),
    );
  });

  it('lose no write that was acknowledged, and revisions are one after the other in the audit', async () => {
    expect(await lostOf(load, outcome.acknowledged)).toEqual([]);
  });
});
