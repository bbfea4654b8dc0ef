import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';

/** A bucket with versions and what reaches it, for one run of the contract. */
export interface S3Access {
  client: S3Client;
  bucket: string;
  /** A key that no other case and no other run uses; it ends in `name`. */
  key(name?: string): string;
  /** A client of the same bucket that differs in this. It ends with the run. */
  clientWith(config: Partial<S3ClientConfig>): S3Client;
  close(): Promise<void>;
}

/** The cases of one subject; `access` answers from the first case on. */
export type Suite = (access: () => S3Access) => void;

/** Clients make no second try: what is refused is to be seen. */
export const clientDefaults = { maxAttempts: 1 } as const;

/** As an ETag. */
export const md5OfHello = '"5d41402abc4b2a76b9719d911017c592"';

export const mebibyte = 1024 * 1024;

/** The calls that nearly every case makes. */
export const objectsOf = (access: () => S3Access) => {
  const at = (Key: string) => ({ Bucket: access().bucket, Key });
  const get = (Key: string, more: object = {}) =>
    access().client.send(new GetObjectCommand({ ...at(Key), ...more }));
  return {
    at,
    get,
    put: (Key: string, Body: string | Uint8Array, more: object = {}) =>
      access().client.send(new PutObjectCommand({ ...at(Key), Body, ...more })),
    head: (Key: string, more: object = {}) =>
      access().client.send(new HeadObjectCommand({ ...at(Key), ...more })),
    textOf: async (Key: string, more: object = {}) => (await get(Key, more)).Body?.transformToString(),
  };
};

export interface Refusal {
  code: string;
  status: number | undefined;
}

const answered = async (call: Promise<unknown>): Promise<S3ServiceException> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof S3ServiceException) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

/** What the service refused a call with; fails when it did not. */
export const refusal = async (call: Promise<unknown>): Promise<Refusal> => {
  const { name, $metadata } = await answered(call);
  return { code: name, status: $metadata.httpStatusCode };
};

/** Headers of the answer to a call that was refused. */
export const headersOfRefusal = async (call: Promise<unknown>): Promise<Record<string, string>> => {
  const { $response } = await answered(call);
  return ($response as { headers: Record<string, string> } | undefined)?.headers ?? {};
};

/** Status of an answer that came without the SDK, and its code where it is a refusal. */
export const answerOf = async (response: Response): Promise<{ status: number; code?: string }> => {
  const [, code] = /<Code>(.*?)<\/Code>/.exec(await response.text()) ?? [];
  return { status: response.status, ...(code === undefined ? {} : { code }) };
};
