import { createPresignedPost, type PresignedPostOptions } from '@aws-sdk/s3-presigned-post';
import { describe, expect, it } from 'vitest';
import { answerOf, md5OfHello, mebibyte, objectsOf, refusal, type Suite } from './access.ts';

type Conditions = PresignedPostOptions['Conditions'];

/** Uploads by a signed form, as browsers and `curl -F` send them. */
export const forms: Suite = (access) => {
  const { at, get, head, textOf } = objectsOf(access);
  const formFor = (Key: string, more: Partial<PresignedPostOptions> = {}) =>
    createPresignedPost(access().client, { ...at(Key), Expires: 60, ...more });
  const upTo = (most: number, least = 0): { Conditions: Conditions } => ({
    Conditions: [['content-length-range', least, most]],
  });

  const send = async (
    { url, fields }: Awaited<ReturnType<typeof formFor>>,
    body: string | Uint8Array<ArrayBuffer>,
    { more = {}, after = {}, field = 'file', files = 1 } = {},
  ) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
    for (let file = 0; file < files; file++) form.append(field, new Blob([body]), 'file.txt');
    for (const [name, value] of Object.entries(after)) form.append(name, String(value));
    return fetch(url, { method: 'POST', body: form });
  };
  const denied = { status: 403, code: 'AccessDenied' };
  const isMissing = async (key: string) => expect((await refusal(get(key))).code).toBe('NoSuchKey');

  describe('a presigned form', () => {
    it('uploads its object', async () => {
      const key = access().key('a b+c/é');
      const answer = await send(await formFor(key, upTo(10)), 'hello');
      expect(answer.status).toBe(204);
      const isMd5 = answer.headers.get('etag') === md5OfHello;
      expect(isMd5).toBe(answer.headers.get('x-amz-server-side-encryption') !== 'aws:kms');
      expect(await textOf(key)).toBe('hello');
      expect((await head(key)).VersionId).toBe(answer.headers.get('x-amz-version-id'));
    });

    it('keeps the fields that describe the object', async () => {
      const key = access().key();
      const Fields = {
        'Content-Type': 'text/csv',
        'x-amz-meta-activate': 'true',
        'x-amz-meta-by': 'Zoë 日本',
      };
      expect((await send(await formFor(key, { Fields }), 'x')).status).toBe(204);
      const { ContentType, Metadata } = await head(key);
      expect(ContentType).toBe('text/csv');
      expect(Metadata?.['activate']).toBe('true');
      expect(Metadata?.['by']).toMatch(/^=\?UTF-8\?[BQ]\?/);
    });

    it('answers as it is asked to', async () => {
      const form = await formFor(access().key(), { Fields: { success_action_status: '201' } });
      const answer = await send(form, 'x');
      expect(answer.status).toBe(201);
      expect(await answer.text()).toContain(`<Bucket>${access().bucket}</Bucket>`);
    });

    it('may leave the end of the key to the name of the file', async () => {
      const prefix = access().key('drop/');
      expect((await send(await formFor(`${prefix}\${filename}`), 'x')).status).toBe(204);
      expect(await textOf(`${prefix}file.txt`)).toBe('x');
    });

    it('takes files of exactly its bounds', async () => {
      for (const body of ['ab', 'abcd']) {
        const key = access().key();
        expect((await send(await formFor(key, upTo(4, 2)), body)).status).toBe(204);
        expect(await textOf(key)).toBe(body);
      }
    });

    it.each([
      ['one byte too large', new Uint8Array(5), 'EntityTooLarge'],
      ['much too large', new Uint8Array(8 * mebibyte), 'EntityTooLarge'],
      ['one byte too small', new Uint8Array(1), 'EntityTooSmall'],
    ])('stores nothing of a file that is %s', async (_, body, code) => {
      const key = access().key();
      expect(await answerOf(await send(await formFor(key, upTo(4, 2)), body))).toEqual({ status: 400, code });
      await isMissing(key);
    });

    it('holds a file to every bound of its policy', async () => {
      const key = access().key();
      const Conditions: Conditions = [
        ['content-length-range', 0, 10],
        ['content-length-range', 0, 4],
      ];
      expect((await answerOf(await send(await formFor(key, { Conditions }), 'hello'))).code).toBe(
        'EntityTooLarge',
      );
    });

    it('stores nothing when its policy has expired', async () => {
      const key = access().key();
      const answer = await send(await formFor(key, { Expires: -60 }), 'x');
      const text = await answer.text();
      expect([answer.status, text]).toEqual([403, expect.stringContaining('Policy expired')]);
      expect(text).toContain('<Code>AccessDenied</Code>');
      await isMissing(key);
    });

    it.each([
      ['another key', { key: 'elsewhere' }],
      ['a field that the policy does not cover', { 'x-amz-meta-a': 'b' }],
      ['another type than the policy says', { 'Content-Type': 'text/html' }],
    ])('with %s stores nothing', async (_, more) => {
      const key = access().key();
      const form = await formFor(key, { Fields: { 'Content-Type': 'text/plain' } });
      expect(await answerOf(await send(form, 'x', { more }))).toEqual(denied);
      await isMissing(key);
    });

    it('takes any value that starts as its policy says', async () => {
      const key = access().key();
      const Conditions: Conditions = [['starts-with', '$Content-Type', 'text/']];
      const form = await formFor(key, { Conditions });
      const as = (type: string) => send(form, 'x', { more: { 'Content-Type': type } });
      expect(await answerOf(await as('image/png'))).toEqual(denied);
      expect((await as('text/csv')).status).toBe(204);
    });

    it('ignores fields after the file', async () => {
      const key = access().key();
      const after = { 'x-amz-meta-late': 'x' };
      expect((await send(await formFor(key), 'x', { after })).status).toBe(204);
      expect((await head(key)).Metadata).toEqual({});
    });

    it.each([
      ['an altered policy', { policy: 'e30=' }],
      ['another signature', { 'X-Amz-Signature': '0'.repeat(64) }],
    ])('with %s is SignatureDoesNotMatch', async (_, more) => {
      const key = access().key();
      expect(await answerOf(await send(await formFor(key), 'x', { more }))).toEqual({
        status: 403,
        code: 'SignatureDoesNotMatch',
      });
      await isMissing(key);
    });

    it.each([
      ['a condition that is nothing', null],
      ['a condition of two fields', { a: 'b', c: 'd' }],
      ['an operator that is none', ['like', '$key', 'a']],
      ['a range without numbers', ['content-length-range', 'few', 'many']],
    ])('whose policy has %s is InvalidPolicyDocument', async (_, condition) => {
      const form = await formFor(access().key(), { Conditions: [condition] as never });
      expect(await answerOf(await send(form, 'x'))).toEqual({ status: 400, code: 'InvalidPolicyDocument' });
    });

    it('of nobody is refused', async () => {
      const credentials = { accessKeyId: 'AKIDNOBODYHASTHIS000', secretAccessKey: 'x' };
      const form = await createPresignedPost(access().clientWith({ credentials }), at(access().key()));
      expect(await answerOf(await send(form, 'x'))).toEqual({ status: 403, code: 'InvalidAccessKeyId' });
    });

    it.each([
      ['without a file', { files: 0 }],
      ['with two files', { files: 2 }],
      ['with its file under another name', { field: 'upload' }],
    ])('%s stores nothing', async (_, options) => {
      const key = access().key();
      const answer = await answerOf(await send(await formFor(key), 'x', options));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      await isMissing(key);
    });

    it('with more than 20 KB of fields is refused', async () => {
      const key = access().key();
      const more = { 'x-ignore-this': 'x'.repeat(21_000) };
      expect(await answerOf(await send(await formFor(key), 'x', { more }))).toEqual({
        status: 400,
        code: 'MaxPostPreDataLengthExceededError',
      });
      await isMissing(key);
    });
  });
};
