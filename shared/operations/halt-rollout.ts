import * as z from 'zod/mini';
import { dryRun } from '../schemas/common.ts';
import { rollout, rolloutId } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const haltRollout = defineOperation({
  id: 'halt-rollout',
  method: 'POST',
  path: '/v1/rollouts/{rolloutId}/halt',
  resource: 'rollouts',
  scope: 'fleet/admin',
  summary: 'Halt a rollout that runs',
  description: 'No further target gets the configuration; those that have it may still apply it.',
  params: z.strictObject({ rolloutId }),
  query: z.strictObject({ dryRun }),
  idempotencyKey: true,
  returns: { 202: rollout },
  errors: ['NOT_FOUND', 'ROLLOUT_STATE'],
});
