import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Has every stack of this run record what roles are used for, unless somebody wants it elsewhere. */
export const setup = (): (() => void) | undefined => {
  if (process.env['RECORD_GRANTS']) return undefined;
  const dir = mkdtempSync(join(tmpdir(), 'grants-'));
  process.env['RECORD_GRANTS'] = dir;
  return () => {
    rmSync(dir, { recursive: true, force: true });
    delete process.env['RECORD_GRANTS'];
  };
};
