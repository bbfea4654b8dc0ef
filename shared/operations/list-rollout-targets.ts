import * as z from 'zod/mini';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { rolloutId, rolloutOutcomes, rolloutTarget } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const listRolloutTargets = defineOperation({
  id: 'list-rollout-targets',
  method: 'GET',
  path: '/v1/rollouts/{rolloutId}/targets',
  resource: 'rollouts',
  scope: 'scanners/read',
  summary: 'Targets of a rollout, in the order in which they go',
  params: z.strictObject({ rolloutId }),
  query: z.strictObject({
    outcome: z
      .optional(z.enum(rolloutOutcomes))
      .check(z.meta({ description: 'Only targets with this outcome.' })),
    cursor,
    limit,
  }),
  returns: { 200: pageOf(rolloutTarget) },
  errors: ['NOT_FOUND', 'CURSOR_INVALID'],
});
