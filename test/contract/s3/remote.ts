import { randomUUID } from 'node:crypto';
import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { clientDefaults, type S3Access } from './access.ts';

const { REMOTE, BUCKET = process.env['BUCKET_NAME'] } = process.env;

/** Why no real bucket is asked; undefined when one is. */
export const whyNot: string | undefined =
  REMOTE === '1'
    ? BUCKET
      ? undefined
      : 'BUCKET names no bucket that the contract could write to'
    : 'a real bucket is asked only with REMOTE=1 and BUCKET=<name of a versioned bucket>';

/** A real bucket with versions, in the account and region of the environment; `close` removes what the run has put there. */
export const remoteAccess = async (): Promise<S3Access> => {
  const bucket = BUCKET ?? '';
  const folder = `contract/${randomUUID()}/`;
  const clients: S3Client[] = [];
  const clientWith = (config: Partial<S3ClientConfig>): S3Client => {
    const client = new S3Client({ ...clientDefaults, ...config });
    clients.push(client);
    return client;
  };
  const client = clientWith({});
  const removeAll = async (): Promise<void> => {
    const listing = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: folder });
    const { Versions = [], DeleteMarkers = [], IsTruncated } = await client.send(listing);
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length > 0)
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    if (IsTruncated) await removeAll();
  };
  return {
    client,
    clientWith,
    bucket,
    key: (name = 'object') => `${folder}${randomUUID()}/${name}`,
    close: async () => {
      await removeAll();
      for (const one of clients) one.destroy();
    },
  };
};
