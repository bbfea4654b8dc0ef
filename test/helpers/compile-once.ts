import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Has every process of this run keep what it compiles, types stripped: nearly all of them load the same files. */
export const setup = (): void => {
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache');
};
