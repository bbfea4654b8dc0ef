import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A reference Scanner as its own process, as `npm run scanner` starts it. */
export interface ScannerProcess {
  /** The folder it keeps: keys, cache, `current`. */
  readonly dir: string;
  /** Everything it printed so far. */
  output(): string;
  /** What it runs now, as it wrote it. */
  configuration(): Record<string, unknown>;
  /** Enabled entries of a list as it wrote them, one a line. */
  list(name: string): string;
  /** SIGTERM and wait: it says goodbye to the broker. */
  stop(): Promise<void>;
  /** Waits until it ends by itself; its exit code. */
  ended(): Promise<number | null>;
  /** SIGKILL and wait. */
  kill9(): Promise<void>;
}

/** Starts Scanner `id` against the stack that keeps its state in `data`. */
export const startScannerProcess = (data: string, id: string, more: string[] = []): ScannerProcess => {
  const child = spawn(process.execPath, ['scanner/main.ts', '--id', id, '--data', data, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Not `exit`, by which not all that it printed may have come.
  const closed = once(child, 'close');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await closed;
  };
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const dir = join(data, 'scanners', id);
  const current = (file: string) => readFileSync(join(dir, 'current', file), 'utf8');
  return {
    dir,
    output: () => text,
    configuration: () => JSON.parse(current('configuration.json')) as Record<string, unknown>,
    list: (name) => current(join('lists', `${name}.txt`)),
    stop: () => end('SIGTERM'),
    async ended() {
      await closed;
      return child.exitCode;
    },
    kill9: () => end('SIGKILL'),
  };
};
