import { createHmac, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { State } from '../state.ts';

const keyBytes = 32;
const schema = 'CREATE TABLE IF NOT EXISTS s3_data_key (fingerprint TEXT NOT NULL);';

/** Tells one key from another and says nothing of either. */
const fingerprintOf = (key: Buffer): string =>
  createHmac('sha256', key).update('fingerprint of the data key').digest('hex');

/** On disk, whole, before anything is encrypted with it. */
const writeKey = (file: string, key: Buffer): void => {
  const fd = openSync(`${file}.new`, 'w', 0o600);
  writeFileSync(fd, key);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.new`, file);
};

const readKey = (file: string): Buffer | undefined => {
  if (!existsSync(file)) return undefined;
  if ((statSync(file).mode & 0o077) !== 0)
    throw new Error(
      `${file} can be read by others than its owner. It is the key of every object: chmod 600.`,
    );
  return readFileSync(file);
};

/**
 * The key that objects are encrypted with, in a file of its own beside the state (`s3-data-key`, mode 0600), made at the first start.
 * Throws when the file is lost or another than the one that this state began with: its objects could not be read, and would come out
 * as noise.
 */
export const openDataKey = ({ dir, db }: State): Buffer => {
  const file = join(dir, 's3-data-key');
  db.exec(schema);
  const known = db.prepare('SELECT fingerprint FROM s3_data_key').get() as
    | { fingerprint: string }
    | undefined;
  const found = readKey(file);
  if (known && (!found || fingerprintOf(found) !== known.fingerprint))
    throw new Error(
      `${file} is not the key of the objects in ${dir}: put the right one back, or use --fresh.`,
    );
  const key = found?.length === keyBytes ? found : randomBytes(keyBytes);
  if (key !== found) writeKey(file, key);
  if (!known) db.prepare('INSERT INTO s3_data_key VALUES (?)').run(fingerprintOf(key));
  return key;
};
