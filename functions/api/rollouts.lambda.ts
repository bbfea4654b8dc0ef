import { resourceHandler } from '../lib/http.ts';
import { cancelRollout } from './rollouts/cancel-rollout.ts';
import { createRollout } from './rollouts/create-rollout.ts';
import { getRollout } from './rollouts/get-rollout.ts';
import { haltRollout } from './rollouts/halt-rollout.ts';
import { listRolloutTargets } from './rollouts/list-rollout-targets.ts';
import { listRollouts } from './rollouts/list-rollouts.ts';
import { resumeRollout } from './rollouts/resume-rollout.ts';
import { revertRollout } from './rollouts/revert-rollout.ts';

export const handler = resourceHandler([
  cancelRollout,
  createRollout,
  getRollout,
  haltRollout,
  listRolloutTargets,
  listRollouts,
  resumeRollout,
  revertRollout,
]);
