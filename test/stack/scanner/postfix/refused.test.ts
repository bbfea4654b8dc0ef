import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../../../scanner/command-line.ts';
import { lacking, nothingBelow, openFolder } from './world.ts';

const nobody = 65_534;

/** A Scanner of `data` behind other words, whose API is not there: it must not come to that. */
const start = (data: string, ...before: string[]) => {
  const scanner = [process.execPath, 'scanner/main.ts', '--id', 'mx1', '--data', data, '--mta', 'postfix'];
  const access = ['--url', 'http://127.0.0.1:9/v1', '--token', 't'];
  const [program = '', ...args] = [...before, ...scanner, ...access];
  return spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 });
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

  it('because it takes messages that are smuggled in others says so, and ends with 6', () => {
    const bin = openFolder();
    const known =
      'mail_owner = postfix\\ndaemon_directory = /usr/lib/postfix/sbin\\nmail_version = 3.5.25\\n';
    const unknown = 'postconf: warning: smtpd_forbid_bare_newline: unknown parameter';
    const postconf = `#!/bin/sh\necho '${unknown}' >&2; printf '${known}'\n`;
    writeFileSync(join(bin, 'postconf'), postconf, { mode: 0o755 });
    const path = [bin, process.env['PATH']].join(delimiter);

    const { status, stderr } = start(openFolder(), 'env', `PATH=${path}`);

    expect(stderr).toContain(
      'This Postfix (3.5.25) takes messages that are smuggled in others. Update it to 3.7.9',
    );
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
    [
      'has a space',
      'my data',
      /my data\/scanners\/mx1 cannot be the folder of a Postfix.*no spaces.*--data DIR/,
    ],
    ['is too long for sockets', 'x'.repeat(100), /too long for a socket \(107 bytes\)/],
  ])('because the path of its folder %s says so, and ends with 6', async (_, name, message) => {
    const data = join(openFolder(), name);
    mkdirSync(data);
    const { status, stderr } = start(data);
    expect(stderr).toMatch(message);
    expect(status).toBe(exitCodes.mta);
    await nothingBelow(data);
  });

  it('because the disk is read-only has that from the system', ({ skip }) => {
    skip(spawnSync('unshare', ['--mount', 'true']).status !== 0, 'nothing can be mounted here');
    const dir = openFolder();
    const mounts = 'mount -t tmpfs none "$0" && mount -o remount,ro "$0" && exec "$@"';
    const open = `import { openHome } from './scanner/postfix/home.ts';
      await openHome({ dir: process.argv[1], installed: false }).catch(({ code }) => console.log(code));`;
    const node = [process.execPath, '--input-type=module', '-e', open, dir];

    const { stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', mounts, dir, ...node], {
      encoding: 'utf8',
    });

    expect(stdout).toBe('EROFS\n');
  });
});
