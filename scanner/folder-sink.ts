import { randomBytes } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Sink } from './sink.ts';
import { buildVersion, type Files, readVersion, syncFolder, type Version } from './version-folder.ts';

/**
 * A sink that is a folder: `current/configuration.json`, `current/lists/<list>.txt` (enabled entries, one a line) and
 * `current/artifacts/<name>.json` (for the Scanner's own user alone: keys and passwords are in them). `current` is a symbolic link to one of `versions/`, and a switch is one rename of that link (POSIX rename is atomic), so a reader
 * that opens files through it sees the old version or the new one. The version before is kept. Needs a POSIX file system.
 */
export const folderSink = (dir: string, files: Files = nodeFiles): Sink => {
  const versions = join(dir, 'versions');
  const current = join(dir, 'current');
  const next = join(dir, 'current.next');
  /** The version in force as last verified or applied; undefined while nobody has looked. */
  let inForce: Version | null | undefined;

  const versionAt = async (name: string): Promise<Version | null> => {
    const path = join(versions, name);
    const record = await readVersion(files, path);
    return record && { name, path, record };
  };

  const look = async (): Promise<Version | null> => {
    const target = await files.readlink(current).catch(() => null);
    return target === null ? null : versionAt(basename(target));
  };

  const switchTo = async (name: string): Promise<void> => {
    await files.rm(next, { force: true });
    await files.symlink(join('versions', name), next);
    await files.rename(next, current);
  };

  /** What comes after the switch cannot undo it, so its errors are no errors of the configuration. */
  const tidy = async (version: Version): Promise<void> => {
    await syncFolder(files, dir);
    const kept = [version.name, version.record.previous];
    const stale = (await files.readdir(versions)).filter((name) => !kept.includes(name));
    for (const name of stale) await files.rm(join(versions, name), { recursive: true, force: true });
  };

  return {
    async held() {
      inForce = await look();
      const previous = inForce?.record.previous ? await versionAt(inForce.record.previous) : null;
      return { current: inForce?.record.desired ?? null, previous: previous?.record.desired ?? null };
    },
    async apply(desired, contents) {
      if (inForce === undefined) inForce = await look();
      const name = `${desired.smtp.revision}-${randomBytes(4).toString('hex')}`;
      const path = join(versions, name);
      try {
        const record = await buildVersion(files, path, { desired, contents, from: inForce });
        await syncFolder(files, versions);
        await switchTo(name);
        inForce = { name, path, record };
      } catch (error) {
        await files.rm(path, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      }
      await tidy(inForce).catch(() => undefined);
    },
  };
};
