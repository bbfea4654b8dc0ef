import { notImplemented } from './s3-error.ts';

/** Headers and form fields that ask for more than is here, each with the value that asks for nothing, if there is one. */
const requests: [name: RegExp, harmless?: string][] = [
  [/^(x-amz-)?acl$/, 'bucket-owner-full-control'],
  [/^x-amz-grant-/],
  [/^(x-amz-)?tagging$/],
  [/^x-amz-object-lock-/],
  [/^x-amz-bypass-governance-retention$/],
  [/^x-amz-mfa$/],
  [/^x-amz-server-side-encryption$/, 'AES256'],
  [/^x-amz-server-side-encryption-/],
  [/^x-amz-copy-source-/],
  [/^x-amz-storage-class$/, 'STANDARD'],
  [/^x-amz-website-redirect-location$/],
  [/^x-amz-write-offset-bytes$/],
  [/^(success_action_)?redirect$/],
];

/** Refuses what would else be forgotten in silence: an object would be stored, and not as it was asked for. */
export const assertSupported = (named: Iterable<[string, unknown]>): void => {
  for (const [name, value] of named)
    if (requests.some(([pattern, harmless]) => pattern.test(name.toLowerCase()) && value !== harmless))
      throw notImplemented(name);
};
