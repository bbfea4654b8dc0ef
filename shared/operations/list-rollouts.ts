import * as z from 'zod/mini';
import { cursor, limit, pageOf } from '../schemas/common.ts';
import { rollout } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const listRollouts = defineOperation({
  id: 'list-rollouts',
  method: 'GET',
  path: '/v1/rollouts',
  resource: 'rollouts',
  scope: 'scanners/read',
  summary: 'Rollouts, newest first',
  description: 'Without dry runs, which are found by their id.',
  query: z.strictObject({ cursor, limit }),
  returns: { 200: pageOf(rollout) },
  errors: ['CURSOR_INVALID'],
});
