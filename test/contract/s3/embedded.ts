import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectEvent } from '../../../local/s3/events.ts';
import { type EmbeddedS3, startS3 } from '../../../local/s3/server.ts';
import { openState } from '../../../local/state.ts';

export const bucket = 'contract';
export const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=bucket' };
const region = 'eu-west-1';

export interface Bucket {
  server: EmbeddedS3;
  s3: S3Client;
  events: ObjectEvent[];
  /** Stops the server; its folder stays. */
  stop(): Promise<void>;
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 's3-'));
export const removeFolder = (dir: string): void => rmSync(dir, { recursive: true, force: true });

/** The embedded bucket on a free port, with its state under `dir`. */
export const startBucket = async (dir: string, now?: () => Date): Promise<Bucket> => {
  const state = openState(dir);
  const events: ObjectEvent[] = [];
  const server = await startS3({
    state,
    port: 0,
    region,
    credentials,
    buckets: [{ name: bucket, arn: `arn:aws:s3:::${bucket}`, versioned: true, eventBridge: true }],
    emit: (event) => events.push(event),
    ...(now ? { now } : {}),
  });
  const s3 = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  return {
    server,
    s3,
    events,
    async stop() {
      s3.destroy();
      await server.close();
      state.close();
    },
  };
};
