import * as z from 'zod/mini';
import { defineOperation } from './define.ts';

export const getOpenapi = defineOperation({
  id: 'get-openapi',
  method: 'GET',
  path: '/v1/openapi.json',
  resource: 'meta',
  scope: null,
  summary: 'This API as an OpenAPI 3.1 document',
  returns: { 200: z.looseObject({ openapi: z.string() }) },
  errors: [],
});
