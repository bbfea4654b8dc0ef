import {
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

/** Who may ask, and for which bucket. */
export const requests: Suite = (access) => {
  const { put, textOf } = objectsOf(access);
  const listWith = async (config: Partial<S3ClientConfig>) => {
    const present = await access().client.config.credentials();
    const credentials = { ...present, ...(config.credentials ?? {}) };
    const client = access().clientWith({ ...config, credentials } as Partial<S3ClientConfig>);
    return client.send(new ListObjectsV2Command({ Bucket: access().bucket, MaxKeys: 1 }));
  };

  describe('a request', () => {
    it('with the wrong secret is SignatureDoesNotMatch', async () => {
      const credentials = { secretAccessKey: 'wrong' } as never;
      expect(await refusal(listWith({ credentials }))).toEqual({
        code: 'SignatureDoesNotMatch',
        status: 403,
      });
    });

    it('with a key that nobody has is InvalidAccessKeyId', async () => {
      const credentials = { accessKeyId: 'AKIDNOBODYHASTHIS000' } as never;
      expect(await refusal(listWith({ credentials }))).toEqual({ code: 'InvalidAccessKeyId', status: 403 });
    });

    it.each([-20, 20])('whose clock is off by %i minutes is RequestTimeTooSkewed', async (minutes) => {
      expect(await refusal(listWith({ systemClockOffset: minutes * 60_000 }))).toEqual({
        code: 'RequestTimeTooSkewed',
        status: 403,
      });
    });

    it('whose clock is off by ten minutes is answered', async () => {
      await listWith({ systemClockOffset: -600_000 });
    });

    it('signed for another region is AuthorizationHeaderMalformed', async () => {
      const endpoint = await access().client.config.endpoint?.();
      const region = 'ap-south-2';
      const other = endpoint
        ? { region }
        : { region, endpoint: `https://s3.${await access().client.config.region()}.amazonaws.com` };
      expect(await refusal(listWith(other))).toEqual({ code: 'AuthorizationHeaderMalformed', status: 400 });
    });
  });

  describe('a bucket', () => {
    const none = 'no-such-bucket-a7f1c05d';

    it('that is not there is NoSuchBucket', async () => {
      const calls = [
        new GetObjectCommand({ Bucket: none, Key: 'a' }),
        new PutObjectCommand({ Bucket: none, Key: 'a', Body: 'x' }),
        new ListObjectsV2Command({ Bucket: none }),
      ];
      for (const call of calls)
        expect(await refusal(access().client.send(call as GetObjectCommand))).toEqual({
          code: 'NoSuchBucket',
          status: 404,
        });
    });

    it('says that it is there, and where', async () => {
      const { bucket: Bucket, client } = access();
      const region = await client.config.region();
      expect((await client.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe(region);
      const { LocationConstraint = 'us-east-1' } = await client.send(
        new GetBucketLocationCommand({ Bucket }),
      );
      expect(LocationConstraint).toBe(region);
      expect(await refusal(client.send(new HeadBucketCommand({ Bucket: none })))).toEqual({
        code: 'NotFound',
        status: 404,
      });
    });

    it('answers many at the same time, each with its own', async () => {
      const prefix = access().key('many/');
      const names = Array.from({ length: 40 }, (_, index) => `${index}`);
      await Promise.all(names.map((name) => put(prefix + name, name)));
      expect(await Promise.all(names.map((name) => textOf(prefix + name)))).toEqual(names);
    });
  });
};
