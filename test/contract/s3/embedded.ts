import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { BucketModel } from '../../../local/model.ts';
import type { ObjectEvent } from '../../../local/s3/events.ts';
import { startS3 } from '../../../local/s3/server.ts';
import { openState, type State } from '../../../local/state.ts';
import { clientDefaults, type S3Access } from './access.ts';

export const region = 'eu-west-1';
export const accountId = '123456789012';
export const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=bucket' };

export const bucketModel = (more: Partial<BucketModel> = {}): BucketModel => ({
  name: 'contract',
  arn: 'arn:aws:s3:::contract',
  versioned: true,
  eventBridge: true,
  ...more,
});

export const keyArn = `arn:aws:kms:${region}:${accountId}:key/contract`;

/** A bucket that is encrypted by default with a key of KMS. */
export const encryptedModel = (more: Partial<BucketModel> = {}): BucketModel =>
  bucketModel({ encryption: { keyArn, bucketKey: true }, ...more });

export interface EmbeddedBucket extends S3Access {
  url: string;
  port: number;
  /** What it told the event bus, in order. */
  events: ObjectEvent[];
  /** Names of the files that hold bytes of objects and of parts. */
  files(): string[];
  /** Where its state is. */
  dir: string;
  /** Stops it and starts it again on the same folder and port, as another bucket if one is given. */
  restart(as?: BucketModel): Promise<void>;
}

export interface EmbeddedOptions {
  bucket?: BucketModel;
  now?: () => Date;
  /** Called before an event is kept. */
  onEvent?: (event: ObjectEvent) => void;
}

/** Starts the embedded bucket on an empty folder; `close` removes it. */
export const startEmbedded = async (options: EmbeddedOptions = {}): Promise<EmbeddedBucket> => {
  const { now, onEvent } = options;
  let { bucket = bucketModel() } = options;
  const dir = mkdtempSync(join(tmpdir(), 's3-'));
  const events: ObjectEvent[] = [];
  const emit = (event: ObjectEvent) => {
    onEvent?.(event);
    events.push(event);
  };
  const start = (state: State, port: number) =>
    startS3({
      region,
      accountId,
      credentials,
      buckets: [bucket],
      emit,
      ...(now ? { now } : {}),
      state,
      port,
    });
  let state = openState(dir);
  let running = await start(state, 0);
  const { url, port } = running;
  const clients: S3Client[] = [];
  const clientWith = (config: Partial<S3ClientConfig>): S3Client => {
    const client = new S3Client({ endpoint: url, region, credentials, ...clientDefaults, ...config });
    clients.push(client);
    return client;
  };
  const stop = async () => {
    await running.close();
    state.close();
  };
  return {
    client: clientWith({}),
    clientWith,
    bucket: bucket.name,
    key: (name = 'object') => `${randomUUID()}/${name}`,
    url,
    port,
    dir,
    events,
    files: () => readdirSync(join(dir, 's3')),
    restart: async (as = bucket) => {
      bucket = as;
      for (const client of clients) client.destroy(); // connections that the server would close under them
      await stop();
      state = openState(dir);
      running = await start(state, port);
    },
    close: async () => {
      for (const client of clients) client.destroy();
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
