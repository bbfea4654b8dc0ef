import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { answerOf, objectsOf, type Suite } from './access.ts';

const wrongSignature = { status: 403, code: 'SignatureDoesNotMatch' };

/** URLs that carry their signature. */
export const presigned: Suite = (access) => {
  const { at, put, get, textOf } = objectsOf(access);
  /** As the product signs: no checksum of a body that is not there. */
  const signer = () =>
    access().clientWith({
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  const toGet = (Key: string, more: object = {}) =>
    getSignedUrl(signer(), new GetObjectCommand(at(Key)), { expiresIn: 60, ...more });
  const toPut = (Key: string, more: object = {}, options: object = {}) =>
    getSignedUrl(signer(), new PutObjectCommand({ ...at(Key), ...more }), { expiresIn: 60, ...options });
  const changed = (url: string, name: string, value: string | null): string => {
    const other = new URL(url);
    if (value === null) other.searchParams.delete(name);
    else other.searchParams.set(name, value);
    return other.href;
  };
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

  describe('a presigned URL', () => {
    it('gets its object, whatever its key', async () => {
      const key = access().key('a b+c%2F/é');
      await put(key, 'hello', { ContentType: 'text/plain' });
      const answer = await fetch(await toGet(key));
      expect(await answer.text()).toBe('hello');
      expect(answer.headers.get('content-type')).toBe('text/plain');
    });

    it('gets a range', async () => {
      const key = access().key();
      await put(key, 'hello');
      const answer = await fetch(await toGet(key), { headers: { range: 'bytes=1-2' } });
      expect([answer.status, await answer.text()]).toEqual([206, 'el']);
    });

    it('gets one version', async () => {
      const key = access().key();
      const { VersionId } = await put(key, 'one');
      await put(key, 'two');
      const url = await getSignedUrl(signer(), new GetObjectCommand({ ...at(key), VersionId }));
      expect(await (await fetch(url)).text()).toBe('one');
    });

    it('puts its object', async () => {
      const key = access().key();
      expect((await fetch(await toPut(key), { method: 'PUT', body: 'hello' })).status).toBe(200);
      expect(await textOf(key)).toBe('hello');
    });

    it('of a missing object is NoSuchKey', async () => {
      expect(await answerOf(await fetch(await toGet(access().key())))).toEqual({
        status: 404,
        code: 'NoSuchKey',
      });
    });

    it('works until it expires, and not after', async () => {
      const key = access().key();
      await put(key, 'hello');
      const inTime = await toGet(key, { signingDate: ago(30), expiresIn: 90 });
      expect((await fetch(inTime)).status).toBe(200);
      const late = await fetch(await toGet(key, { signingDate: ago(90), expiresIn: 60 }));
      const text = await late.text();
      expect([late.status, text]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
      expect(text).toContain('Request has expired');
    });

    it('does not work before its time', async () => {
      const key = access().key();
      await put(key, 'hello');
      expect(await answerOf(await fetch(await toGet(key, { signingDate: ago(-3600) })))).toEqual({
        status: 403,
        code: 'AccessDenied',
      });
    });

    it.each([
      ['another expiry', 'X-Amz-Expires', '6000'],
      ['another signature', 'X-Amz-Signature', '0'.repeat(64)],
      ['no signature worth the name', 'X-Amz-Signature', 'none'],
      ['a parameter more', 'response-content-type', 'text/html'],
    ])('with %s is SignatureDoesNotMatch', async (_, name, value) => {
      const key = access().key();
      await put(key, 'hello');
      const answer = await fetch(changed(await toGet(key), name, value));
      expect(await answerOf(answer)).toEqual(wrongSignature);
    });

    it('of another object or method is SignatureDoesNotMatch', async () => {
      const key = access().key();
      await put(key, 'hello');
      const url = await toGet(key);
      expect(await answerOf(await fetch(url.replace('object?', 'other?')))).toEqual(wrongSignature);
      expect(await answerOf(await fetch(url, { method: 'DELETE' }))).toEqual(wrongSignature);
      expect(await textOf(key)).toBe('hello');
    });

    it.each([
      ['an expiry above a week', 'X-Amz-Expires', '604801'],
      ['an expiry that is no number', 'X-Amz-Expires', 'soon'],
      ['no date', 'X-Amz-Date', null],
      ['no signature', 'X-Amz-Signature', null],
      ['another algorithm', 'X-Amz-Algorithm', 'AWS4-HMAC-MD5'],
    ])('with %s is AuthorizationQueryParametersError', async (_, name, value) => {
      const answer = await fetch(changed(await toGet(access().key()), name, value));
      expect(await answerOf(answer)).toEqual({ status: 400, code: 'AuthorizationQueryParametersError' });
    });

    it('without any of its parameters is AccessDenied', async () => {
      const key = access().key();
      await put(key, 'hello');
      const [bare = ''] = (await toGet(key)).split('?');
      expect(await answerOf(await fetch(bare))).toEqual({ status: 403, code: 'AccessDenied' });
    });

    it("takes none of S3's headers that was not signed", async () => {
      const key = access().key();
      const headers = { 'x-amz-meta-by': 'whoever holds the link' };
      const answer = await fetch(await toPut(key), { method: 'PUT', body: 'x', headers });
      expect(await answerOf(answer)).toEqual({ status: 403, code: 'AccessDenied' });
    });

    it('holds a body to the headers that were signed', async () => {
      const key = access().key();
      const signableHeaders = new Set(['content-type']);
      const url = await toPut(key, { ContentType: 'text/csv' }, { signableHeaders });
      const send = (type: string) =>
        fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': type } });
      expect(await answerOf(await send('text/html'))).toEqual(wrongSignature);
      expect((await send('text/csv')).status).toBe(200);
      expect((await get(key)).ContentType).toBe('text/csv');
    });
  });
};
