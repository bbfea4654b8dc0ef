import { rolloutDocument, targetDocument } from '../../../shared/domain/rollout.ts';
import { planStep } from '../../common/plan-rollout.ts';
import { wait } from '../../lib/wait.ts';
import { listTargets } from '../../stores/rollout-targets.ts';
import { getRollout, leaveLease, readCounts, takeLease } from '../../stores/rollouts.ts';

/** So long a dry run works on its plan before it answers with what there is; a function of the API has 29 seconds. */
const workMs = 20_000;
const pauseMs = 100;
const firstPage = 50;
const holder = 'api';

/** Plans until all targets are judged, or for as long as an answer may take: what is left the worker does, which may be at it already. */
const plan = async (rolloutId: string): Promise<void> => {
  const until = Date.now() + workMs;
  while (Date.now() < until) {
    const rollout = await getRollout(rolloutId);
    if (rollout.plannedAt !== undefined) return;
    const now = new Date();
    const mine = await takeLease(rolloutId, holder, now);
    if (!mine || !(await planStep(rollout, now))) await wait(pauseMs);
  }
};

/** What a dry run answers: the rollout as it would be, with the first page of its targets. */
export const planAnswer = async (rolloutId: string) => {
  await plan(rolloutId);
  await leaveLease(rolloutId, holder);
  const rollout = await getRollout(rolloutId);
  const { items, ...page } = await listTargets(rolloutId, { limit: firstPage });
  const targets = { items: items.map(targetDocument), ...page };
  return { ...rolloutDocument(rollout, await readCounts(rolloutId)), targets };
};
