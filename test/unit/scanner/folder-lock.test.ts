import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FolderInUse, lockFolder } from '../../../scanner/folder-lock.ts';
import { emptyFolder } from './folder.ts';

const module = resolve('scanner/folder-lock.ts');

/** Another process that has locked the folder. */
const holder = async (dir: string) => {
  const script = `const { lockFolder } = await import(${JSON.stringify(module)});
    lockFolder(${JSON.stringify(dir)}, console.log); console.log('locked'); setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  onTestFinished(kill);
  await once(child.stdout, 'data');
  return { kill };
};

describe('the lock of a folder', () => {
  it('refuses the second, and lets the next in once it is let go', () => {
    const dir = emptyFolder();
    const letGo = lockFolder(dir, () => undefined);
    expect(() => lockFolder(dir, () => undefined)).toThrow(FolderInUse);
    letGo();
    lockFolder(dir, () => undefined)();
  });

  it('is kept by no dead process: kill -9 lets it go', async () => {
    const dir = emptyFolder();
    const other = await holder(dir);
    expect(() => lockFolder(dir, () => undefined)).toThrow(/Another Scanner runs on .* --data DIR/);
    await other.kill();
    lockFolder(dir, () => undefined)();
  });

  it('cannot be had of a folder that is not there', () => {
    expect(() => lockFolder(`${emptyFolder()}/none`, () => undefined)).toThrow(/open/);
  });
});
