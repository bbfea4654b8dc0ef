import { haltRollout as operation } from '../../../shared/operations/halt-rollout.ts';
import { httpStack } from '../../lib/http.ts';
import { move } from './move.ts';

export const haltRollout = httpStack(operation, (call) => move('halt', call, operation.id));
