import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import {
  buildVersion,
  type Files,
  type Making,
  readVersion,
  syncFolder,
  type Version,
} from './version-folder.ts';

/** The version folders of a Scanner, and the link that says which of them is in force. */
export interface Versions {
  /** The link: files that are opened through it are those of the version in force. */
  readonly current: string;
  /** The version in force; null when there is none, or when it is not what was built. */
  look(): Promise<Version | null>;
  /** A version by its name; null when it is not what was built. */
  at(name: string): Promise<Version | null>;
  /** Builds a version and makes it last. When it throws, nothing is left of it. */
  build(making: Making): Promise<Version>;
  /** Puts a version in force: one rename of the link (POSIX rename is atomic). */
  switchTo(name: string): Promise<void>;
  /** Puts none in force. */
  switchOff(): Promise<void>;
  discard(version: Version): Promise<void>;
  /** Makes a switch last, and removes all versions but this one and the one before it. */
  tidy(version: Version): Promise<void>;
}

/** The versions in `dir`: `versions/<revision>-<chance>`, and `current`, a symbolic link to one of them. */
export const versionsIn = (dir: string, files: Files): Versions => {
  const versions = join(dir, 'versions');
  const current = join(dir, 'current');
  const next = join(dir, 'current.next');

  const at = async (name: string): Promise<Version | null> => {
    const path = join(versions, name);
    const record = await readVersion(files, path);
    return record && { name, path, record };
  };

  const remove = (path: string): Promise<void> => files.rm(path, { recursive: true, force: true });

  return {
    current,
    at,
    async look() {
      const target = await files.readlink(current).catch(() => null);
      return target === null ? null : at(basename(target));
    },
    async build(making) {
      const name = `${making.desired.smtp.revision}-${randomBytes(4).toString('hex')}`;
      const path = join(versions, name);
      try {
        const record = await buildVersion(files, path, making);
        await syncFolder(files, versions);
        return { name, path, record };
      } catch (error) {
        await remove(path).catch(() => undefined);
        throw error;
      }
    },
    async switchTo(name) {
      await files.rm(next, { force: true });
      await files.symlink(join('versions', name), next);
      await files.rename(next, current);
    },
    switchOff: () => files.rm(current, { force: true }),
    discard: ({ path }) => remove(path),
    async tidy({ name, record }) {
      await syncFolder(files, dir);
      const kept = [name, record.previous];
      const stale = (await files.readdir(versions)).filter((one) => !kept.includes(one));
      for (const one of stale) await remove(join(versions, one));
    },
  };
};
