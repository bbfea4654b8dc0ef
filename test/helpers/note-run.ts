import { relative } from 'node:path';
import { afterAll, expect } from 'vitest';
import { noteRun } from './grants.ts';

const dir = process.env['RECORD_GRANTS'];

afterAll(() => {
  if (dir) noteRun(dir, relative(process.cwd(), expect.getState().testPath ?? ''));
});
