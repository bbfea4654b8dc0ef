import * as z from 'zod/mini';
import { defineOperation } from './define.ts';

export const getHealth = defineOperation({
  id: 'get-health',
  method: 'GET',
  path: '/v1/health',
  resource: 'meta',
  scope: null,
  summary: 'Is the API there?',
  returns: { 200: z.object({ status: z.literal('ok') }) },
  errors: [],
});
