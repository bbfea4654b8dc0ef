import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Finished {
  code: number | null;
  /** All that it said, on both streams. */
  output: string;
}

/** Postfix's programs are where an ordinary user's PATH does not lead. */
const searchPath = (): string => [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);

/**
 * Runs a program to its end. What it says goes through a file: daemons that it leaves behind keep its streams, and a pipe would never end.
 * @throws Error when there is no such program.
 */
export const runProgram = async (program: string, args: readonly string[]): Promise<Finished> => {
  const dir = mkdtempSync(join(tmpdir(), 'scanner-run-'));
  const file = join(dir, 'output');
  const out = openSync(file, 'w', 0o600);
  try {
    const child = spawn(program, args, {
      stdio: ['ignore', out, out],
      env: { ...process.env, PATH: searchPath() },
      cwd: '/',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, output: readFileSync(file, 'utf8').trim() };
  } finally {
    closeSync(out);
    rmSync(dir, { recursive: true, force: true });
  }
};

/** The same where anything but success is an error. @throws Error with what the program said. */
export const runToSuccess = async (program: string, args: readonly string[]): Promise<string> => {
  const { code, output } = await runProgram(program, args);
  if (code !== 0)
    throw new Error(`${program} ${args.at(-1)} ended with ${code}: ${output || 'it said nothing'}`);
  return output;
};
