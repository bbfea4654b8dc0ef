import { rolloutDocument } from '../../../shared/domain/rollout.ts';
import { getRollout as operation } from '../../../shared/operations/get-rollout.ts';
import { httpStack } from '../../lib/http.ts';
import { readCounts, getRollout as store } from '../../stores/rollouts.ts';

export const getRollout = httpStack(operation, async ({ params }) => {
  const rollout = await store(params.rolloutId);
  return { status: 200, body: rolloutDocument(rollout, await readCounts(params.rolloutId)) };
});
