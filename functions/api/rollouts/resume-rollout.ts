import { resumeRollout as operation } from '../../../shared/operations/resume-rollout.ts';
import { httpStack } from '../../lib/http.ts';
import { move } from './move.ts';

export const resumeRollout = httpStack(operation, (call) => move('resume', call, operation.id));
