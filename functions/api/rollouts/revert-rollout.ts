import { revertRollout as operation } from '../../../shared/operations/revert-rollout.ts';
import { httpStack } from '../../lib/http.ts';
import { acknowledgedBy } from '../write.ts';
import { move } from './move.ts';

export const revertRollout = httpStack(operation, (call) =>
  move('revert', call, operation.id, acknowledgedBy(call)),
);
