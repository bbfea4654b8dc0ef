import type { BucketEncryption } from '../model.ts';
import { asksForDefault } from './encryption.ts';
import { notImplemented } from './s3-error.ts';

/** Headers and form fields that ask for more than is here, each with the value that asks for nothing, if there is one. */
const requests: [name: RegExp, harmless?: string][] = [
  [/^(x-amz-)?acl$/, 'bucket-owner-full-control'],
  [/^x-amz-grant-/],
  [/^(x-amz-)?tagging$/],
  [/^x-amz-object-lock-/],
  [/^x-amz-bypass-governance-retention$/],
  [/^x-amz-mfa$/],
  [/^x-amz-server-side-encryption/],
  [/^x-amz-copy-source-/],
  [/^x-amz-storage-class$/, 'STANDARD'],
  [/^x-amz-website-redirect-location$/],
  [/^x-amz-write-offset-bytes$/],
  [/^(success_action_)?redirect$/],
];

/**
 * Refuses what would else be forgotten in silence: an object would be stored, and not as it was asked for. To ask for the encryption
 * that the bucket has is no more than it does.
 */
export const assertSupported = (
  named: Iterable<[string, unknown]>,
  encryption: BucketEncryption | undefined,
): void => {
  const asked = new Map([...named].map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, value] of asked)
    if (
      requests.some(([pattern, harmless]) => pattern.test(name) && value !== harmless) &&
      !asksForDefault(asked, name, encryption)
    )
      throw notImplemented(name);
};
