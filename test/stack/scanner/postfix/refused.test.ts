import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../../../scanner/command-line.ts';
import { daemonsBelow, lacking, openFolder } from './world.ts';

const nobody = 65_534;

/** A Scanner of `data` behind other words, whose API is not there: it must not come to that. */
const start = (data: string, ...before: string[]) => {
  const scanner = [process.execPath, 'scanner/main.ts', '--id', 'mx1', '--data', data, '--mta', 'postfix'];
  const access = ['--url', 'http://127.0.0.1:9/v1', '--token', 't'];
  const [program = '', ...args] = [...before, ...scanner, ...access];
  return spawnSync(program, args, { encoding: 'utf8', timeout: 30_000 });
};

describe.skipIf(lacking !== '')(`a Scanner that can run no Postfix${lacking && ` (${lacking})`}`, () => {
  it('because it is not root says so, and ends with 6', () => {
    const data = openFolder();
    chownSync(data, nobody, nobody);
    const { status, stderr } = start(
      data,
      'setpriv',
      `--reuid=${nobody}`,
      `--regid=${nobody}`,
      '--clear-groups',
    );
    expect(stderr).toContain('Only root can run Postfix: start this as root (sudo).');
    expect(status).toBe(exitCodes.mta);
  });

  it('because there is none says what to install, and ends with 6', ({ skip }) => {
    skip(spawnSync('unshare', ['--mount', 'true']).status !== 0, 'nothing can be hidden from a process here');
    const hidden = 'mount -t tmpfs none /usr/sbin && exec "$@"';
    const { status, stderr } = start(openFolder(), 'unshare', '--mount', 'sh', '-c', hidden, 'sh');
    expect(stderr).toContain('There is no Postfix on this host: apt-get install postfix');
    expect(status).toBe(exitCodes.mta);
  });

  it("because Postfix's own user cannot get into its folder says so, and ends with 6", () => {
    const data = openFolder();
    chmodSync(data, 0o700);
    const { status, stderr } = start(data);
    expect(stderr).toMatch(/The user "postfix", as whom Postfix runs, cannot get into .*--data DIR/);
    expect(status).toBe(exitCodes.mta);
  });

  it.each([
    ['has a space', 'my data', /cannot be the folder of an instance of Postfix.*no spaces/],
    ['is too long for sockets', 'x'.repeat(100), /too long for a socket \(107 bytes\)/],
  ])('because the path of its folder %s says so, and ends with 6', (_, name, message) => {
    const data = join(openFolder(), name);
    mkdirSync(data);
    const { status, stderr } = start(data);
    expect(stderr).toMatch(message);
    expect(status).toBe(exitCodes.mta);
    expect(daemonsBelow(data)).toEqual([]);
  });
});
