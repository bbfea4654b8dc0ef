import { rolloutDocument } from '../../../shared/domain/rollout.ts';
import { listRollouts as operation } from '../../../shared/operations/list-rollouts.ts';
import { httpStack } from '../../lib/http.ts';
import { eachOf } from '../../stores/lists.ts';
import { readCounts, listRollouts as store } from '../../stores/rollouts.ts';

export const listRollouts = httpStack(operation, async ({ query }) => {
  const { items, ...page } = await store(query);
  const shown = await eachOf(items, async (rollout) =>
    rolloutDocument(rollout, await readCounts(rollout.rolloutId)),
  );
  return { status: 200, body: { items: shown, ...page } };
});
