import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getOpenapi as operation } from '../../../shared/operations/get-openapi.ts';
import { httpStack } from '../../lib/http.ts';

/** The generated file lies beside the function: inside its bundle it would be most of it. */
const document: unknown = JSON.parse(
  readFileSync(join(process.env['LAMBDA_TASK_ROOT'] ?? '.', 'docs', 'openapi.json'), 'utf8'),
);

export const getOpenapi = httpStack(operation, async () => ({
  status: 200,
  body: document,
  headers: { 'cache-control': 'public, max-age=300' },
}));
