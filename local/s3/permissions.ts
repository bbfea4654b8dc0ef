import type { Wanted } from '../iam/policy.ts';
import type { Principal } from '../iam/principals.ts';
import type { BucketModel } from '../model.ts';
import type { S3Request } from './request.ts';

/** What a request is about: its bucket, or an object in it. */
export type Target = Pick<S3Request, 'bucket' | 'key' | 'query'>;

const bucketArn = ({ bucket }: Target): string => `arn:aws:s3:::${bucket}`;

/** An action on all buckets. */
export const onService = (action: string) => (): Wanted => ({ action: `s3:${action}`, resource: '*' });

/** An action on the bucket. */
export const onBucket =
  (action: string) =>
  (target: Target): Wanted => ({ action: `s3:${action}`, resource: bucketArn(target) });

/** An action on the object. */
export const onObject =
  (action: string) =>
  (target: Target): Wanted => ({ action: `s3:${action}`, resource: `${bucketArn(target)}/${target.key}` });

/** An action on the object, or the action of that name on the version that is asked for. */
export const onVersion =
  (action: string) =>
  (target: Target): Wanted =>
    onObject(target.query.has('versionId') ? `${action}Version` : action)(target);

type KeyAction = 'kms:Decrypt' | 'kms:GenerateDataKey';

/**
 * What S3 asks of the bucket's key in the name of whoever asks for the object; with a bucket key, of the bucket's (S3 user guide, "Using
 * server-side encryption with AWS KMS keys" and "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"). Nothing, where the bucket is
 * not encrypted.
 */
export const demandKey = (
  principal: Principal,
  bucket: BucketModel | undefined,
  region: string,
  key: string,
  ...actions: KeyAction[]
): void => {
  if (!bucket?.encryption) return;
  const { keyArn, bucketKey } = bucket.encryption;
  const context = {
    'kms:ViaService': [`s3.${region}.amazonaws.com`],
    'kms:EncryptionContext:aws:s3:arn': [bucketKey ? bucket.arn : `${bucket.arn}/${key}`],
  };
  principal.demand(...actions.map((action) => ({ action, resource: keyArn, context })));
};
