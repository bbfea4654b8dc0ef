import * as z from 'zod/mini';
import { rollout, rolloutId } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const getRollout = defineOperation({
  id: 'get-rollout',
  method: 'GET',
  path: '/v1/rollouts/{rolloutId}',
  resource: 'rollouts',
  scope: 'scanners/read',
  summary: 'A rollout: its state, and how many targets have which outcome',
  params: z.strictObject({ rolloutId }),
  returns: { 200: rollout },
  errors: ['NOT_FOUND'],
});
