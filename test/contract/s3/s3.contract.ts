import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

export interface S3Access {
  s3: S3Client;
  /** A versioned bucket that the client may write. */
  bucket: string;
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;

/** What the product and stock clients rely on of a bucket. Runs on the embedded one and, with REMOTE=1, on a real one. */
export const s3Contract = (make: () => Promise<S3Access>): void => {
  let access: S3Access;
  let s3: S3Client;
  let bucket: string;
  const folder = `contract/${randomUUID()}/`;
  let count = 0;
  const newKey = (name = 'object') => `${folder}${++count}/${name}`;

  beforeAll(async () => {
    access = await make();
    ({ s3, bucket } = access);
  });
  afterAll(async () => {
    if (!access) return;
    const { Versions = [], DeleteMarkers = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: folder }),
    );
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    await access.close();
  });

  const put = (Key: string, Body: string | Uint8Array, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
  const get = (Key: string, more: object = {}) =>
    s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));
  const textOf = async (Key: string, more: object = {}) =>
    (await get(Key, more)).Body?.transformToString('utf8');
  const refused = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

  describe('an object', () => {
    it.each([
      'plain.txt',
      'with space and+plus.txt',
      'per%cent%2Fsign',
      'naïve/日本/🙂',
      'quote\'"<&>',
      'a//b/./c/',
    ])('is kept under the key %s', async (name) => {
      const key = newKey(name);
      await put(key, name);

      expect(await textOf(key)).toBe(name);
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key }));
      expect(Contents.map((entry) => entry.Key)).toEqual([key]);
    });

    it('comes back with its headers, metadata, size, ETag and checksum', async () => {
      const key = newKey();
      const { ETag } = await put(key, 'hello', {
        ContentType: 'text/plain; charset=utf-8',
        ContentEncoding: 'identity',
        Metadata: { 'on-invalid': 'skip', activate: 'true' },
      });
      const head = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }),
      );

      expect(head).toMatchObject({
        ContentLength: 5,
        ContentType: 'text/plain; charset=utf-8',
        ContentEncoding: 'identity',
        Metadata: { 'on-invalid': 'skip', activate: 'true' },
        ETag,
        ChecksumCRC32: 'NhCmhg==',
      });
      expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    });

    it('may be empty', async () => {
      const key = newKey();
      await put(key, new Uint8Array(0));
      expect(await textOf(key)).toBe('');
    });

    it.each([
      ['bytes=0-3', '0123', 206],
      ['bytes=6-', '6789', 206],
      ['bytes=-2', '89', 206],
      ['bytes=8-100', '89', 206],
      ['lines=1-2', '0123456789', 200],
    ])('answers the range %s', async (Range, text, status) => {
      const key = newKey();
      await put(key, '0123456789');
      const answer = await get(key, { Range });

      expect(await answer.Body?.transformToString()).toBe(text);
      expect(answer.$metadata.httpStatusCode).toBe(status);
    });

    it('refuses a range beyond its end', async () => {
      const key = newKey();
      await put(key, '0123456789');
      await expect(get(key, { Range: 'bytes=10-' })).rejects.toMatchObject(refused('InvalidRange', 416));
    });

    it('that is not there is NoSuchKey, and NotFound for a HEAD', async () => {
      const key = newKey();
      await expect(get(key)).rejects.toMatchObject(refused('NoSuchKey', 404));
      await expect(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).rejects.toMatchObject(
        refused('NotFound', 404),
      );
    });

    it('whose checksum is not that of its bytes is not stored', async () => {
      const key = newKey();
      const wrong = { ChecksumSHA256: Buffer.alloc(32).toString('base64') };
      await expect(put(key, 'hello', wrong)).rejects.toMatchObject(refused('BadDigest', 400));
      await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });
    });
  });

  describe('versions', () => {
    it('stay readable by id under a newer one and under a delete marker', async () => {
      const key = newKey();
      const first = await put(key, 'one');
      const second = await put(key, 'two');
      const marker = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));

      expect(first.VersionId).not.toBe(second.VersionId);
      expect(marker.DeleteMarker).toBe(true);
      await expect(get(key)).rejects.toMatchObject(refused('NoSuchKey', 404));
      expect(await textOf(key, { VersionId: first.VersionId })).toBe('one');
      expect(await textOf(key, { VersionId: second.VersionId })).toBe('two');

      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: marker.VersionId }));
      expect(await textOf(key)).toBe('two');
    });

    it('are listed, newest first, and go for good when deleted by id', async () => {
      const key = newKey();
      const ids = [(await put(key, 'one')).VersionId, (await put(key, 'two')).VersionId];
      const list = async () =>
        (await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }))).Versions?.map(
          ({ VersionId, IsLatest }) => [VersionId, IsLatest],
        );

      expect(await list()).toEqual([
        [ids[1], true],
        [ids[0], false],
      ]);
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: ids[1] }));
      expect(await list()).toEqual([[ids[0], true]]);
      expect(await textOf(key)).toBe('one');
    });
  });

  describe('a conditional write', () => {
    it('with If-None-Match has one winner among writers at the same time', async () => {
      const key = newKey();
      const done = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => put(key, `writer ${index}`, { IfNoneMatch: '*' })),
      );

      const winners = done.flatMap((one, index) => (one.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await textOf(key)).toBe(`writer ${winners[0]}`);
    });

    it('with If-None-Match is refused where an object is', async () => {
      const key = newKey();
      await put(key, 'one');
      await expect(put(key, 'two', { IfNoneMatch: '*' })).rejects.toMatchObject(
        refused('PreconditionFailed', 412),
      );
      expect(await textOf(key)).toBe('one');
    });

    it('with If-Match takes place only over that ETag', async () => {
      const key = newKey();
      const { ETag } = await put(key, 'one');
      await put(key, 'two', { IfMatch: ETag });
      await expect(put(key, 'three', { IfMatch: ETag })).rejects.toMatchObject(
        refused('PreconditionFailed', 412),
      );
      expect(await textOf(key)).toBe('two');
    });
  });

  describe('a listing', () => {
    it('goes on a page at a time, in the byte order of the keys', async () => {
      const prefix = `${newKey('list')}/`;
      const names = ['a', 'a/b', 'a0', 'b', 'é', '🙂'];
      for (const name of [...names].reverse()) await put(prefix + name, 'x');
      const seen: (string | undefined)[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 2, ContinuationToken }),
        );
        expect(page.KeyCount).toBeLessThanOrEqual(2);
        seen.push(...(page.Contents ?? []).map((entry) => entry.Key?.slice(prefix.length)));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);

      expect(seen).toEqual(names);
    });

    it('rolls up what shares a prefix up to the delimiter', async () => {
      const prefix = `${newKey('roll')}/`;
      for (const name of ['x/1', 'x/2', 'y', 'z/1']) await put(prefix + name, 'x');
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: '/' }),
      );

      expect(page.Contents?.map((entry) => entry.Key)).toEqual([`${prefix}y`]);
      expect(page.CommonPrefixes?.map((entry) => entry.Prefix)).toEqual([`${prefix}x/`, `${prefix}z/`]);
    });
  });

  describe('an upload in parts', () => {
    const begin = async (Key: string) =>
      (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))).UploadId ?? '';
    const part = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array) =>
      s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body }));
    const complete = (
      Key: string,
      UploadId: string,
      Parts: { PartNumber: number; ETag: string | undefined }[],
    ) =>
      s3.send(
        new CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts: Parts.map(({ PartNumber, ETag = '' }) => ({ PartNumber, ETag })) },
        }),
      );

    it('is one object when it is completed, and none before', async () => {
      const key = newKey();
      const large = Buffer.alloc(5 * mebibyte, 'a');
      const id = await begin(key);
      const two = await part(key, id, 2, Buffer.from('end'));
      const one = await part(key, id, 1, large);
      await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });

      await complete(key, id, [
        { PartNumber: 1, ETag: one.ETag },
        { PartNumber: 2, ETag: two.ETag },
      ]);

      const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      expect(head.ContentLength).toBe(large.length + 3);
      expect(head.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
      expect(await textOf(key, { Range: `bytes=${large.length - 2}-` })).toBe('aaend');
    });

    it('with a part that is too small, missing or named out of order is refused', async () => {
      const key = newKey();
      const id = await begin(key);
      const one = await part(key, id, 1, Buffer.from('small'));
      const two = await part(key, id, 2, Buffer.from('small'));
      const both = [
        { PartNumber: 1, ETag: one.ETag },
        { PartNumber: 2, ETag: two.ETag },
      ];

      await expect(complete(key, id, both)).rejects.toMatchObject(refused('EntityTooSmall', 400));
      await expect(complete(key, id, both.toReversed())).rejects.toMatchObject(
        refused('InvalidPartOrder', 400),
      );
      await expect(complete(key, id, [{ PartNumber: 3, ETag: one.ETag }])).rejects.toMatchObject(
        refused('InvalidPart', 400),
      );
      await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id }));
      await expect(part(key, id, 1, Buffer.from('late'))).rejects.toMatchObject(refused('NoSuchUpload', 404));
      await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });
    });

    it('of a stream of unknown length is what the SDK makes of it', async () => {
      const key = newKey();
      const pieces = async function* () {
        for (let piece = 0; piece < 6; piece++) yield Buffer.alloc(mebibyte, String(piece));
      };
      const { Readable } = await import('node:stream');
      await new Upload({
        client: s3,
        params: { Bucket: bucket, Key: key, Body: Readable.from(pieces()) },
      }).done();

      const bytes = await (await get(key)).Body?.transformToByteArray();
      expect(bytes?.length).toBe(6 * mebibyte);
      expect(String.fromCharCode(bytes?.at(-1) ?? 0)).toBe('5');
    });
  });

  describe('a presigned URL', () => {
    const sign = (Key: string, expiresIn = 60) =>
      getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key }), { expiresIn });

    it('gets its object, and no other', async () => {
      const key = newKey();
      await put(key, 'hello');
      const url = await sign(key);

      expect(await (await fetch(url)).text()).toBe('hello');
      const other = await fetch(url.replace(/object\?/, 'other?'));
      expect(other.status).toBe(403);
      expect(await other.text()).toContain('SignatureDoesNotMatch');
    });

    it('is worth nothing when it has expired or was altered', async () => {
      const key = newKey();
      await put(key, 'hello');
      const signingDate = new Date(Date.now() - 120_000);
      const expired = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: 60,
        signingDate,
      });

      const late = await fetch(expired);
      expect([late.status, await late.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
      expect((await fetch(expired.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'))).status).toBe(403);
      expect(
        (await fetch((await sign(key)).replace(/X-Amz-Signature=.{8}/, 'X-Amz-Signature=00000000'))).status,
      ).toBe(403);
    });
  });

  describe('a presigned form', () => {
    const formFor = (Key: string, most = 10, Expires = 60) =>
      createPresignedPost(s3, {
        Bucket: bucket,
        Key,
        Conditions: [['content-length-range', 0, most]],
        Expires,
      });
    const send = async (
      { url, fields }: Awaited<ReturnType<typeof formFor>>,
      body: string,
      more: Record<string, string> = {},
    ) => {
      const form = new FormData();
      for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
      form.append('file', new Blob([body]), 'file.txt');
      const answer = await fetch(url, { method: 'POST', body: form });
      return { status: answer.status, text: await answer.text() };
    };

    it('uploads its object', async () => {
      const key = newKey();
      expect(await send(await formFor(key), 'hello')).toMatchObject({ status: 204 });
      expect(await textOf(key)).toBe('hello');
    });

    it.each([
      ['a file that is too large', 'x'.repeat(11), {}, 400, 'EntityTooLarge'],
      ['another key', 'hello', { key: `${folder}elsewhere` }, 403, 'AccessDenied'],
      ['a field that the policy does not cover', 'hello', { 'x-amz-meta-a': 'b' }, 403, 'AccessDenied'],
      ['an altered policy', 'hello', { policy: 'e30=' }, 403, 'SignatureDoesNotMatch'],
    ])('with %s stores nothing', async (_, body, fields, status, code) => {
      const key = newKey();
      const answer = await send(await formFor(key), body, fields);

      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(code)]);
      await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });
    });
  });

  describe('credentials', () => {
    const withCredentials = async (credentials: { accessKeyId?: string; secretAccessKey?: string }) => {
      const present = await s3.config.credentials();
      const endpoint = await s3.config.endpoint?.();
      const other = new S3Client({
        region: await s3.config.region(),
        ...(endpoint
          ? { endpoint: `${endpoint.protocol}//${endpoint.hostname}:${endpoint.port}`, forcePathStyle: true }
          : {}),
        credentials: { ...present, ...credentials },
      });
      return other.send(new ListObjectsV2Command({ Bucket: bucket })).finally(() => other.destroy());
    };

    it('with the wrong secret are refused', async () => {
      await expect(withCredentials({ secretAccessKey: 'wrong' })).rejects.toMatchObject(
        refused('SignatureDoesNotMatch', 403),
      );
    });

    it('that nobody has are refused', async () => {
      await expect(withCredentials({ accessKeyId: 'AKIDNOBODYHASTHIS000' })).rejects.toMatchObject(
        refused('InvalidAccessKeyId', 403),
      );
    });
  });
};
