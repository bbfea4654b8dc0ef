import type { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, where they are not there, and throws the error of the step that failed: of a disk that is read-only Node's
 * recursive `mkdir` says that it is not there (ENOENT; nodejs/node#47098).
 */
export const makeFolder = async (
  files: { mkdir: typeof mkdir },
  path: string,
  options: { mode?: number } = {},
): Promise<void> => {
  try {
    await files.mkdir(path, { ...options, recursive: true });
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    await makeFolder(files, parent, options);
    await files.mkdir(path, options);
  }
};
