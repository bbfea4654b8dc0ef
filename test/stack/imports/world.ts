import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { build } from 'esbuild';
import {
  countFromZero,
  type FaultProxy,
  type Switchboard,
  startFaultProxy,
  type WireCall,
} from '../../../bench/fault-proxy.ts';
import { everyList } from '../../../shared/domain/configuration.ts';
import type { StoredJob } from '../../../shared/domain/import-job.ts';
import type { AccessEntry } from '../../../shared/schemas/lists.ts';
import { newId, startServices } from '../../contract/stores/services.ts';

/** A message of the import queue: an object has arrived. */
export interface Message {
  Records: { messageId: string; eventSource: 'aws:sqs'; body: string }[];
}

/** How a worker's process ended. */
export interface WorkerEnd {
  signal: NodeJS.Signals | null;
  failed: boolean;
  maxRssBytes: number;
  output: string;
}

/** Table, bucket and import worker, with a switchboard for every call between them. */
export interface ImportWorld {
  stores: {
    heads: typeof import('../../../functions/stores/heads.ts');
    lists: typeof import('../../../functions/stores/lists.ts');
    imports: typeof import('../../../functions/stores/imports.ts');
    objects: typeof import('../../../functions/stores/objects.ts');
  };
  /** A Scanner with an outbound list of these addresses. */
  scanner(values: string[]): Promise<string>;
  /** Stores a file in the drop zone and answers the message that tells of it. */
  drop(
    scannerId: string,
    body: string | Uint8Array | Readable,
    metadata?: Record<string, string>,
    options?: { name?: string; bytes?: number; sequencer?: string },
  ): Promise<Message>;
  /** Hands a message to the worker in this process; true when it is done with it. */
  deliver(message: Message): Promise<boolean>;
  /** Hands a message to the worker in a process of its own. `started` is given the means to kill it. */
  deliverToProcess(message: Message, started?: (kill: () => void) => void): Promise<WorkerEnd>;
  /** Takes over the switchboard while `run` runs; the calls of it are counted from 0. */
  during<T>(board: Switchboard, run: () => Promise<T>): Promise<{ calls: WireCall[]; result: T }>;
  values(scannerId: string): Promise<string[]>;
  jobs(scannerId: string): Promise<StoredJob[]>;
  revision(scannerId: string): Promise<number>;
  end(): Promise<void>;
}

const passing: Switchboard = { fate: () => 'pass' };

const messageOf = (key: string, versionId: string, sequencer: string): Message => ({
  Records: [
    {
      messageId: randomUUID(),
      eventSource: 'aws:sqs',
      body: JSON.stringify({
        detail: { object: { key, 'version-id': versionId, sequencer }, requester: 'tester' },
      }),
    },
  ],
});

let sequence = 0;
const nextSequencer = () => (++sequence).toString(16).padStart(16, '0').toUpperCase();

/** The worker as one file, as it is deployed: its process starts in a third of the time. */
const bundleWorker = async (outfile: string): Promise<string> => {
  await build({
    entryPoints: [join(import.meta.dirname, 'run-worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  return outfile;
};

const runProcess = async (
  worker: string,
  file: string,
  started?: (kill: () => void) => void,
): Promise<WorkerEnd> => {
  const child = spawn(process.execPath, [worker, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  started?.(() => child.kill('SIGKILL'));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const last = output.split('\n').findLast((line) => line.startsWith('{"result"'));
  const told = last === undefined ? undefined : JSON.parse(last);
  const failed = code !== 0 || (told?.result.batchItemFailures.length ?? 1) > 0;
  return { signal, failed, maxRssBytes: told?.maxRssBytes ?? 0, output };
};

/** Starts the services with a proxy before each, and loads the worker. One attempt a call: the proxies see what a store asks for. */
export const startImportWorld = async (): Promise<ImportWorld> => {
  const endServices = await startServices();
  const folder = mkdtempSync(join(tmpdir(), 'imports-'));
  let board = passing;
  let worker: Promise<string> | undefined;
  const proxies: FaultProxy[] = [];
  /** Whoever uploads: straight to the bucket, and as long as it takes. */
  const uploads = new S3Client({ endpoint: process.env['AWS_ENDPOINT_URL_S3'] });
  for (const service of ['dynamodb', 's3'] as const) {
    const name = `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
    const proxy = await startFaultProxy(service, process.env[name] ?? '', () => board);
    process.env[name] = proxy.url;
    proxies.push(proxy);
  }
  Object.assign(process.env, { AWS_MAX_ATTEMPTS: '1', POWERTOOLS_LOG_LEVEL: 'SILENT' });
  const { handler } = await import('../../../functions/workers/import.lambda.ts');
  const { createScanner } = await import('../../../functions/stores/scanners.ts');
  const stores = {
    heads: await import('../../../functions/stores/heads.ts'),
    lists: await import('../../../functions/stores/lists.ts'),
    imports: await import('../../../functions/stores/imports.ts'),
    objects: await import('../../../functions/stores/objects.ts'),
  };
  const { heads, lists, imports, objects } = stores;

  const world: ImportWorld = {
    stores,
    async scanner(values) {
      const scannerId = newId('mx');
      const empty = await lists.writeEmptyList();
      const references = everyList(empty);
      const asked = { actor: { name: 'me', requestId: newId('r') }, operation: 'test', at: new Date() };
      await createScanner({ scannerId, labels: {}, enabled: true, epoch: 'e' }, references, asked);
      if (values.length > 0) await world.deliver(await world.drop(scannerId, values.join('\n')));
      return scannerId;
    },
    async drop(
      scannerId,
      body,
      metadata = {},
      { name = newId('file'), bytes, sequencer = nextSequencer() } = {},
    ) {
      const Key = `imports/${scannerId}/outbound/${name}`;
      const put = new PutObjectCommand({
        Bucket: objects.bucketName(),
        Key,
        Body: body,
        Metadata: metadata,
        ContentLength: bytes,
      });
      return messageOf(Key, (await uploads.send(put)).VersionId ?? '', sequencer);
    },
    async deliver(message) {
      const result = await handler(message as never);
      return result?.batchItemFailures.length === 0;
    },
    async deliverToProcess(message, started) {
      const file = join(folder, `${randomUUID()}.json`);
      writeFileSync(file, JSON.stringify(message));
      worker ??= bundleWorker(join(folder, 'worker.mjs'));
      return runProcess(await worker, file, started);
    },
    async during(own, run) {
      const calls: WireCall[] = [];
      countFromZero();
      board = {
        ...own,
        fate(call) {
          calls.push(call);
          return own.fate(call);
        },
      };
      try {
        return { calls, result: await run() };
      } finally {
        board = passing;
      }
    },
    async values(scannerId) {
      const { configuration } = await heads.readHead(scannerId);
      const entries: AccessEntry[] = await lists.readList(
        await lists.readManifest(configuration.lists.outbound.root),
      );
      return entries.map((entry) => entry.value);
    },
    jobs: async (scannerId) => (await imports.listJobs(scannerId, { limit: 1000 })).items,
    revision: async (scannerId) => (await heads.readHead(scannerId)).revision,
    async end() {
      uploads.destroy();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await endServices();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
};
