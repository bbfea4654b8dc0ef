import { judgeCounts } from '../../shared/domain/fsck.ts';
import { keys } from '../../shared/tables.ts';
import { type Check, find } from './found.ts';
import { rolloutCounts } from './stores.ts';

/**
 * The counts of each rollout against what its targets have come to, read while nothing moved. One whose targets move on all the time is not judged:
 * each transaction of it moves target and counts together.
 */
export const checkRollouts = async (check: Check): Promise<void> => {
  const { report, rollouts, progress } = check;
  for (const rolloutId of rollouts) {
    const found = await rolloutCounts.readDiscrepancy(rolloutId, check.now());
    const problems = found ? judgeCounts(found) : [];
    if (problems.length > 0)
      find(check, 'inconsistent', {
        key: keys.ofRollout(rolloutId),
        namedBy: [],
        detail: problems.join('; '),
        repair: 'makes its counts say what its targets have come to',
        mend: async () =>
          ((await rolloutCounts.settleCounts(rolloutId, { now: check.now(), dryRun: false })) ?? 0) > 0,
      });
    report.checked.rollouts += 1;
    progress('rollouts', report.checked.rollouts, rollouts.length);
  }
};
