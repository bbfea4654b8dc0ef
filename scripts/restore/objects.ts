import { checkAll } from '../fsck/check.ts';
import type { Found } from '../fsck/found.ts';
import type { Restore } from './outcome.ts';

/** Manifests first, then the chunks that only they name, and once more for what was written meanwhile. */
const rounds = 4;

const isObject = ({ kind, mend }: Found): boolean =>
  mend !== undefined && (kind === 'dangling' || kind === 'corrupt');

/** Stores the last intact version again of each object that is named and not there; how many that were. */
const bringBack = async (restore: Restore, findings: readonly Found[]): Promise<number> => {
  let brought = 0;
  for (const { key, mend } of findings.filter(isObject))
    if (restore.dryRun || (await mend?.())) {
      restore.done.objects.push(key);
      brought += 1;
    }
  return brought;
};

/**
 * Checks what `npm run fsck` checks, brings objects back as long as that finds any, and answers what is still wrong: an object
 * that the sweep deleted for good is in it, and whose it was.
 */
export const restoreObjects = async (restore: Restore): Promise<void> => {
  const { now, progress } = restore;
  for (let round = 0; round < rounds; round++) {
    const { findings } = await checkAll({ startedAt: now(), now, progress });
    restore.done.findings = findings;
    if (restore.dryRun && round > 0) return;
    if ((await bringBack(restore, findings)) === 0 || restore.dryRun) return;
  }
};
