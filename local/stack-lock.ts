import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch {
    return false;
  }
};

/** Two stacks on one folder would spoil each other's state. Answers how to let go; throws where another process holds the folder. */
export const lockFolder = (dir: string): (() => void) => {
  const file = join(dir, 'stack.pid');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (holder > 0 && runs(holder))
    throw new Error(
      `The stack in ${dir} is running already (process ${holder}). End it, or use another folder: --data DIR.`,
    );
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
};
