import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../helpers/until.ts';
import { answerOf, mebibyte, objectsOf, refusal } from './access.ts';
import { type EmbeddedBucket, startEmbedded } from './embedded.ts';

let here: EmbeddedBucket;
const { at, put, get, textOf } = objectsOf(() => here);
beforeEach(async () => {
  here = await startEmbedded();
});
afterEach(() => here.close());

const toPut = (key: string) =>
  getSignedUrl(
    here.clientWith({ requestChecksumCalculation: 'WHEN_REQUIRED' }),
    new PutObjectCommand(at(key)),
  );

/** A request whose body is written later, or never. */
const open = (url: string, method: string, headers: Record<string, string | number>) => {
  const sent = httpRequest(url, { method, headers });
  sent.on('error', () => undefined);
  const answer = new Promise<{ status: number; code?: string }>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', async (response: IncomingMessage) => {
      const body = await text(response);
      resolve(await answerOf(new Response(body, { status: response.statusCode ?? 0 })));
    });
  });
  answer.catch(() => undefined);
  sent.flushHeaders();
  return { sent, answer };
};

describe('a request target', () => {
  it.each([
    '/contract/%zz',
    '/contract/%ff',
    '/contract/a%',
    '/contract?prefix=%zz',
    '/contract/a?%e4=1',
  ])('%s is InvalidURI', async (target) => {
    const answer = await open(`${here.url}${target}`, 'GET', {}).answer;
    expect(answer).toEqual({ status: 400, code: 'InvalidURI' });
  });
});

describe('a request', () => {
  it.each([
    ['no signature', {}, 403, 'AccessDenied'],
    ['another scheme', { authorization: 'Basic YTpi' }, 400, 'InvalidArgument'],
    ['half a signature', { authorization: 'AWS4-HMAC-SHA256 x' }, 400, 'AuthorizationHeaderMalformed'],
  ])('with %s is refused', async (_, headers, status, code) => {
    expect(await answerOf(await fetch(`${here.url}/contract/a`, { headers }))).toEqual({ status, code });
  });

  it('of an SDK whose clock is off comes again with the right one', async () => {
    const ahead = await startEmbedded({ now: () => new Date(Date.now() + 3_600_000) });
    const client = ahead.clientWith({ maxAttempts: 2 });
    const { $metadata } = await client.send(new ListObjectsV2Command({ Bucket: ahead.bucket }));
    expect($metadata.attempts).toBe(2);
    await ahead.close();
  });
});

describe('an operation that is not known', () => {
  const Key = 'a';
  it.each([
    ['GetObjectAcl', () => new GetObjectAclCommand(at(Key))],
    ['GetObjectTagging', () => new GetObjectTaggingCommand(at(Key))],
    ['GetObjectAttributes', () => new GetObjectAttributesCommand({ ...at(Key), ObjectAttributes: ['ETag'] })],
    ['GetBucketLifecycle', () => new GetBucketLifecycleConfigurationCommand(at(Key))],
    ['ListObjects (version 1)', () => new ListObjectsCommand(at(Key))],
    ['ListMultipartUploads', () => new ListMultipartUploadsCommand(at(Key))],
    [
      'UploadPartCopy',
      () => new UploadPartCopyCommand({ ...at(Key), UploadId: 'u', PartNumber: 1, CopySource: 'contract/a' }),
    ],
    ['PutObject with tags', () => new PutObjectCommand({ ...at(Key), Body: 'x', Tagging: 'a=b' })],
    ['PutObject with an ACL', () => new PutObjectCommand({ ...at(Key), Body: 'x', ACL: 'public-read' })],
    [
      'PutObject with a key of KMS',
      () => new PutObjectCommand({ ...at(Key), ServerSideEncryption: 'aws:kms' }),
    ],
    [
      'PutObject with CRC64NVME',
      () => new PutObjectCommand({ ...at(Key), ChecksumCRC64NVME: 'AAAAAAAAAAA=' }),
    ],
    ['DeleteObject with If-Match', () => new DeleteObjectCommand({ ...at(Key), IfMatch: '*' })],
  ])('%s is NotImplemented, and changes nothing', async (_, command) => {
    await put(Key, 'there');
    const call = here.client.send(command() as PutObjectCommand);
    expect(await refusal(call)).toEqual({ code: 'NotImplemented', status: 501 });
    expect(await textOf(Key)).toBe('there');
    expect(here.events).toHaveLength(1);
  });
});

describe('a body', () => {
  it('above five gibibytes is EntityTooLarge before it is sent', async () => {
    const { sent, answer } = open(await toPut('a'), 'PUT', { 'content-length': 5 * 1024 ** 3 + 1 });
    expect(await answer).toEqual({ status: 400, code: 'EntityTooLarge' });
    sent.destroy();
  });

  it('of unknown length is refused', async () => {
    const { sent, answer } = open(await toPut('a'), 'PUT', { 'transfer-encoding': 'chunked' });
    sent.end('hello');
    expect(await answer).toEqual({ status: 501, code: 'NotImplemented' });
    expect((await refusal(get('a'))).code).toBe('NoSuchKey');
  });

  it.each([
    ['fewer', 6],
    ['more', 4],
  ])('in chunks with %s bytes than x-amz-decoded-content-length is IncompleteBody', async (_, length) => {
    const client = here.clientWith({});
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        headers['x-amz-decoded-content-length'] = String(length);
        return next(args);
      },
      { step: 'build', priority: 'low' },
    );
    const Body = Readable.from([Buffer.from('hello')]);
    const call = client.send(new PutObjectCommand({ ...at('a'), Body, ContentLength: 5 }));
    expect(await refusal(call)).toEqual({ code: 'IncompleteBody', status: 400 });
    expect(here.files()).toEqual([]);
  });

  /** Exchanges the body of every request of a client on its way. */
  const exchanging = (body: (before: string) => string, step: 'serialize' | 'finalizeRequest'): S3Client => {
    const client = here.clientWith({});
    const change = (request: { body?: unknown; headers: Record<string, string> }) => {
      request.body = body(Buffer.from(request.body as string).toString());
      if (step === 'serialize')
        request.headers['content-length'] = `${Buffer.byteLength(request.body as string)}`;
    };
    client.middlewareStack.add(
      (next) => (args: { request: unknown }) => {
        change(args.request as Parameters<typeof change>[0]);
        return next(args as never);
      },
      { step: step as 'finalizeRequest', priority: 'low' },
    );
    return client;
  };
  const listOf = (...keys: string[]) => ({
    Bucket: here.bucket,
    Delete: { Objects: keys.map((Key) => ({ Key })) },
  });

  it('other than the one that was signed is refused', async () => {
    await put('a', 'there');
    const client = exchanging(
      (body) => body.replace('hello', 'HELLO').replace('>b<', '>a<'),
      'finalizeRequest',
    );
    const refused = { code: 'XAmzContentSHA256Mismatch', status: 400 };
    expect(await refusal(client.send(new PutObjectCommand({ ...at('a'), Body: 'hello' })))).toEqual(refused);
    expect(await refusal(client.send(new DeleteObjectsCommand(listOf('b'))))).toEqual(refused);
    expect(await textOf('a')).toBe('there');
  });

  it.each([
    '',
    'no xml',
    '<Delete><Object></Object></Delete>',
    '<Other/>',
    '<Delete><Object><Key>a</Key>',
  ])('that should name what to delete and is "%s" is MalformedXML', async (body) => {
    const client = exchanging(() => body, 'serialize');
    const call = client.send(new DeleteObjectsCommand(listOf('a')));
    expect(await refusal(call)).toEqual({ code: 'MalformedXML', status: 400 });
  });

  it('with a document above two mebibytes is MaxMessageLengthExceeded', async () => {
    const client = exchanging((body) => body + ' '.repeat(2 * mebibyte), 'serialize');
    const call = client.send(new DeleteObjectsCommand(listOf('a')));
    expect(await refusal(call)).toEqual({ code: 'MaxMessageLengthExceeded', status: 400 });
  });
});

describe('an upload that breaks off leaves nothing', () => {
  const breakOff = async (sent: ReturnType<typeof open>['sent'], head = '') => {
    sent.write(head + 'x'.repeat(100_000));
    await until('the upload has begun', () => here.files().length > 0, { everyMs: 5 });
    sent.destroy();
    await until('what it wrote is gone', () => here.files().length === 0, { everyMs: 5 });
    expect(here.events).toEqual([]);
  };
  const formHead = (fields: Record<string, string>) => {
    const part = (disposition: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}`;
    const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, `${value}\r\n`));
    return parts.join('') + part('name="file"; filename="f"', '');
  };
  const formHeaders = { 'content-type': 'multipart/form-data; boundary=b' };

  it('as a signed body', async () => {
    await breakOff(open(await toPut('a'), 'PUT', { 'content-length': 1_000_000 }).sent);
  });

  it('as a part', async () => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at('a')));
    const part = new UploadPartCommand({ ...at('a'), UploadId, PartNumber: 1 });
    const client = here.clientWith({ requestChecksumCalculation: 'WHEN_REQUIRED' });
    await breakOff(open(await getSignedUrl(client, part), 'PUT', { 'content-length': 1_000_000 }).sent);
  });

  it('as a form', async () => {
    const { url, fields } = await createPresignedPost(here.client, at('a'));
    const headers = { ...formHeaders, 'content-length': 1_000_000 };
    await breakOff(open(url, 'POST', headers).sent, formHead(fields));
  });

  it('as a form without its end', async () => {
    const { url, fields } = await createPresignedPost(here.client, at('a'));
    const body = `${formHead(fields)}hello`;
    const { sent, answer } = open(url, 'POST', { ...formHeaders, 'content-length': Buffer.byteLength(body) });
    sent.end(body);
    expect(await answer).toEqual({ status: 400, code: 'MalformedPOSTRequest' });
    await until('what it wrote is gone', () => here.files().length === 0, { everyMs: 5 });
    expect(here.events).toEqual([]);
  });
});

describe('at the same time', () => {
  it('two completions of an upload make one version', async () => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at('a')));
    const part = { ...at('a'), UploadId, PartNumber: 1, Body: new Uint8Array(6 * mebibyte) };
    const { ETag } = await here.client.send(new UploadPartCommand(part));
    const completion = { ...at('a'), UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    const complete = () => here.client.send(new CompleteMultipartUploadCommand(completion));
    const done = await Promise.allSettled([complete(), complete(), complete()]);
    expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    const { Versions } = await here.client.send(new ListObjectVersionsCommand({ Bucket: here.bucket }));
    expect(Versions).toHaveLength(1);
    await until('only its bytes are left', () => here.files().length === 1, { everyMs: 5 });
  });

  it('an upload that is aborted takes no part that is still on its way', async () => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at('a')));
    const part = new UploadPartCommand({ ...at('a'), UploadId, PartNumber: 1 });
    const client = here.clientWith({ requestChecksumCalculation: 'WHEN_REQUIRED' });
    const { sent, answer } = open(await getSignedUrl(client, part), 'PUT', { 'content-length': 10 });
    sent.write('first');
    await until('the part has begun', () => here.files().length > 0, { everyMs: 5 });
    await here.client.send(new AbortMultipartUploadCommand({ ...at('a'), UploadId }));
    sent.end('after');
    expect(await answer).toEqual({ status: 404, code: 'NoSuchUpload' });
    expect(here.files()).toEqual([]);
  });
});
