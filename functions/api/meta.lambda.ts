import { resourceHandler } from '../lib/http.ts';
import { getHealth } from './meta/get-health.ts';
import { getOpenapi } from './meta/get-openapi.ts';

export const handler = resourceHandler([getHealth, getOpenapi]);
