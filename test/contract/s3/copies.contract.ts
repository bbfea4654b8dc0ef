import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

/** Objects made from objects. */
export const copies: Suite = (access) => {
  const { at, put, head, textOf } = objectsOf(access);
  const copy = (from: string, to: string, more: object = {}) => {
    const CopySource = `${access().bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    return access().client.send(new CopyObjectCommand({ CopySource, ...at(to), ...more }));
  };

  describe('a copy', () => {
    it('has the bytes, the metadata and the type of its source', async () => {
      const [from, to] = [access().key('a b+c%2F é'), access().key()];
      const { ETag } = await put(from, 'hello', { ContentType: 'text/plain', Metadata: { a: 'b' } });
      const { CopyObjectResult, VersionId, ServerSideEncryption } = await copy(from, to);
      expect(CopyObjectResult?.ETag === ETag).toBe(ServerSideEncryption !== 'aws:kms');
      expect(await textOf(to)).toBe('hello');
      expect(await head(to)).toMatchObject({ VersionId, ContentType: 'text/plain', Metadata: { a: 'b' } });
    });

    it('has other metadata where that is asked for', async () => {
      const [from, to] = [access().key(), access().key()];
      await put(from, 'hello', { Metadata: { a: 'b' } });
      await copy(from, to, { MetadataDirective: 'REPLACE', Metadata: { c: 'd' } });
      expect((await head(to)).Metadata).toEqual({ c: 'd' });
    });

    it('may be of an older version, also onto the object itself', async () => {
      const key = access().key();
      const { VersionId } = await put(key, 'one');
      await put(key, 'two');
      const CopySource = `${access().bucket}/${key}?versionId=${VersionId}`;
      const answer = await copy(key, key, { CopySource });
      expect(answer.CopySourceVersionId).toBe(VersionId);
      expect(await textOf(key)).toBe('one');
    });

    it('of an object onto itself that would change nothing is InvalidRequest', async () => {
      const key = access().key();
      await put(key, 'x');
      expect(await refusal(copy(key, key))).toEqual({ code: 'InvalidRequest', status: 400 });
      await copy(key, key, { MetadataDirective: 'REPLACE', Metadata: { a: 'b' } });
      expect((await head(key)).Metadata).toEqual({ a: 'b' });
    });

    it('of what is not there is refused', async () => {
      const missing = { code: 'NoSuchKey', status: 404 };
      expect(await refusal(copy(access().key(), access().key()))).toEqual(missing);
      const CopySource = 'no-such-bucket-a7f1c05d/a';
      expect(await refusal(copy('a', access().key(), { CopySource }))).toEqual({
        code: 'NoSuchBucket',
        status: 404,
      });
    });

    it('of a source that is no encoded key is InvalidArgument', async () => {
      const CopySource = `${access().bucket}/%zz`;
      expect(await refusal(copy('a', access().key(), { CopySource }))).toEqual({
        code: 'InvalidArgument',
        status: 400,
      });
    });
  });
};
