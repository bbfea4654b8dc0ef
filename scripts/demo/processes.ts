import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What `endpoints.json` says of a running embedded stack. */
export interface Endpoints {
  api: string;
  token: string;
  s3: string;
  iotData: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface Running {
  readonly log: string;
  stop(): Promise<void>;
}

const alive = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

/** Starts one of the project's own programs; what it prints goes to a file. */
export const start = (dir: string, name: string, args: string[]): Running & { child: ChildProcess } => {
  mkdirSync(dir, { recursive: true });
  const log = join(dir, `${name}.log`);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const stop = async () => {
    if (!alive(child)) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
  return { log, child, stop };
};

/** Starts a fresh embedded stack in `dir` and waits until it says where everything is. */
export const startStack = async (
  dir: string,
): Promise<Running & { child: ChildProcess; endpoints: Endpoints }> => {
  const file = join(dir, 'endpoints.json');
  rmSync(file, { force: true });
  const stack = start(join(dir, 'logs'), 'stack', [
    'local/main.ts',
    '--fresh',
    '--port-base',
    '0',
    '--data',
    dir,
  ]);
  while (!existsSync(file)) {
    if (!alive(stack.child))
      throw new Error(`the embedded stack ended at once:\n${readFileSync(stack.log, 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { ...stack, endpoints: JSON.parse(readFileSync(file, 'utf8')) as Endpoints };
};

export const startScanner = (dir: string, id: string): Running =>
  start(join(dir, 'logs'), `scanner-${id}`, ['scanner/main.ts', '--id', id, '--data', dir]);
