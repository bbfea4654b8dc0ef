import { targetDocument } from '../../../shared/domain/rollout.ts';
import { listRolloutTargets as operation } from '../../../shared/operations/list-rollout-targets.ts';
import { httpStack } from '../../lib/http.ts';
import { listTargets } from '../../stores/rollout-targets.ts';
import { getRollout } from '../../stores/rollouts.ts';

export const listRolloutTargets = httpStack(operation, async ({ params, query }) => {
  const { rolloutId } = await getRollout(params.rolloutId);
  const { outcome, ...asked } = query;
  const { items, ...page } = await listTargets(rolloutId, asked, outcome);
  return { status: 200, body: { items: items.map(targetDocument), ...page } };
});
