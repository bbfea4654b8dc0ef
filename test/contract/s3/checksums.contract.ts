import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

const body = 'hello';
const digest = (algorithm: string) => createHash(algorithm).update(body).digest('base64');
const nothing = (bytes: number) => Buffer.alloc(bytes).toString('base64');

/** Digests that clients send along, and get back. */
export const checksums: Suite = (access) => {
  const { put, get, head } = objectsOf(access);
  const stored = (key: string) => head(key, { ChecksumMode: 'ENABLED' });

  describe('a checksum', () => {
    it('is CRC32 unless the client asks for another', async () => {
      const key = access().key();
      const { ChecksumCRC32 } = await put(key, body);
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc32(body));
      expect(ChecksumCRC32).toBe(bytes.toString('base64'));
      expect(await stored(key)).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
    });

    it.each([
      ['CRC32', 'ChecksumCRC32', 'NhCmhg=='],
      ['CRC32C', 'ChecksumCRC32C', 'mnG7TA=='],
      ['SHA1', 'ChecksumSHA1', digest('sha1')],
      ['SHA256', 'ChecksumSHA256', digest('sha256')],
    ])('of the algorithm %s is computed, compared and kept', async (ChecksumAlgorithm, member, value) => {
      const key = access().key();
      await put(key, body, { ChecksumAlgorithm });
      expect(await stored(key)).toMatchObject({ [member]: value });
    });

    it('comes only to those who ask, and only for the whole object', async () => {
      const key = access().key();
      await put(key, body);
      expect((await head(key)).ChecksumCRC32).toBeUndefined();
      const part = await get(key, { ChecksumMode: 'ENABLED', Range: 'bytes=0-1' });
      expect(await part.Body?.transformToString()).toBe('he');
      expect(part.ChecksumCRC32).toBeUndefined();
    });

    it('travels behind a body that is a stream', async () => {
      const key = access().key();
      const stream = Readable.from([Buffer.from('hel'), Buffer.from('lo')]);
      await put(key, stream as never, { ContentLength: body.length, ChecksumAlgorithm: 'SHA256' });
      expect(await stored(key)).toMatchObject({ ContentLength: 5, ChecksumSHA256: digest('sha256') });
      expect((await head(key)).ContentEncoding ?? '').toBe('');
    });
  });

  describe('an object is not stored', () => {
    it.each([
      ['a CRC32', { ChecksumCRC32: nothing(4) }],
      ['a CRC32C', { ChecksumCRC32C: nothing(4) }],
      ['a SHA-1', { ChecksumSHA1: nothing(20) }],
      ['a SHA-256', { ChecksumSHA256: nothing(32) }],
      ['an MD5', { ContentMD5: nothing(16) }],
    ])('with %s of other bytes', async (_, claim) => {
      const key = access().key();
      expect(await refusal(put(key, body, claim))).toEqual({ code: 'BadDigest', status: 400 });
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });

    it.each([
      ['a SHA-256 that is none', { ChecksumSHA256: 'abc' }, 'InvalidRequest'],
      ['a CRC32 that is too long', { ChecksumCRC32: nothing(5) }, 'InvalidRequest'],
      ['two checksums', { ChecksumCRC32: 'NhCmhg==', ChecksumSHA256: digest('sha256') }, 'InvalidRequest'],
      ['an MD5 that is none', { ContentMD5: 'abc' }, 'InvalidDigest'],
    ])('with %s', async (_, claim, code) => {
      const key = access().key();
      expect(await refusal(put(key, body, claim))).toEqual({ code, status: 400 });
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });
  });

  it('an MD5 of the bytes is accepted', async () => {
    const key = access().key();
    await put(key, body, { ContentMD5: digest('md5') });
    expect((await head(key)).ContentLength).toBe(5);
  });
};
