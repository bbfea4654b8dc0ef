import { afterAll, beforeAll, describe } from 'vitest';
import type { S3Access } from './access.ts';
import { checksums } from './checksums.contract.ts';
import { conditions } from './conditions.contract.ts';
import { copies } from './copies.contract.ts';
import { forms } from './forms.contract.ts';
import { keys } from './keys.contract.ts';
import { metadata } from './metadata.contract.ts';
import { multipart } from './multipart.contract.ts';
import { objects } from './objects.contract.ts';
import { presigned } from './presigned.contract.ts';
import { requests } from './requests.contract.ts';
import { versions } from './versions.contract.ts';

export interface S3ContractOptions {
  /** Whose bucket it is. */
  name: string;
  make: () => Promise<S3Access>;
}

const suites = [
  objects,
  metadata,
  keys,
  versions,
  conditions,
  checksums,
  copies,
  multipart,
  presigned,
  forms,
  requests,
];

/**
 * What the product and stock clients rely on of a bucket with versions, over the wire (Amazon S3 user guide and API reference). Runs on the
 * embedded bucket and on a real one.
 */
export const s3Contract = ({ name, make }: S3ContractOptions): void => {
  describe(name, () => {
    let access: S3Access;
    beforeAll(async () => {
      access = await make();
    });
    afterAll(() => access?.close());
    for (const suite of suites) suite(() => access);
  });
};
