import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { exitCodes } from '../../scanner/command-line.ts';
import { signal } from '../../scanner/postfix/processes.ts';
import { until } from '../helpers/until.ts';
import { emptyFolder } from '../unit/scanner/folder.ts';

const module = join(import.meta.dirname, '..', '..', 'scanner', 'signalled.ts');

/** A process, with a group of its own as a terminal gives it, which does not outlive the test; and what it has said. */
const start = (program: string, ...args: string[]) => {
  const child = spawn(program, args, { detached: true });
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const pid = child.pid ?? 0;
  onTestFinished(async () => {
    // What npm leaves behind would hold its output.
    signal(-pid, 'SIGKILL');
    await exited;
  });
  return {
    pid,
    exited,
    output: () => output,
    says: (text: string) => until(`it says ${text}`, () => output.includes(text)),
  };
};

/** A Scanner that npm starts, and that has nobody to enrol at. */
const startScanner = async () => {
  const data = emptyFolder();
  const away = ['--url', 'http://127.0.0.1:9/v1', '--token', 't'];
  const npm = start('npm', 'run', '-s', 'scanner', '--', '--id', 'mx1', '--data', data, ...away);
  await npm.says('not enrolled yet');
  return npm;
};

// The shell of Windows' npm starts a process, and no signals are told to it.
describe.skipIf(process.platform === 'win32')('a script of npm', () => {
  // Its output is closed only when nobody holds it any more. What npm itself ends with is up to its shell.
  it('ends in order on SIGTERM to npm alone', async () => {
    const npm = await startScanner();

    process.kill(npm.pid, 'SIGTERM');
    await npm.exited;

    expect(npm.output()).toMatch(/stops on (SIGTERM|the end of npm)\n$/);
  });

  it('ends in order on Ctrl-C, which its process may hear twice: from the terminal and from npm', async () => {
    const npm = await startScanner();

    process.kill(-npm.pid, 'SIGINT');
    await npm.exited;

    expect(npm.output()).toMatch(/stops on SIGINT\n$/);
  });

  it('ends with the code of its process', () => {
    const { status, stderr } = spawnSync('npm', ['run', '-s', 'scanner'], { encoding: 'utf8' });
    expect(stderr).toContain('Give the Scanner an id');
    expect(status).toBe(exitCodes.usage);
  });
});

it('each script that starts a program of this project is one command, so that it is one process, and looks which Node that is', () => {
  const scripts = Object.entries(packageJson.scripts).filter(([, line]) => /\bnode\b.*\.ts/.test(line));
  expect(scripts.length).toBeGreaterThan(10);
  for (const [name, line] of scripts)
    expect([name, line]).toEqual([
      name,
      expect.stringMatching(/^node --import \.\/scripts\/guard-node\.mjs [a-z/-]+\.ts$/),
    ]);
});

it('an older Node says which one is needed, and runs nothing', () => {
  const older = 'Object.defineProperty(process.versions, "node", { value: "20.20.2" });';
  const guard = readFileSync(join(import.meta.dirname, '..', '..', 'scripts', 'guard-node.mjs'), 'utf8');
  const program = `${older}\n${guard}\nconsole.log("goes on");`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stderr).toContain('This project runs on Node 24 and found Node 20.20.2.');
  expect([status, stdout]).toEqual([1, '']);
});

it('a signal that comes twice is one; another one later ends the process at once', async () => {
  const program = `import { signalled } from ${JSON.stringify(module)};
    setInterval(() => undefined, 1000);
    const signal = signalled({ byNpm: false });
    console.log('waits');
    console.log('heard ' + (await signal));`;
  const child = start(process.execPath, '--input-type=module', '-e', program);
  await child.says('waits');

  process.kill(child.pid, 'SIGTERM');
  await child.says('heard SIGTERM');
  process.kill(child.pid, 'SIGTERM');
  const isOver = child.exited.then(() => true);
  await until('it ends', async () => {
    const over = await Promise.race([isOver, Promise.resolve(false)]);
    if (!over) process.kill(child.pid, 'SIGTERM');
    return over;
  });

  expect((await child.exited)[1]).toBe('SIGTERM');
});
