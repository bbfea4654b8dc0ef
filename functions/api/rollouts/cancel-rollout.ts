import { cancelRollout as operation } from '../../../shared/operations/cancel-rollout.ts';
import { httpStack } from '../../lib/http.ts';
import { move } from './move.ts';

export const cancelRollout = httpStack(operation, (call) => move('cancel', call, operation.id));
