import type { FileHandle } from 'node:fs/promises';
import * as nodeFiles from 'node:fs/promises';
import type { Files } from '../../../scanner/version-folder.ts';

/** Thrown where the process is imagined to have been killed; all that follows fails too, so no clean-up happens. */
export class Killed extends Error {}

const writing = new Set(['copyFile', 'link', 'mkdir', 'rename', 'rm', 'symlink', 'writeFile', 'open']);
const writingHandle = new Set(['appendFile', 'sync']);

/**
 * The real file system, as a process sees it that is killed before its n-th step that could change something (from 0). A
 * write at which it dies may be torn: half of it is there.
 */
export const dyingFiles = (n: number): { files: Files; steps: () => number; died: () => boolean } => {
  let steps = 0;
  let dead = false;

  const step = async (torn: () => Promise<unknown> = async () => undefined): Promise<void> => {
    if (dead) throw new Killed();
    if (steps === n) {
      dead = true;
      await torn();
      throw new Killed();
    }
    steps += 1;
  };

  const dyingHandle = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        if (!writingHandle.has(String(name))) return value.bind(target);
        return async (...args: [string]) => {
          const half = async () =>
            name === 'appendFile' && target.appendFile(args[0].slice(0, args[0].length / 2));
          await step(half);
          return value.apply(target, args);
        };
      },
    });

  const files = new Proxy(nodeFiles, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
      if (!writing.has(String(name))) return value;
      return async (...args: unknown[]) => {
        const reads = name === 'open' && args[1] === 'r';
        if (!reads) await step();
        else if (dead) throw new Killed();
        const result = await value.apply(target, args);
        return name === 'open' ? dyingHandle(result as FileHandle) : result;
      };
    },
  });
  return { files, steps: () => steps, died: () => dead };
};
