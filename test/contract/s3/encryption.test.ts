import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { md5OfHello, mebibyte, objectsOf, refusal } from './access.ts';
import { bucketModel, type EmbeddedBucket, encryptedModel, keyArn, startEmbedded } from './embedded.ts';
import { s3Contract } from './s3.contract.ts';

s3Contract({
  name: 'an embedded bucket with a key of KMS keeps the contract',
  make: () => startEmbedded({ bucket: encryptedModel() }),
});

let here: EmbeddedBucket;
const { at, put, get, head, textOf } = objectsOf(() => here);
beforeEach(async () => {
  here = await startEmbedded({ bucket: encryptedModel() });
});
afterEach(() => here.close());

const secret = 'the plaintext that nobody else may read';

/** Every byte of every file that the bucket keeps. */
const onDisk = (): Buffer =>
  Buffer.concat(
    readdirSync(here.dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  );

const copy = (from: string, to: string, more: object = {}) =>
  here.client.send(new CopyObjectCommand({ CopySource: `${here.bucket}/${from}`, ...at(to), ...more }));

const begin = async (key: string) => {
  const begun = await here.client.send(new CreateMultipartUploadCommand(at(key)));
  return { begun, upload: { ...at(key), UploadId: begun.UploadId } };
};

const postForm = async (key: string, body: string, Fields = {}) => {
  const { url, fields } = await createPresignedPost(here.client, { ...at(key), Fields });
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([body]), 'f');
  return fetch(url, { method: 'POST', body: form });
};

describe('the state of an encrypted bucket', () => {
  it('holds the plaintext nowhere, however an object came and while a part waits', async () => {
    await put('put', secret);
    await postForm('form', secret);
    await copy('put', 'copy');
    const { upload } = await begin('parts');
    const one = await here.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: secret }));
    expect(onDisk().includes(secret)).toBe(false);
    const Parts = [{ PartNumber: 1, ETag: one.ETag }];
    await here.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    expect(onDisk().includes(secret)).toBe(false);
    for (const key of ['put', 'form', 'copy', 'parts']) expect(await textOf(key)).toBe(secret);
  });

  it('holds the same bytes otherwise each time', async () => {
    await put('a', secret);
    await put('b', secret);
    await copy('a', 'c');
    const stored = here.files().map((file) => readFileSync(join(here.dir, 's3', file), 'hex'));
    expect(new Set(stored).size).toBe(3);
  });

  it('holds the key in a file that only its owner reads', () => {
    expect(statSync(join(here.dir, 's3-data-key')).mode & 0o777).toBe(0o600);
  });

  it('is read after a restart', async () => {
    await put('a', secret);
    await here.restart();
    expect(await textOf('a')).toBe(secret);
  });
});

describe('a start without the right key', () => {
  const keyFile = () => join(here.dir, 's3-data-key');
  const refused = async (spoil: () => void, why: RegExp) => {
    await put('a', secret);
    const key = readFileSync(keyFile());
    spoil();
    await expect(here.restart()).rejects.toThrow(why);
    rmSync(keyFile(), { force: true });
    writeFileSync(keyFile(), key, { mode: 0o600 });
    await here.restart();
    expect(await textOf('a')).toBe(secret);
  };

  it('is refused where the key is lost', () => refused(() => rmSync(keyFile()), /not the key/));
  it('is refused where the key is another', () =>
    refused(() => writeFileSync(keyFile(), Buffer.alloc(32)), /not the key/));
  it('is refused where others can read the key', () =>
    refused(() => chmodSync(keyFile(), 0o644), /chmod 600/));
});

describe('an encrypted object', () => {
  const encrypted = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn, BucketKeyEnabled: true };

  it('says so in every answer about it', async () => {
    expect(await put('a', 'hello')).toMatchObject(encrypted);
    expect(await head('a')).toMatchObject(encrypted);
    expect(await get('a')).toMatchObject(encrypted);
    expect(await copy('a', 'b')).toMatchObject(encrypted);
    const { begun, upload } = await begin('parts');
    expect(begun).toMatchObject(encrypted);
    const one = await here.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' }));
    expect(one).toMatchObject(encrypted);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: one.ETag }] };
    const done = await here.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    expect(done).toMatchObject(encrypted);
    const form = await postForm('form', 'x');
    expect(form.headers.get('x-amz-server-side-encryption-aws-kms-key-id')).toBe(keyArn);
  });

  it('has an ETag that says nothing of its bytes', async () => {
    const etags = [await put('a', 'hello'), await put('b', 'hello')].map(({ ETag }) => ETag);
    expect(new Set([...etags, (await copy('a', 'c')).CopyObjectResult?.ETag, md5OfHello]).size).toBe(4);
  });

  it('is read from any byte to any other', async () => {
    const body = Uint8Array.from({ length: 70 }, (_, index) => (index * 37) % 256);
    await put('a', body);
    for (const [from, to] of [
      [0, 0],
      [0, 15],
      [1, 16],
      [15, 16],
      [16, 31],
      [17, 69],
      [33, 33],
      [48, 69],
    ] as const) {
      const part = await get('a', { Range: `bytes=${from}-${to}` });
      expect(await part.Body?.transformToByteArray(), `${from}-${to}`).toEqual(body.slice(from, to + 1));
    }
    const last = await get('a', { Range: 'bytes=-5' });
    expect(await last.Body?.transformToByteArray()).toEqual(body.slice(-5));
  });

  it('of parts is read across their borders, also by a presigned URL', async () => {
    const { upload } = await begin('a');
    const bodies = [Buffer.alloc(5 * mebibyte + 3, 'a'), Buffer.from('tail')];
    const Parts = await Promise.all(
      bodies.map(async (Body, index) => {
        const PartNumber = index + 1;
        const { ETag } = await here.client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
        return { PartNumber, ETag };
      }),
    );
    await here.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    const url = await getSignedUrl(here.client, new GetObjectCommand(at('a')));
    const range = `bytes=${5 * mebibyte}-`;
    const answer = await fetch(url, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(await answer.text()).toBe('aaatail');
  });
});

describe('a write that names an encryption', () => {
  const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn } as const;

  it.each([
    ['the key of the bucket', kms],
    ['the key of the bucket and its bucket key', { ...kms, BucketKeyEnabled: true }],
    ['the bucket key alone', { BucketKeyEnabled: true }],
  ])('is taken where that is what the bucket does: %s', async (_, asked) => {
    await put('a', 'x', asked);
    await copy('a', 'b', asked);
    expect(await head('b')).toMatchObject(kms);
  });

  it.each([
    ['the key of S3', { ServerSideEncryption: 'AES256' }],
    ['KMS without a key, which is the account’s', { ServerSideEncryption: 'aws:kms' }],
    ['two layers', { ...kms, ServerSideEncryption: 'aws:kms:dsse' }],
    ['another key', { ...kms, SSEKMSKeyId: `${keyArn}2` }],
    ['a key without KMS', { SSEKMSKeyId: keyArn }],
    ['no bucket key', { ...kms, BucketKeyEnabled: false }],
    ['a context', { ...kms, SSEKMSEncryptionContext: 'e30=' }],
  ])('is NotImplemented elsewhere: %s', async (_, asked) => {
    const refused = { code: 'NotImplemented', status: 501 };
    expect(await refusal(put('a', 'x', asked))).toEqual(refused);
    await put('b', 'x');
    expect(await refusal(copy('b', 'a', asked))).toEqual(refused);
    expect((await refusal(get('a'))).code).toBe('NoSuchKey');
  });

  it('is judged in a form, too', async () => {
    const fields = {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': keyArn,
    };
    expect((await postForm('a', 'x', fields)).status).toBe(204);
    expect((await postForm('b', 'x', { 'x-amz-server-side-encryption': 'AES256' })).status).toBe(501);
  });
});

describe('a bucket that was not encrypted before', () => {
  beforeEach(async () => {
    await here.close();
    here = await startEmbedded();
    await put('old', secret);
    await here.restart(encryptedModel());
  });

  it('gives its old objects as they are, and says nothing of a key', async () => {
    expect(onDisk().includes(secret)).toBe(true);
    expect(await textOf('old')).toBe(secret);
    expect(await textOf('old', { Range: 'bytes=4-12' })).toBe('plaintext');
    expect(await head('old')).not.toHaveProperty('ServerSideEncryption');
  });

  it('encrypts the copy of an old object, and may read it when it is no longer encrypted', async () => {
    const { CopyObjectResult } = await copy('old', 'new');
    expect(CopyObjectResult?.ETag).not.toBe((await head('old')).ETag);
    expect(
      here.files().filter((file) => readFileSync(join(here.dir, 's3', file)).includes(secret)),
    ).toHaveLength(1);
    await here.restart(bucketModel());
    expect(await textOf('new')).toBe(secret);
  });
});
