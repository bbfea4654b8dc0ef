import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { md5OfHello, objectsOf, refusal, type Suite } from './access.ts';

/** Writing, reading, asking about and deleting objects. */
export const objects: Suite = (access) => {
  const { at, put, get, head, textOf } = objectsOf(access);

  describe('an object', () => {
    it('comes back with its bytes, its length and its ETag: their MD5, unless a key of KMS encrypts them', async () => {
      const key = access().key();
      const { ETag, ServerSideEncryption } = await put(key, 'hello');
      expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
      expect(ETag === md5OfHello).toBe(ServerSideEncryption !== 'aws:kms');
      const answer = await get(key);
      expect(answer).toMatchObject({ ETag, ContentLength: 5, AcceptRanges: 'bytes' });
      expect(await answer.Body?.transformToString()).toBe('hello');
    });

    it('may be empty', async () => {
      const key = access().key();
      await put(key, new Uint8Array(0));
      expect((await head(key)).ContentLength).toBe(0);
      expect(await textOf(key)).toBe('');
    });

    it('may hold any bytes', async () => {
      const key = access().key();
      const body = Uint8Array.from({ length: 256 }, (_, value) => value);
      await put(key, body);
      expect(await (await get(key)).Body?.transformToByteArray()).toEqual(body);
    });

    it('is described by HEAD as by GET', async () => {
      const key = access().key();
      await put(key, 'hello', { ContentType: 'text/plain', Metadata: { a: 'b' } });
      const { Body, $metadata: _, ...got } = await get(key);
      await Body?.transformToString();
      const { $metadata: __, ...asked } = await head(key, { ChecksumMode: 'ENABLED' });
      expect(asked).toEqual(got);
    });

    it('keeps the headers that describe it', async () => {
      const key = access().key();
      const headers = {
        ContentType: 'text/csv; charset=utf-8',
        ContentEncoding: 'gzip',
        ContentDisposition: 'attachment; filename="list.csv"',
        ContentLanguage: 'en',
        CacheControl: 'max-age=60',
      };
      await put(key, 'x', headers);
      expect(await head(key)).toMatchObject(headers);
    });

    it('answers with headers that a reader asks for instead', async () => {
      const key = access().key();
      await put(key, 'x', { ContentType: 'text/plain' });
      const headers = { ContentType: 'text/html', ContentDisposition: 'attachment; filename="a b.txt"' };
      const { ContentType: ResponseContentType, ContentDisposition: ResponseContentDisposition } = headers;
      expect(await get(key, { ResponseContentType, ResponseContentDisposition })).toMatchObject(headers);
    });

    it('does not answer with a header that cannot travel in HTTP', async () => {
      const key = access().key();
      await put(key, 'x');
      const call = get(key, { ResponseContentDisposition: 'attachment; filename="日本.txt"' });
      expect(await refusal(call)).toEqual({ code: 'InvalidArgument', status: 400 });
    });

    it('that is not there is NoSuchKey, and NotFound for a HEAD', async () => {
      const key = access().key();
      expect(await refusal(get(key))).toEqual({ code: 'NoSuchKey', status: 404 });
      expect(await refusal(head(key))).toEqual({ code: 'NotFound', status: 404 });
    });

    it('is gone after a delete, and a second delete is no error', async () => {
      const key = access().key();
      await put(key, 'x');
      await access().client.send(new DeleteObjectCommand(at(key)));
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
      const again = await access().client.send(new DeleteObjectCommand(at(key)));
      expect(again.$metadata.httpStatusCode).toBe(204);
    });
  });

  describe('a range', () => {
    it.each([
      ['bytes=0-3', '0123', 206, 'bytes 0-3/10'],
      ['bytes=6-', '6789', 206, 'bytes 6-9/10'],
      ['bytes=9-9', '9', 206, 'bytes 9-9/10'],
      ['bytes=-2', '89', 206, 'bytes 8-9/10'],
      ['bytes=-100', '0123456789', 206, 'bytes 0-9/10'],
      ['bytes=8-100', '89', 206, 'bytes 8-9/10'],
      ['lines=1-2', '0123456789', 200, undefined],
    ])('%s of ten bytes is %s', async (Range, text, status, ContentRange) => {
      const key = access().key();
      await put(key, '0123456789');
      const answer = await get(key, { Range });
      expect(await answer.Body?.transformToString()).toBe(text);
      expect(answer.ContentRange).toBe(ContentRange);
      expect(answer.$metadata.httpStatusCode).toBe(status);
    });

    it.each([
      'bytes=10-',
      'bytes=-0',
      'bytes=99999999999999999999-',
    ])('%s of ten bytes is InvalidRange', async (Range) => {
      const key = access().key();
      await put(key, '0123456789');
      expect(await refusal(get(key, { Range }))).toEqual({ code: 'InvalidRange', status: 416 });
    });

    it('of an empty object is InvalidRange', async () => {
      const key = access().key();
      await put(key, new Uint8Array(0));
      expect(await refusal(get(key, { Range: 'bytes=0-0' }))).toEqual({ code: 'InvalidRange', status: 416 });
    });
  });

  describe('a delete of many', () => {
    const removeAll = (keys: string[], more: object = {}) => {
      const Delete = { Objects: keys.map((Key) => ({ Key })), ...more };
      return access().client.send(new DeleteObjectsCommand({ Bucket: access().bucket, Delete }));
    };

    it('takes every object away and names each', async () => {
      const keys = ['a', 'b & <c>', 'd ', 'é+%20', 'line\nbreak'].map((name) => access().key(name));
      for (const key of keys) await put(key, 'x');
      const { Deleted, Errors = [] } = await removeAll(keys);
      expect(Deleted?.map(({ Key }) => Key).sort()).toEqual([...keys].sort());
      expect(Errors).toEqual([]);
      for (const key of keys) expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });

    it('names nothing when it is quiet', async () => {
      const key = access().key();
      await put(key, 'x');
      expect((await removeAll([key], { Quiet: true })).Deleted ?? []).toEqual([]);
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });

    it('leaves alone an object whose key differs in white space', async () => {
      const key = access().key();
      await put(key, 'x');
      await removeAll([`${key} `, ` ${key}`]);
      expect(await textOf(key)).toBe('x');
    });

    it('is MalformedXML without objects', async () => {
      expect(await refusal(removeAll([]))).toEqual({ code: 'MalformedXML', status: 400 });
    });
  });
};
