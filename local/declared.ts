import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf, keptFolder } from './kept.ts';
import type { Template } from './template.ts';

/** Everything that a synthesis reads: what is declared, what that is made of, and the versions of the packages that do it. */
const sources = [
  'infra',
  'shared',
  'local/synthesize.ts',
  'local/audience.ts',
  'cdk.json',
  'package-lock.json',
];

/** Under a name of its own until it is whole. Where nothing can be written, nothing is kept. */
const keep = (file: string, template: Template): void => {
  try {
    mkdirSync(keptFolder, { recursive: true });
    const own = `${file}.${process.pid}`;
    writeFileSync(own, JSON.stringify(template));
    renameSync(own, file);
  } catch {
    // The next start makes it again.
  }
};

const kept = (file: string): Template | null => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Template;
  } catch {
    // It is not there, or no file of ours: then it is made again.
    return null;
  }
};

/**
 * The template that a deployment would use. A synthesis takes seconds, so its outcome is kept under the fingerprint of all that it reads;
 * where that has changed, or nothing can be kept, it is made anew.
 */
export const declaredTemplate = async (): Promise<Template> => {
  const file = join(keptFolder, `template-${fingerprintOf(sources)}.json`);
  const known = kept(file);
  if (known) return known;
  const { synthesize } = await import('./synthesize.ts');
  const template = synthesize();
  keep(file, template);
  return template;
};
