import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

/** Bytes that are not those that their name, a sha-256, stands for. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch';
}

/**
 * Manifests, chunks and artifacts, each under the sha-256 of its text, for the Scanner's own user alone, since artifacts may be secret. What is in it may have been damaged by others, so nothing is taken from it
 * unverified; what does not verify counts as absent.
 */
export interface ObjectCache {
  has(sha256: string): Promise<boolean>;
  /** @throws DigestMismatch or a file system error; the object then counts as absent. */
  read(sha256: string): Promise<string>;
  /** Keeps an object, whole or not at all. @throws DigestMismatch when the bytes are others. */
  write(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Removes all objects but those in `keep`, and what a killed process left half written. No write may run at the same time. */
  prune(keep: ReadonlySet<string>): Promise<void>;
}

const assertDigest = (sha256: string, bytes: Uint8Array): void => {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256)
    throw new DigestMismatch(`The object ${sha256} came with bytes whose sha-256 is ${actual}.`);
};

const modes = { folder: 0o700, file: 0o600 } as const;

/**
 * Opens the cache in `dir`: objects under `objects/`, what is being written under `incoming/`. What a killed process left half written goes first, as
 * far as the disk lets it: it may be what fills the disk.
 */
export const openObjectCache = async (dir: string): Promise<ObjectCache> => {
  const objects = join(dir, 'objects');
  const incoming = join(dir, 'incoming');
  await makeFolder({ mkdir }, objects, { mode: modes.folder });
  await rm(incoming, { recursive: true, force: true }).catch(() => undefined);
  /** Verified since this process began, to spare reading everything twice for one configuration. */
  const verified = new Set<string>();

  const read = async (sha256: string): Promise<string> => {
    verified.delete(sha256);
    const bytes = await readFile(join(objects, sha256));
    assertDigest(sha256, bytes);
    verified.add(sha256);
    return bytes.toString('utf8');
  };

  return {
    read,
    has: async (sha256) =>
      verified.has(sha256) ||
      read(sha256).then(
        () => true,
        () => false,
      ),
    async write(sha256, bytes) {
      assertDigest(sha256, bytes);
      await makeFolder({ mkdir }, incoming, { mode: modes.folder });
      const path = join(incoming, `${sha256}-${randomBytes(4).toString('hex')}`);
      try {
        await writeFile(path, bytes, { mode: modes.file });
        await rename(path, join(objects, sha256));
      } catch (error) {
        // On a full disk each try would leave a piece behind, until there is no room for any.
        await rm(path, { force: true }).catch(() => undefined);
        throw error;
      }
      verified.add(sha256);
    },
    async prune(keep) {
      await rm(incoming, { recursive: true, force: true });
      const names = await readdir(objects);
      for (const name of names.filter((one) => !keep.has(one))) {
        verified.delete(name);
        await rm(join(objects, name), { recursive: true, force: true });
      }
    },
  };
};
