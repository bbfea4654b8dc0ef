import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnd } from './file-end.ts';
import type { Home } from './home.ts';
import { endMaster, endOrphans, masterOf } from './processes.ts';
import { runProgram, runToSuccess } from './program.ts';
import type { Services } from './services.ts';

/** The Postfix of an instance. */
export interface MailSystem {
  isRunning(): Promise<boolean>;
  /** What Postfix's own tools find in the configuration of a folder. @throws Error with what they say. */
  check(folder: string): Promise<void>;
  /** Starts it by what is in force; what a dead master daemon has left behind goes first. */
  start(): Promise<void>;
  reload(): Promise<void>;
  stop(): Promise<void>;
  /** A mark in its log; later, what is said there of errors since then, in a few lines. */
  markLog(): Promise<number>;
  errorsSince(mark: number): Promise<string>;
}

/** Parameters as they are, services, and overrides of services: what nothing knows or uses is warned of. */
const postconfLooks = ['-n', '-M', '-P'];

/** What is said of the host, as of a program of Postfix with an odd owner, is no fault of a configuration. */
const faultsIn = (output: string, folder: string): string[] =>
  output.split('\n').filter((line) => line.includes(folder) || /: (fatal|panic|error):/.test(line));

const assertTaken = async (folder: string, command: 'check' | 'status'): Promise<void> => {
  const { code, output } = await runProgram('postfix', ['-c', folder, command]);
  const faults = faultsIn(output, folder);
  if (code !== 0 || faults.length > 0)
    throw new Error(`postfix ${command}: ${faults.join('; ') || output || `ended with ${code}`}`);
};

const assertKnown = async (folder: string, option: string): Promise<void> => {
  const { code, output } = await runProgram('postconf', ['-c', folder, option]);
  const warning = output.split('\n').find((line) => /: (warning|fatal|error):/.test(line));
  if (warning !== undefined || code !== 0) throw new Error(`postconf ${option}: ${warning ?? output}`);
};

/**
 * `check` looks at the installation and at every file of the queue, which takes long where many messages wait: a Postfix that runs has been looked at
 * when it was started, and is only asked whether it takes the folder's main.cf.
 */
const checkFolder = async (folder: string, isRunning: boolean): Promise<void> => {
  await Promise.all([
    assertTaken(folder, isRunning ? 'status' : 'check'),
    ...postconfLooks.map((option) => assertKnown(folder, option)),
  ]);
};

/** As much of the end of a log as is looked at. */
const tailBytes = 64 * 1024;

const errorsIn = (text: string): string =>
  text
    .split('\n')
    .filter((line) => /: (fatal|panic|error): /.test(line))
    .map((line) => line.replace(/^.*?postfix\//, 'postfix/'))
    .slice(-2)
    .join('; ');

/** The Postfix of a home; `current` is the folder whose configuration is in force. */
export const mailSystemOf = (
  home: Home,
  current: string,
  services: Pick<Services, 'startPostfix' | 'stopPostfix'>,
): MailSystem => {
  const isRunning = async () => (await masterOf(home)) !== null;
  const logFile = home.logFolder && join(home.logFolder, 'mail.log');
  return {
    isRunning,
    check: async (folder) => checkFolder(folder, await isRunning()),
    async start() {
      await endOrphans(home);
      await services.startPostfix();
    },
    async reload() {
      await runToSuccess('postfix', ['-c', current, 'reload']);
    },
    async stop() {
      await services.stopPostfix();
      await endMaster(home);
    },
    markLog: async () => (logFile && existsSync(logFile) ? (await stat(logFile)).size : 0),
    errorsSince: async (mark) =>
      logFile && existsSync(logFile) ? errorsIn(await readEnd(logFile, tailBytes, mark)) : '',
  };
};
