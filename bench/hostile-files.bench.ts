import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Endpoints, startStack } from '../scripts/demo/processes.ts';
import type { ImportJob } from '../shared/schemas/lists.ts';
import type { Bench, Figure } from './bench.ts';
import { hostileFiles, type MadeFile } from './hostile-files.ts';

const ends = ['completed', 'failed', 'cancelled', 'awaiting-confirmation'];

const text = (content: string | Buffer): MadeFile => {
  const bytes = Buffer.from(content);
  return {
    bytes: bytes.length,
    *pieces() {
      yield bytes;
    },
  };
};

/** The files of issue 4 in their full size; `test/stack/imports/hostile.test.ts` has them scaled. */
const files: Record<string, () => MadeFile> = {
  'one line of 100 MB': () => hostileFiles.oneToken(100_000_000),
  '10 million commas': () => text(','.repeat(10_000_000)),
  '10 million distinct bad tokens': () => hostileFiles.badTokens(10_000_000),
  '1,000 tokens of 100,000 characters': () => text(`${'b'.repeat(100_000)}\n`.repeat(1000)),
  'comments of 500 MB, a name every 50 KB': () => hostileFiles.comments(500_000_000),
  'a gzip bomb of 1 GB': () => text(gzipSync(Buffer.alloc(1_000_000_000))),
};

const headers = ({ token }: Endpoints) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
});

const drop = async (endpoints: Endpoints, scannerId: string, file: MadeFile): Promise<void> => {
  const { s3: endpoint, region, accessKeyId, secretAccessKey, bucket } = endpoints;
  const s3 = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const put = new PutObjectCommand({
    Bucket: bucket,
    Key: `imports/${scannerId}/outbound/file.txt`,
    Body: Readable.from(file.pieces()),
    ContentLength: file.bytes,
    Metadata: { 'on-invalid': 'skip' },
  });
  await s3.send(put);
  s3.destroy();
};

const ended = async (endpoints: Endpoints, scannerId: string): Promise<ImportJob> => {
  for (;;) {
    const answer = await fetch(`${endpoints.api}/imports?scannerId=${scannerId}`, {
      headers: headers(endpoints),
    });
    const [job] = ((await answer.json()) as { items: ImportJob[] }).items;
    if (job && ends.includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** The most memory that a process of this machine has had, in MiB; 0 where the system does not say. */
const peakOf = (pid: number | undefined): number => {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
};

const register = (endpoints: Endpoints, scannerId: string) =>
  fetch(`${endpoints.api}/scanners`, {
    method: 'POST',
    headers: headers(endpoints),
    body: JSON.stringify({ scannerId }),
  });

/** Each file meets a stack of its own, whose memory is then the peak of all functions and services together. */
const measure = async (name: string, file: MadeFile): Promise<Record<string, Figure>> => {
  const dir = mkdtempSync(join(tmpdir(), 'hostile-'));
  const stack = await startStack(dir);
  try {
    await register(stack.endpoints, 'mx1');
    const begun = performance.now();
    await drop(stack.endpoints, 'mx1', file);
    const dropped = performance.now();
    const job = await ended(stack.endpoints, 'mx1');
    console.log(
      `  ${name}: ${job.state} ${job.error?.code ?? ''}, ${job.counts.invalid} invalid, ${job.counts.added} added`,
    );
    return {
      [`${name}: stored`]: { value: dropped - begun, unit: 'ms' },
      [`${name}: from stored to ended`]: { value: performance.now() - dropped, unit: 'ms' },
      [`${name}: peak of the whole stack`]: { value: peakOf(stack.child.pid), unit: 'MiB' },
    };
  } finally {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  }
};

export const bench: Bench = {
  what: 'files made to break an import, in their full size, on the embedded stack',
  run: async () => {
    const figures: Record<string, Figure> = {};
    for (const [name, make] of Object.entries(files)) Object.assign(figures, await measure(name, make()));
    return { runs: 1, figures };
  },
};
