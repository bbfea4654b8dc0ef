import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import {
  buildVersion,
  type Files,
  type Making,
  readVersion,
  syncFolder,
  type Version,
  type VersionRecord,
} from './version-folder.ts';

/** A version folder that is in force, whatever became of it: without a record where it is not what was built. */
export interface Standing {
  name: string;
  path: string;
  record: VersionRecord | null;
}

/** False for one that is not what was built. */
export const isBuilt = (standing: Standing): standing is Version => standing.record !== null;

const builtOrNull = (standing: Standing | null): Version | null =>
  standing !== null && isBuilt(standing) ? standing : null;

/** Lies in a version folder once it was seen to work; it is no part of what was built. */
const confirmedFile = 'confirmed';

/** The version folders of a Scanner, and the link that says which of them is in force. */
export interface Versions {
  /** The link: files that are opened through it are those of the version in force. */
  readonly current: string;
  /** The version in force; null when there is none, or when it is not what was built. */
  look(): Promise<Version | null>;
  /** What is in force, whether or not it is what was built; null when nothing is. */
  standing(): Promise<Standing | null>;
  /** The name of what is in force, unread. */
  target(): Promise<string | null>;
  /** The one that was in force before; null when there is none, or when it is not what was built. */
  before(version: Pick<Standing, 'record'>): Promise<Version | null>;
  /** Builds a version and makes it last. When it throws, nothing is left of it. */
  build(making: Making): Promise<Version>;
  /** Puts a version in force: one rename of the link (POSIX rename is atomic). */
  switchTo(name: string): Promise<void>;
  /** Puts none in force. */
  switchOff(): Promise<void>;
  /** Marks a version as one that was seen to work, for good. */
  confirm(version: Pick<Version, 'path'>): Promise<void>;
  isConfirmed(version: Pick<Version, 'path'>): Promise<boolean>;
  discard(version: Version): Promise<void>;
  /** Makes a switch last, and removes all versions but this one, the one before it and those that these still need. */
  tidy(version: Version, needed?: readonly string[]): Promise<void>;
}

const marks = (files: Files): Pick<Versions, 'confirm' | 'isConfirmed'> => ({
  async confirm({ path }) {
    await files.writeFile(join(path, confirmedFile), '');
    await syncFolder(files, path);
  },
  isConfirmed: ({ path }) =>
    files.readFile(join(path, confirmedFile)).then(
      () => true,
      () => false,
    ),
});

/** The versions in `dir`: `versions/<revision>-<chance>`, and `current`, a symbolic link to one of them. */
export const versionsIn = (dir: string, files: Files): Versions => {
  const versions = join(dir, 'versions');
  const current = join(dir, 'current');
  const next = join(dir, 'current.next');

  const at = async (name: string): Promise<Standing> => {
    const path = join(versions, name);
    return { name, path, record: await readVersion(files, path) };
  };

  const target = async (): Promise<string | null> => {
    const path = await files.readlink(current).catch(() => null);
    return path === null ? null : basename(path);
  };

  const standing = async (): Promise<Standing | null> => {
    const name = await target();
    return name === null ? null : at(name);
  };

  const remove = (path: string): Promise<void> => files.rm(path, { recursive: true, force: true });

  return {
    current,
    target,
    standing,
    look: async () => builtOrNull(await standing()),
    before: async ({ record }) => (record?.previous ? builtOrNull(await at(record.previous)) : null),
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
    ...marks(files),
    discard: ({ path }) => remove(path),
    async tidy({ name, record }, needed = []) {
      await syncFolder(files, dir);
      const kept = [name, record.previous, ...needed];
      const stale = (await files.readdir(versions)).filter((one) => !kept.includes(one));
      for (const one of stale) await remove(join(versions, one));
    },
  };
};
