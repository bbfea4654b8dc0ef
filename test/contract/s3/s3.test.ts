import { readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../helpers/until.ts';
import { type Bucket, bucket, credentials, newFolder, removeFolder, startBucket } from './embedded.ts';
import { s3Contract } from './s3.contract.ts';

const remote = process.env['REMOTE'] === '1';

describe('the embedded bucket keeps the contract', () => {
  s3Contract(async () => {
    const dir = newFolder();
    const { s3, stop } = await startBucket(dir);
    const close = async () => {
      await stop();
      removeFolder(dir);
    };
    return { s3, bucket, close };
  });
});

/** BUCKET_NAME names a versioned bucket that the credentials may write; the contract removes what it puts there. */
describe.runIf(remote)('a real bucket keeps the contract', () => {
  s3Contract(async () => {
    const s3 = new S3Client({});
    return { s3, bucket: process.env['BUCKET_NAME'] ?? '', close: async () => s3.destroy() };
  });
});

describe('the embedded bucket', () => {
  let dir: string;
  let here: Bucket;

  beforeEach(async () => {
    dir = newFolder();
    here = await startBucket(dir);
  });
  afterEach(async () => {
    await here.stop();
    removeFolder(dir);
  });

  const put = (Key: string, Body: string) =>
    here.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));

  /** Bytes of all files that are not the state itself. */
  const filesLeft = (): string[] =>
    (readdirSync(dir, { recursive: true }) as string[]).filter(
      (name) => !name.includes('sqlite') && statSync(join(dir, name)).isFile(),
    );

  it('tells of every object that is made or deleted, with ever greater sequencers', async () => {
    await put('imports/mx1/inbound/a b.txt', 'one');
    await put('imports/mx1/inbound/a b.txt', 'two');
    await here.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'imports/mx1/inbound/a b.txt' }));

    expect(here.events.map((event) => event['detail-type'])).toEqual([
      'Object Created',
      'Object Created',
      'Object Deleted',
    ]);
    expect(here.events[0]?.detail).toMatchObject({
      bucket: { name: bucket },
      object: { key: 'imports/mx1/inbound/a b.txt', size: 3 },
      reason: 'PutObject',
    });
    const sequencers = here.events.map((event) => event.detail.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
  });

  it('keeps objects and versions across a restart', async () => {
    const { VersionId } = await put('a', 'one');
    await put('a', 'two');
    await here.stop();

    here = await startBucket(dir);

    const get = async (more: object) =>
      (
        await here.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'a', ...more }))
      ).Body?.transformToString();
    expect(await get({})).toBe('two');
    expect(await get({ VersionId })).toBe('one');
  });

  it('answers NotImplemented to what it does not know', async () => {
    const url = await getSignedUrl(here.s3, new GetObjectCommand({ Bucket: bucket, Key: 'a' }));
    expect((await fetch(url.replace('?', '?torrent&'))).status).toBeGreaterThanOrEqual(400);
    const acl = await import('@aws-sdk/client-s3').then(
      (sdk) => new sdk.GetObjectAclCommand({ Bucket: bucket, Key: 'a' }),
    );
    await expect(here.s3.send(acl)).rejects.toMatchObject({
      name: 'NotImplemented',
      $metadata: { httpStatusCode: 501 },
    });
  });

  it.each(['%zz', '%ff', 'a%'])('refuses the path %s as no URI', async (path) => {
    const answer = await fetch(`${here.server.url}/${bucket}/${path}`);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('InvalidURI')]);
  });

  it('refuses a request without a signature, and one whose clock is far off', async () => {
    const answer = await fetch(`${here.server.url}/${bucket}/a`);
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('AccessDenied')]);
    await here.stop();

    here = await startBucket(dir, () => new Date(Date.now() + 3_600_000));

    // The SDK would set its clock by the answer and try again.
    const { url: endpoint } = here.server;
    const late = new S3Client({
      region: 'eu-west-1',
      endpoint,
      credentials,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await expect(late.send(new ListObjectsV2Command({ Bucket: bucket }))).rejects.toMatchObject({
      name: 'RequestTimeTooSkewed',
    });
  });

  it('refuses a bucket that there is not', async () => {
    const get = new GetObjectCommand({ Bucket: 'none', Key: 'a' });
    await expect(here.s3.send(get)).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { url, fields } = await createPresignedPost(here.s3, { Bucket: bucket, Key: 'a', Expires: 60 });
    const boundary = 'boundary';
    const parts = Object.entries(fields).map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const head = `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
    const post = request(url, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': 1_000_000 },
    });
    post.on('error', () => undefined);
    post.write(head + 'x'.repeat(100_000));
    await until('the upload has begun', () => filesLeft().length > 0);

    post.destroy();

    await until('what it wrote is gone', () => filesLeft().length === 0);
    expect(here.events).toEqual([]);
  });

  it('keeps nothing of a signed body that breaks off', async () => {
    const url = await getSignedUrl(here.s3, new PutObjectCommand({ Bucket: bucket, Key: 'a' }));
    const upload = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
    upload.on('error', () => undefined);
    upload.write('x'.repeat(100_000));
    await until('the upload has begun', () => filesLeft().length > 0);

    upload.destroy();

    await until('what it wrote is gone', () => filesLeft().length === 0);
    expect(here.events).toEqual([]);
  });
});
