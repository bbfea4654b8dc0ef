import * as nodeFiles from 'node:fs/promises';
import type { Sink } from './sink.ts';
import type { Files, Version } from './version-folder.ts';
import { versionsIn } from './versions.ts';

/**
 * A sink that is a folder: `current/configuration.json`, `current/lists/<list>.txt` (enabled entries, one a line) and
 * `current/artifacts/<name>.json` (for the Scanner's own user alone: keys and passwords are in them). `current` is a symbolic link to one of `versions/`, and a switch is one rename of that link (POSIX rename is atomic), so a reader
 * that opens files through it sees the old version or the new one. The version before is kept. Needs a POSIX file system.
 */
export const folderSink = (dir: string, files: Files = nodeFiles): Sink => {
  const versions = versionsIn(dir, files);
  /** The version in force as last verified or applied; undefined while nobody has looked. */
  let inForce: Version | null | undefined;

  return {
    async held() {
      inForce = await versions.look();
      const previous = inForce && (await versions.before(inForce));
      return { current: inForce?.record.desired ?? null, previous: previous?.record.desired ?? null };
    },
    async apply(desired, contents) {
      if (inForce === undefined) inForce = await versions.look();
      const version = await versions.build({ desired, contents, from: inForce });
      try {
        await versions.switchTo(version.name);
      } catch (error) {
        await versions.discard(version).catch(() => undefined);
        throw error;
      }
      inForce = version;
      // What comes after the switch cannot undo it, so its errors are no errors of the configuration.
      await versions.tidy(version).catch(() => undefined);
    },
  };
};
