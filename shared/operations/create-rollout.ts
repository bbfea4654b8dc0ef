import * as z from 'zod/mini';
import { acknowledge, dryRun } from '../schemas/common.ts';
import { newRollout, rollout, rolloutPlan } from '../schemas/rollouts.ts';
import { defineOperation } from './define.ts';

export const createRollout = defineOperation({
  id: 'create-rollout',
  method: 'POST',
  path: '/v1/rollouts',
  resource: 'rollouts',
  scope: 'fleet/admin',
  summary: 'Apply the configuration of one Scanner to others',
  description:
    'Each target keeps what belongs to it alone, is judged by itself and gets a revision of its own. Targets that are disabled or not connected are skipped. A dry run answers 200 with the plan, which is kept for a week for its further pages; no Scanner is changed.',
  query: z.strictObject({
    acknowledge: z.optional(acknowledge),
    dryRun: dryRun.check(
      z.meta({ description: 'Answers the plan: what would become of each target. Changes no Scanner.' }),
    ),
  }),
  body: newRollout,
  idempotencyKey: true,
  returns: { 202: rollout, 200: rolloutPlan },
  headers: ['location'],
  errors: ['NOT_FOUND', 'SMTP_NOT_CONFIGURED', 'SCANNER_DECOMMISSIONED'],
  problems: ['SCANNER_ID_INVALID'],
});
