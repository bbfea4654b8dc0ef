import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Everything the embedded services remember, in one SQLite file: objects, shadows, things, queues and
 * checkpoints. One file, because an object or a shadow update and the event it causes must be kept together
 * or not at all, as the real services do.
 */
export interface State {
  readonly dir: string;
  readonly db: DatabaseSync;
  /** Runs `work` in one transaction: all of its writes are kept, or none. Calls inside a transaction join it. */
  transaction<T>(work: () => T): T;
  close(): void;
}

const stateFile = 'state.sqlite';

/** Where Scanners that run beside the stack keep theirs. */
const scannersFolder = 'scanners';

/**
 * Lets others through the folder, and see nothing of what is in its folders and in the state: a Scanner that is a Postfix has its own below, and Postfix
 * gives up being root. What comes later is closed by the umask of the process (`local/main.ts`). Keys are left as they are: whoever reads one refuses
 * it where it was open.
 */
const closeToOthers = (dir: string): void => {
  chmodSync(dir, 0o711);
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory() && entry.name !== scannersFolder) chmodSync(join(dir, entry.name), 0o700);
    else if (entry.name.startsWith(stateFile)) chmodSync(join(dir, entry.name), 0o600);
};

/** Opens (or creates) the state under `dir`. What was committed survives `kill -9` of the process. */
export const openState = (dir: string): State => {
  mkdirSync(dir, { recursive: true });
  closeToOthers(dir);
  const db = new DatabaseSync(join(dir, stateFile));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  let depth = 0;
  const transaction = <T>(work: () => T): T => {
    if (depth > 0) return work();
    db.exec('BEGIN IMMEDIATE');
    depth += 1;
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    } finally {
      depth -= 1;
    }
  };
  return { dir, db, transaction, close: () => db.close() };
};
