import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { describe, expect, it } from 'vitest';
import { mebibyte, objectsOf, refusal, type Suite } from './access.ts';

const large = Buffer.alloc(5 * mebibyte, 'a');
const noUpload = { code: 'NoSuchUpload', status: 404 };

/** Objects that arrive in parts. */
export const multipart: Suite = (access) => {
  const { at, put, get, head, textOf } = objectsOf(access);
  const begin = async (Key: string, more: object = {}) => {
    const { UploadId = '' } = await access().client.send(
      new CreateMultipartUploadCommand({ ...at(Key), ...more }),
    );
    return { ...at(Key), UploadId };
  };
  type Begun = Awaited<ReturnType<typeof begin>>;
  /** Uploads a part, and answers it as a completion names it. */
  const part = async (
    begun: Begun,
    PartNumber: number,
    Body: Uint8Array | string,
    more: object = {},
  ): Promise<CompletedPart> => {
    const command = new UploadPartCommand({ ...begun, PartNumber, Body, ...more });
    const { ETag, ChecksumCRC32 } = await access().client.send(command);
    return { PartNumber, ETag, ChecksumCRC32 };
  };
  const complete = (begun: Begun, Parts: CompletedPart[], more: object = {}) =>
    access().client.send(
      new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts }, ...more }),
    );

  describe('an upload in parts', () => {
    it('is one object when it is completed, and none before', async () => {
      const key = access().key('a b+c');
      const begun = await begin(key, { ContentType: 'text/plain', Metadata: { a: 'b' } });
      const two = await part(begun, 2, 'end');
      const one = await part(begun, 1, large);
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
      const done = await complete(begun, [one, two]);
      expect(done).toMatchObject({ Bucket: access().bucket, Key: key });
      expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
      expect(await head(key)).toMatchObject({
        ETag: done.ETag,
        VersionId: done.VersionId,
        ContentLength: large.length + 3,
        ContentType: 'text/plain',
        Metadata: { a: 'b' },
      });
      expect(await textOf(key, { Range: `bytes=${large.length - 2}-` })).toBe('aaend');
    });

    it('may have gaps in its numbers, and parts that are not named', async () => {
      const key = access().key();
      const begun = await begin(key);
      await part(begun, 3, 'left out');
      await complete(begun, [await part(begun, 10_000, 'last')]);
      expect(await textOf(key)).toBe('last');
    });

    it('has of each number the part that came last', async () => {
      const key = access().key();
      const begun = await begin(key);
      const first = await part(begun, 1, 'one');
      const second = await part(begun, 1, 'two');
      expect((await refusal(complete(begun, [first]))).code).toBe('InvalidPart');
      await complete(begun, [second]);
      expect(await textOf(key)).toBe('two');
    });

    it('lists its parts', async () => {
      const begun = await begin(access().key());
      for (const number of [1, 2, 3]) await part(begun, number, 'x'.repeat(number));
      const first = await access().client.send(new ListPartsCommand({ ...begun, MaxParts: 2 }));
      expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
      const rest = await access().client.send(new ListPartsCommand({ ...begun, PartNumberMarker: '2' }));
      expect(rest.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([3]);
      expect(rest.IsTruncated).toBe(false);
    });

    it('is refused, and can go on, when what completes it is wrong', async () => {
      const key = access().key();
      const begun = await begin(key);
      const one = await part(begun, 1, 'small');
      const two = await part(begun, 2, 'small');
      const codeOf = async (parts: CompletedPart[]) => (await refusal(complete(begun, parts))).code;
      expect(await codeOf([one, two])).toBe('EntityTooSmall');
      expect(await codeOf([two, one])).toBe('InvalidPartOrder');
      expect(await codeOf([{ ...one, PartNumber: 3 }])).toBe('InvalidPart');
      expect(await codeOf([{ ...one, ETag: '"00000000000000000000000000000000"' }])).toBe('InvalidPart');
      expect(await codeOf([{ ...one, ChecksumCRC32: 'AAAAAA==' }])).toBe('InvalidPart');
      expect(await codeOf([])).toBe('MalformedXML');
      await complete(begun, [one]);
      expect(await textOf(key)).toBe('small');
    });

    it.each([0, 10_001])('has no part %i', async (number) => {
      const begun = await begin(access().key());
      expect(await refusal(part(begun, number, 'x'))).toEqual({ code: 'InvalidArgument', status: 400 });
    });

    it('keeps no part whose checksum or MD5 is not that of its bytes', async () => {
      const begun = await begin(access().key());
      const wrong = { ChecksumSHA256: Buffer.alloc(32).toString('base64') };
      expect((await refusal(part(begun, 1, 'x', wrong))).code).toBe('BadDigest');
      const md5 = { ContentMD5: Buffer.alloc(16).toString('base64') };
      expect((await refusal(part(begun, 1, 'x', md5))).code).toBe('BadDigest');
      expect((await access().client.send(new ListPartsCommand(begun))).Parts ?? []).toEqual([]);
    });

    it('has a checksum of checksums where its parts have them', async () => {
      const key = access().key();
      const begun = await begin(key, { ChecksumAlgorithm: 'CRC32' });
      const done = await complete(begun, [await part(begun, 1, large), await part(begun, 2, 'end')]);
      expect(done.ChecksumCRC32).toMatch(/^[A-Za-z0-9+/]{6}==-2$/);
      expect(await head(key, { ChecksumMode: 'ENABLED' })).toMatchObject({
        ChecksumCRC32: done.ChecksumCRC32,
        ChecksumType: 'COMPOSITE',
      });
    });

    it('with If-None-Match is refused where an object is', async () => {
      const key = access().key();
      const begun = await begin(key);
      const one = await part(begun, 1, 'x');
      await put(key, 'there');
      const refused = await refusal(complete(begun, [one], { IfNoneMatch: '*' }));
      expect(refused).toEqual({ code: 'PreconditionFailed', status: 412 });
      expect(await textOf(key)).toBe('there');
    });
  });

  describe('an upload in parts that is no more', () => {
    const calls = (begun: Begun) => [
      () => part(begun, 1, 'late'),
      () => complete(begun, [{ PartNumber: 1, ETag: '"0"' }]),
      () => access().client.send(new ListPartsCommand(begun)),
    ];

    it('is NoSuchUpload when it was aborted', async () => {
      const key = access().key();
      const begun = await begin(key);
      await part(begun, 1, 'x');
      await access().client.send(new AbortMultipartUploadCommand(begun));
      for (const call of calls(begun)) expect(await refusal(call())).toEqual(noUpload);
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });

    it('is NoSuchUpload for a part when it was completed', async () => {
      const begun = await begin(access().key());
      await complete(begun, [await part(begun, 1, 'x')]);
      expect(await refusal(part(begun, 2, 'late'))).toEqual(noUpload);
    });

    it('is NoSuchUpload for another key', async () => {
      const begun = { ...(await begin(access().key())), ...at(access().key()) };
      for (const call of calls(begun)) expect(await refusal(call())).toEqual(noUpload);
    });
  });

  describe('an upload that the SDK cuts', () => {
    const upload = (Key: string, Body: Readable) =>
      new Upload({ client: access().client, params: { ...at(Key), Body }, queueSize: 2 });
    const pieces = async function* (count: number) {
      for (let piece = 0; piece < count; piece++)
        yield Buffer.alloc(mebibyte, String.fromCharCode(97 + piece));
    };

    it('from a long stream is one object of all its bytes', async () => {
      const key = access().key();
      await upload(key, Readable.from(pieces(11))).done();
      const bytes = await (await get(key)).Body?.transformToByteArray();
      expect(bytes?.length).toBe(11 * mebibyte);
      expect(Array.from({ length: 11 }, (_, piece) => bytes?.[piece * mebibyte])).toEqual(
        Array.from({ length: 11 }, (_, piece) => 97 + piece),
      );
    });

    it('from a short stream is one object', async () => {
      const key = access().key();
      await upload(key, Readable.from([Buffer.from('short')])).done();
      expect(await textOf(key)).toBe('short');
    });

    it('from a stream that breaks is no object', async () => {
      const key = access().key();
      const broken = async function* () {
        yield* pieces(6);
        throw new Error('the source broke');
      };
      await expect(upload(key, Readable.from(broken())).done()).rejects.toThrow('the source broke');
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
    });
  });
};
