import { execFileSync } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declaredTemplate } from '../local/declared.ts';
import { startDynamo } from '../local/dynamodb.ts';
import { startS3 } from '../local/s3/server.ts';
import { openState } from '../local/state.ts';
import { readTemplate } from '../local/template.ts';
import { newRollout } from '../shared/schemas/rollouts.ts';
import { startCountingProxy, type TableCounts } from './counting-proxy.ts';
import { startFleet } from './rollout-fleet.ts';

export interface RolloutSample {
  state: string;
  applied: number;
  /** Milliseconds of looking for the targets, and of bringing it to them. */
  planMs: number;
  commitMs: number;
  planning: TableCounts;
  committing: TableCounts;
  objectRequests: number;
  /** When each target was committed, in milliseconds of the epoch. */
  commits: number[];
}

const region = 'eu-west-1';
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret' };

/** Table and bucket as declared, and what a function would find in its environment. */
const startServices = async (dir: string, rate: number) => {
  const parameters = { Issuer: 'https://issuer.example.com', MqttServerCa: 'c' };
  const { table, buckets } = readTemplate(await declaredTemplate(), {
    region,
    accountId: '000000000000',
    name: 'rollout',
    parameters,
  });
  const engine = await startDynamo({
    dir,
    port: 18_000 + (process.pid % 20_000),
    table,
    region,
    credentials,
  });
  const state = openState(dir);
  const s3 = await startS3({ state, port: 0, region, credentials, buckets, emit: () => undefined });
  const env = {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: engine.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    TABLE_NAME: table.name,
    BUCKET_NAME: buckets[0]?.name ?? '',
    HISTORY_DAYS: '0',
    RECONCILE_MINUTES: '60',
    ROLLOUT_RATE: String(rate),
    SHADOW_RATE: '2000',
    THING_RATE: '20',
    LOG_LEVEL: 'ERROR',
  };
  const close = async () => {
    await s3.close();
    await engine.close();
    state.close();
  };
  return { env, close };
};

const countRequestsTo = (url: string) => {
  let count = 0;
  const heard = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage };
    if ((request.socket.address() as AddressInfo).port === Number(new URL(url).port)) count += 1;
  };
  channel('http.server.request.start').subscribe(heard);
  return () => count;
};

const between = (before: TableCounts, after: TableCounts): TableCounts => ({
  requests: after.requests - before.requests,
  readUnits: after.readUnits - before.readUnits,
  writeUnits: after.writeUnits - before.writeUnits,
});

/** Loaded late: clients read where the services are when they are made. */
const load = async () => ({
  begin: await import('../functions/api/rollouts/begin.ts'),
  edges: await import('../functions/workers/rollout/edges.ts'),
  run: await import('../functions/workers/rollout/run-rollout.ts'),
  rollouts: await import('../functions/stores/rollouts.ts'),
  targets: await import('../functions/stores/rollout-targets.ts'),
});
type Code = Awaited<ReturnType<typeof load>>;

const begin = async ({ begin: { began, newRolloutId } }: Code, source: string): Promise<string> => {
  const now = new Date();
  const request = newRollout.parse({ source, targets: 'all', maxConcurrent: 200 });
  const by = { at: now.toISOString(), by: 'bench', requestId: 'r', dryRun: false, acknowledge: [] };
  const asked = { rolloutId: newRolloutId(now), ...by };
  return (await began(request, asked, 'create-rollout', () => [])).rolloutId;
};

const commitTimes = async ({ targets: { listTargets } }: Code, rolloutId: string): Promise<number[]> => {
  const times: number[] = [];
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof listTargets>> = await listTargets(rolloutId, {
      limit: 1000,
      cursor,
    });
    for (const { committedAt } of page.items) if (committedAt) times.push(Date.parse(committedAt));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return times.sort((one, other) => one - other);
};

const measure = async (
  code: Code,
  rolloutId: string,
  counted: { table(): TableCounts; objects(): number },
) => {
  const begun = { at: performance.now(), table: counted.table(), objects: counted.objects() };
  let planned: typeof begun | undefined;
  const reserve = (count: number) => {
    planned ??= { at: performance.now(), table: counted.table(), objects: counted.objects() };
    return code.edges.stores.reserve(count);
  };
  const clock = { now: () => new Date(), hasTime: () => true };
  while (
    (await code.run.runRollout(rolloutId, 'bench', clock, { ...code.edges.stores, reserve })) !== 'done'
  );
  const ended = { at: performance.now(), table: counted.table(), objects: counted.objects() };
  const first = planned ?? ended;
  return {
    planMs: first.at - begun.at,
    commitMs: ended.at - first.at,
    planning: between(begun.table, first.table),
    committing: between(first.table, ended.table),
    objectRequests: ended.objects - first.objects,
  };
};

const once = async (size: number, rate: number): Promise<RolloutSample> => {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const services = await startServices(dir, rate);
  const fleet = await startFleet(size, { ...process.env, ...services.env });
  const proxy = await startCountingProxy(() => services.env.AWS_ENDPOINT_URL_DYNAMODB);
  Object.assign(process.env, services.env, { AWS_ENDPOINT_URL_DYNAMODB: proxy.url });
  const objects = countRequestsTo(services.env.AWS_ENDPOINT_URL_S3);
  try {
    const code = await load();
    const rolloutId = await begin(code, fleet.source);
    fleet.follow(rolloutId);
    const measured = await measure(code, rolloutId, { table: proxy.counts, objects });
    const { state } = await code.rollouts.getRollout(rolloutId);
    const { applied } = await code.rollouts.readCounts(rolloutId);
    return { state, applied, ...measured, commits: await commitTimes(code, rolloutId) };
  } finally {
    await fleet.stop();
    proxy.close();
    await services.close();
    rmSync(dir, { recursive: true, force: true });
  }
};

/** A rollout to `size` Scanners at `rate` commits a second, in processes and on a table of its own. */
export const runRolloutOf = (size: number, rate: number): RolloutSample =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [join(import.meta.dirname, 'rollout-process.ts'), String(size), String(rate)],
      {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  );

if (import.meta.main) {
  const [, , size = '100', rate = '50'] = process.argv;
  const sample = await once(Number(size), Number(rate));
  process.stdout.write(JSON.stringify(sample), () => process.exit(0));
}
