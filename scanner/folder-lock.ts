import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another Scanner runs on this folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

const codeOf = (error: unknown): number => Number((error as { errcode?: number }).errcode) & 0xff;

/** Primary result codes (SQLite, "Result and error codes"). */
const sqlite = { busy: 5, readOnly: 8, full: 13, cannotOpen: 14 } as const;

/**
 * Keeps a folder for this process alone, until it is let go or the process ends, however it ends: the lock is one of the operating system on an
 * open file, which SQLite takes for us (Node has no call for it); no file that says "locked" stays behind. Where the file cannot be made,
 * because the disk is full or read-only, there is no lock: nobody else could write there either, and a Scanner goes on with what it has.
 * @throws FolderInUse
 */
export const lockFolder = (dir: string, log: (line: string) => void): (() => void) => {
  const path = join(dir, 'scanner.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    const held = database;
    return () => held.close();
  } catch (error) {
    database?.close();
    const code = codeOf(error);
    if (code === sqlite.busy)
      throw new FolderInUse(
        `Another Scanner runs on ${dir}. End it, or give this one another folder: --data DIR.`,
      );
    const unwritable = code === sqlite.readOnly || code === sqlite.full || code === sqlite.cannotOpen;
    if (!unwritable || !existsSync(dir)) throw error;
    log(`the folder cannot be locked (${(error as Error).message}); nobody else may use it`);
    return () => undefined;
  }
};
