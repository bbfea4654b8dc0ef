import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { prefixes } from '../../shared/tables.ts';
import { patience, translated } from './faults.ts';
import { bucketName } from './objects.ts';

/**
 * Putting the parts of an upload together may take the bucket minutes (S3 API reference, "CompleteMultipartUpload"): these calls wait for their
 * answers as long as the function lives.
 */
const s3 = new S3Client({ requestHandler: { connectionTimeout: patience.requestHandler.connectionTimeout } });

export const reportKey = (importId: string): string => `${prefixes.reports}${importId}.jsonl`;

/** A report that is written while a file is read; nothing is stored when nothing is written. */
export interface ReportWriter {
  write(problem: object): void;
  /** Waits while more is written than has been sent: the report's memory is bounded. */
  drained(): Promise<void>;
  /** Resolves when the whole report is stored. */
  end(): Promise<void>;
  abort(): Promise<void>;
}

const begin = (key: string, body: PassThrough): { upload: Upload; done: Promise<unknown> } => {
  const upload = new Upload({
    client: s3,
    params: { Bucket: bucketName(), Key: key, Body: body, ContentType: 'application/x-ndjson' },
    queueSize: 2,
  });
  const done = upload.done().catch((error: unknown) => {
    body.destroy();
    throw translated(error);
  });
  done.catch(() => undefined);
  return { upload, done };
};

/** All problems of an import as JSON Lines, in as many parts as they take. */
export const reportWriter = (importId: string): ReportWriter => {
  const body = new PassThrough({ highWaterMark: 1024 * 1024 });
  body.on('error', () => undefined);
  let started: ReturnType<typeof begin> | undefined;
  return {
    write(problem) {
      started ??= begin(reportKey(importId), body);
      body.write(`${JSON.stringify(problem)}\n`);
    },
    async drained() {
      if (started && body.writableNeedDrain) await Promise.race([once(body, 'drain'), started.done]);
    },
    async end() {
      body.end();
      await started?.done;
    },
    async abort() {
      await started?.upload.abort();
      await started?.done.catch(() => undefined);
    },
  };
};
