import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Where what takes seconds to make is kept from one start to the next, under the fingerprint of what it is made of. */
export const keptFolder = join(root, 'node_modules/.cache/scanner-control-plane');

const filesOf = (source: string): string[] =>
  /\.\w+$/.test(source)
    ? [source]
    : readdirSync(join(root, source), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));

/** Fingerprint of files and folders of the checkout, by their names and bytes, and of what is made of them: equal only where nothing has changed. */
export const fingerprintOf = (sources: readonly string[], made: readonly string[] = []): string => {
  const hash = createHash('sha256').update(`${made.join('\n')}\n`);
  for (const file of sources.flatMap(filesOf).sort())
    hash
      .update(`${file}\n`)
      .update(readFileSync(join(root, file)))
      .update('\n');
  return hash.digest('hex');
};
