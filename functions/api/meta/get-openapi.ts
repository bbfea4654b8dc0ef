import document from '../../../docs/openapi.json' with { type: 'json' };
import { getOpenapi as operation } from '../../../shared/operations/get-openapi.ts';
import { httpStack } from '../../lib/http.ts';

export const getOpenapi = httpStack(operation, async () => ({
  status: 200,
  body: document,
  headers: { 'cache-control': 'public, max-age=300' },
}));
