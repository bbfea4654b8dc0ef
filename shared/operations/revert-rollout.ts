import * as z from 'zod/mini';
import { writeQuery } from '../schemas/common.ts';
import { rollout, rolloutId } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const revertRollout = defineOperation({
  id: 'revert-rollout',
  method: 'POST',
  path: '/v1/rollouts/{rolloutId}/revert',
  resource: 'rollouts',
  scope: 'fleet/admin',
  summary: 'Give targets their configuration of before the rollout',
  description:
    'As a new revision, judged by the rules of today, wherever the present one is still that of the rollout; elsewhere the outcome is overtaken. A rollout that runs stops. The state is reverted when all are done.',
  params: z.strictObject({ rolloutId }),
  query: z.strictObject(writeQuery),
  idempotencyKey: true,
  returns: { 202: rollout },
  errors: ['NOT_FOUND', 'ROLLOUT_STATE'],
});
