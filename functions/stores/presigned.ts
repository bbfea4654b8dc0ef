import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost, type PresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { bucketName } from './objects.ts';

/** Signs only; checksums that the SDK would compute of an empty body must not be signed into a URL. */
const signer = new S3Client({
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});

/** A URL that gets one object for `seconds`. It dies earlier if the function's own credentials do. */
export const presignedGet = (key: string, seconds: number): Promise<string> =>
  getSignedUrl(signer, new GetObjectCommand({ Bucket: bucketName(), Key: key }), { expiresIn: seconds });

/** A form that uploads one object of 1 to `maxBytes` bytes; the policy, not the client, holds the bound. */
export const presignedUpload = (key: string, maxBytes: number, seconds: number): Promise<PresignedPost> =>
  createPresignedPost(signer, {
    Bucket: bucketName(),
    Key: key,
    Conditions: [['content-length-range', 0, maxBytes]],
    Expires: seconds,
  });
