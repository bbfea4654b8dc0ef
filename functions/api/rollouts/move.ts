import { movedBy, type RolloutAction, rolloutDocument } from '../../../shared/domain/rollout.ts';
import type { Acknowledgement } from '../../../shared/schemas/common.ts';
import type { Actor, Answer } from '../../lib/http.ts';
import type { Idempotency } from '../../lib/idempotency.ts';
import { moveRollout } from '../../stores/rollouts.ts';
import { once } from '../write.ts';

/** As much of a call as every action on a rollout needs. */
interface MoveCall {
  params: { rolloutId: string };
  query: { dryRun: boolean };
  idempotency: Idempotency | undefined;
  actor: Actor;
  now: Date;
}

/** Does with a rollout what a person asks for, and answers what it is then; its worker does the rest. */
export const move = (
  action: RolloutAction,
  call: MoveCall,
  operation: string,
  acknowledge: Acknowledgement[] = [],
): Promise<Answer> =>
  once(call, async (remember) => {
    const { actor, now, params, query } = call;
    const by = { at: now.toISOString(), by: actor.name, requestId: actor.requestId, acknowledge };
    const { rollout, counts } = await moveRollout(
      params.rolloutId,
      { actor, operation, at: now, dryRun: query.dryRun },
      (present) => movedBy(action, present, by, now),
      (after, counted) =>
        remember ? [remember({ status: 202, body: rolloutDocument(after, counted) })] : [],
    );
    return { status: 202, body: rolloutDocument(rollout, counts) };
  });
