import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

const failed = { code: 'PreconditionFailed', status: 412 };

/** Writes and reads that are to happen only if. */
export const conditions: Suite = (access) => {
  const { at, put, get, head, textOf } = objectsOf(access);
  const remove = (key: string) => access().client.send(new DeleteObjectCommand(at(key)));

  describe('a write with If-None-Match: *', () => {
    it('makes an object where none is', async () => {
      const key = access().key();
      await put(key, 'one', { IfNoneMatch: '*' });
      expect(await textOf(key)).toBe('one');
    });

    it('is refused where an object is', async () => {
      const key = access().key();
      await put(key, 'one');
      expect(await refusal(put(key, 'two', { IfNoneMatch: '*' }))).toEqual(failed);
      expect(await textOf(key)).toBe('one');
    });

    it('makes an object where one was deleted', async () => {
      const key = access().key();
      await put(key, 'one');
      await remove(key);
      await put(key, 'two', { IfNoneMatch: '*' });
      expect(await textOf(key)).toBe('two');
    });

    it('has one winner among writers at the same time', async () => {
      const key = access().key();
      const bodies = Array.from({ length: 12 }, (_, index) => `writer ${index}`);
      const done = await Promise.allSettled(bodies.map((body) => put(key, body, { IfNoneMatch: '*' })));
      const winners = bodies.filter((_, index) => done[index]?.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      expect(await textOf(key)).toBe(winners[0]);
      for (const one of done)
        if (one.status === 'rejected')
          expect(['PreconditionFailed', 'ConditionalRequestConflict']).toContain(one.reason.name);
    });
  });

  it('a write with If-None-Match and an ETag is NotImplemented', async () => {
    const key = access().key();
    const { ETag } = await put(key, 'one');
    expect(await refusal(put(key, 'two', { IfNoneMatch: ETag }))).toEqual({
      code: 'NotImplemented',
      status: 501,
    });
  });

  describe('a write with If-Match', () => {
    it('takes place only over that ETag', async () => {
      const key = access().key();
      const { ETag } = await put(key, 'one');
      await put(key, 'two', { IfMatch: ETag });
      expect(await refusal(put(key, 'three', { IfMatch: ETag }))).toEqual(failed);
      expect(await textOf(key)).toBe('two');
    });

    it('takes the ETag without quotes, too', async () => {
      const key = access().key();
      const { ETag } = await put(key, 'one');
      await put(key, 'two', { IfMatch: ETag?.replaceAll('"', '') });
      expect(await textOf(key)).toBe('two');
    });

    it('is NoSuchKey where no object is, and where one was deleted', async () => {
      const key = access().key();
      const missing = { code: 'NoSuchKey', status: 404 };
      expect(await refusal(put(key, 'x', { IfMatch: '"0"' }))).toEqual(missing);
      const { ETag } = await put(key, 'x');
      await remove(key);
      expect(await refusal(put(key, 'x', { IfMatch: ETag }))).toEqual(missing);
    });
  });

  describe('a read', () => {
    const earlier = () => new Date(Date.now() - 3_600_000);

    it('with If-Match of another ETag is refused', async () => {
      const key = access().key();
      const { ETag } = await put(key, 'x');
      expect(await textOf(key, { IfMatch: ETag })).toBe('x');
      expect(await refusal(get(key, { IfMatch: '"0"' }))).toEqual(failed);
    });

    it('with If-None-Match of its ETag is 304', async () => {
      const key = access().key();
      const { ETag } = await put(key, 'x');
      expect(await textOf(key, { IfNoneMatch: '"0"' })).toBe('x');
      expect((await refusal(get(key, { IfNoneMatch: ETag }))).status).toBe(304);
      expect((await refusal(head(key, { IfNoneMatch: ETag }))).status).toBe(304);
    });

    it('of what has not changed since a date is 304', async () => {
      const key = access().key();
      await put(key, 'x');
      const { LastModified } = await head(key);
      expect((await refusal(get(key, { IfModifiedSince: LastModified }))).status).toBe(304);
      expect(await textOf(key, { IfModifiedSince: earlier() })).toBe('x');
    });

    it('of what must not have changed since a date is refused where it has', async () => {
      const key = access().key();
      await put(key, 'x');
      const { LastModified } = await head(key);
      expect(await textOf(key, { IfUnmodifiedSince: LastModified })).toBe('x');
      expect(await refusal(get(key, { IfUnmodifiedSince: earlier() }))).toEqual(failed);
    });

    it('asks for ETags before it asks for dates', async () => {
      const key = access().key();
      const { ETag } = await put(key, 'x');
      expect(await textOf(key, { IfMatch: ETag, IfUnmodifiedSince: earlier() })).toBe('x');
      const unchanged = get(key, { IfNoneMatch: ETag, IfModifiedSince: earlier() });
      expect((await refusal(unchanged)).status).toBe(304);
    });
  });
};
