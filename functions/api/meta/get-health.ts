import { getHealth as operation } from '../../../shared/operations/get-health.ts';
import { httpStack } from '../../lib/http.ts';

export const getHealth = httpStack(operation, async () => ({ status: 200, body: { status: 'ok' } }));
