import type { BucketEncryption } from '../model.ts';
import { isEncrypted } from './object-files.ts';
import type { StoredObject } from './object-store.ts';
import type { S3Context } from './request.ts';

const header = 'x-amz-server-side-encryption';
const keyHeader = `${header}-aws-kms-key-id`;
const bucketKeyHeader = `${header}-bucket-key-enabled`;

/** What answers say of an object that is encrypted so. */
export const headersOfEncryption = (encryption: BucketEncryption | undefined): Record<string, string> =>
  encryption
    ? {
        [header]: 'aws:kms',
        [keyHeader]: encryption.keyArn,
        ...(encryption.bucketKey ? { [bucketKeyHeader]: 'true' } : {}),
      }
    : {};

/** What answers say of this object: nothing, where it was written before its bucket was encrypted. */
export const encryptionHeaders = (
  { buckets }: S3Context,
  { bucket, file }: Pick<StoredObject, 'bucket' | 'file'>,
): Record<string, string> =>
  headersOfEncryption(isEncrypted(file) ? buckets.get(bucket)?.encryption : undefined);

/**
 * True for a request for the encryption that the bucket has anyway. The algorithm alone is no such request: S3 would then take its own
 * key (`aws/s3`), and not that of the bucket (S3 API reference, "PutObject").
 */
export const asksForDefault = (
  asked: ReadonlyMap<string, unknown>,
  name: string,
  encryption: BucketEncryption | undefined,
): boolean => {
  if (!encryption) return name === header && asked.get(name) === 'AES256';
  const wanted = new Map([
    [header, 'aws:kms'],
    [keyHeader, encryption.keyArn],
    [bucketKeyHeader, String(encryption.bucketKey)],
  ]);
  const isKms = asked.has(header) && asked.has(keyHeader);
  return wanted.has(name) && asked.get(name) === wanted.get(name) && (isKms || name === bucketKeyHeader);
};
