import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** All that a guard can be made of. */
const folders = ['scanner', 'shared'];
const lockfile = 'package-lock.json';

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();

/**
 * Which software this is, as a digest of its sources and of what they depend on: an agent and a guard of the same say the same. No number that somebody
 * must raise: a guard that was not started since an update says something else, whatever the update is.
 */
export const softwareVersion = (): string => {
  const hash = createHash('sha256');
  for (const name of [...folders.flatMap(sourcesIn), lockfile])
    hash.update(`${name}\n`).update(readFileSync(join(root, name)));
  return hash.digest('hex').slice(0, 16);
};
