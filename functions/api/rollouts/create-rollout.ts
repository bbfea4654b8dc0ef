import { rolloutDocument, sumCounts } from '../../../shared/domain/rollout.ts';
import { createRollout as operation } from '../../../shared/operations/create-rollout.ts';
import { type Answer, httpStack } from '../../lib/http.ts';
import { acknowledgedBy, once } from '../write.ts';
import { type Asked, began, newRolloutId } from './begin.ts';
import { planAnswer } from './plan-answer.ts';

export const createRollout = httpStack(operation, (call) => {
  const dryRun = call.query.dryRun || call.body.dryRun;
  const { actor, now, body } = call;
  const rolloutId = newRolloutId(now);
  const headers = { location: `/v1/rollouts/${rolloutId}` };
  const by = { rolloutId, at: now.toISOString(), by: actor.name, requestId: actor.requestId };
  const asked: Asked = { ...by, dryRun, acknowledge: acknowledgedBy(call) };
  return once({ ...call, query: { dryRun } }, async (remember): Promise<Answer> => {
    const rollout = await began(body, asked, operation.id, (made) => {
      const answer = { status: 202, body: rolloutDocument(made, sumCounts([])), headers };
      return remember ? [remember(answer)] : [];
    });
    if (dryRun) return { status: 200, body: await planAnswer(rolloutId), headers };
    return { status: 202, body: rolloutDocument(rollout, sumCounts([])), headers };
  });
});
