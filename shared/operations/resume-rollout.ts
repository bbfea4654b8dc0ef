import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { rollout, rolloutId } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const resumeRollout = defineOperation({
  id: 'resume-rollout',
  method: 'POST',
  path: '/v1/rollouts/{rolloutId}/resume',
  resource: 'rollouts',
  scope: 'fleet/admin',
  summary: 'Let a halted rollout go on',
  description:
    'Failures are counted from 0 again. A rollout commits nothing later than six days after it was created.',
  params: z.strictObject({ rolloutId }),
  query: z.strictObject({ dryRun }),
  idempotencyKey: true,
  returns: { 202: rollout },
  errors: ['NOT_FOUND', 'ROLLOUT_STATE', 'ROLLOUT_EXPIRED'],
});
