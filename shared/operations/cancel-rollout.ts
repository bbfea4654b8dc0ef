import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { rollout, rolloutId } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const cancelRollout = defineOperation({
  id: 'cancel-rollout',
  method: 'POST',
  path: '/v1/rollouts/{rolloutId}/cancel',
  resource: 'rollouts',
  scope: 'fleet/admin',
  summary: 'End a rollout that runs or is halted',
  description:
    'Targets that have not got the configuration are skipped; those that have it may still apply it.',
  params: z.strictObject({ rolloutId }),
  query: z.strictObject({ dryRun }),
  idempotencyKey: true,
  returns: { 202: rollout },
  errors: ['NOT_FOUND', 'ROLLOUT_STATE'],
});
