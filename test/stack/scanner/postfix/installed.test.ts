import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { guardKeeper } from '../../../../scanner/postfix/guard-keeper.ts';
import { systemServices } from '../../../../scanner/postfix/services.ts';
import { answeringGuard, endAll, lacking, openFolder, put, sinkIn, telling, toldAt } from './world.ts';

const installWith = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  spawnSync('sh', ['scanner/install.sh', ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
const install = (...args: string[]) => installWith({ SCANNER_TOKEN: 's3cret' }, ...args);

const url = 'https://api.example.com/v1';
const unitsIn = (root: string): string => join(root, 'etc/systemd/system');

const installed = (): string => {
  const root = openFolder();
  expect(
    install('--id', 'mx1', '--url', url, '--host-name', 'mx1.example.com', '--root', root),
  ).toMatchObject({
    status: 0,
    stderr: '',
  });
  return root;
};

describe('scanner/install.sh', () => {
  it('writes three units that systemd has nothing to say of, and options that root alone reads', () => {
    const units = unitsIn(installed());
    const names = readdirSync(units);
    expect(names.sort()).toEqual([
      'scanner-agent@.service',
      'scanner-guard@.service',
      'scanner-postfix@.service',
    ]);
    const env = join(units, '../../scanner/mx1.env');
    expect(readFileSync(env, 'utf8')).toBe(
      [
        `SCANNER_OPTIONS=--url ${url} --host-name mx1.example.com`,
        'GUARD_OPTIONS=--host-name mx1.example.com',
        'SCANNER_TOKEN=s3cret\n',
      ].join('\n'),
    );
    expect(statSync(env).mode & 0o777).toBe(0o600);
    for (const name of names) {
      const text = readFileSync(join(units, name), 'utf8');
      expect(text).not.toMatch(/@[A-Z]+@|s3cret/);
      const own = join(units, name.replace('@', '@mx1'));
      writeFileSync(own, text);
      // It also looks for what the units run.
      if (existsSync('/usr/bin/systemd-analyze') && lacking === '')
        expect(execFileSync('sh', ['-c', `systemd-analyze verify ${own} 2>&1`], { encoding: 'utf8' })).toBe(
          '',
        );
    }
  });

  it('run again without a token keeps the one that is there, and takes a new one', () => {
    const root = installed();
    const token = () =>
      /^SCANNER_TOKEN=(.*)$/m.exec(readFileSync(join(root, 'etc/scanner/mx1.env'), 'utf8'))?.[1];
    const again = (given: string) =>
      installWith({ SCANNER_TOKEN: given }, '--id', 'mx1', '--url', url, '--root', root).status;
    expect([again(''), token()]).toEqual([0, 's3cret']);
    expect([again('n3w'), token()]).toEqual([0, 'n3w']);
  });

  it.each([
    ['--remove for another root', ['--id', 'mx1', '--remove', '--root', '/nowhere'], '--remove'],
    ['no id', ['--url', url], '--id mx1'],
    ['an id that is none', ['--id', 'MX 1', '--url', url], '--id MX 1 is no id'],
    ['an id that is too long', ['--id', 'x'.repeat(64), '--url', url], 'is too long for an id'],
    ['no URL', ['--id', 'mx1'], '--url'],
    ['a URL with a space', ['--id', 'mx1', '--url', 'https://x y'], '--url https://x y'],
    ['a URL of something else', ['--id', 'mx1', '--url', 'ftp://x'], '--url ftp://x is no URL'],
    [
      'a name without a URL of the web',
      ['--id', 'mx1', '--url', 'api.example.com'],
      '--url api.example.com is no URL',
    ],
    [
      'a name that is none',
      ['--id', 'mx1', '--url', url, '--host-name', 'my_host'],
      '--host-name my_host cannot',
    ],
    ['an option that there is not', ['--id', 'mx1', '--verbose', 'yes'], '--root DIR'],
  ])('ends with 2 when called with %s, and says which argument that is', (_, args, said) => {
    const { status, stderr } = install(...args, '--root', openFolder());
    expect([status, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});

const isIsolated = spawnSync('unshare', ['--mount', 'true']).status === 0 && process.getuid?.() === 0;

/** Runs commands as on a host with an empty /etc, and this systemctl. Answers what they say. */
const onHost = (systemctl: string, commands: readonly string[]): string => {
  const dir = openFolder();
  writeFileSync(join(dir, 'systemctl'), `#!/bin/sh\n${systemctl}\n`, { mode: 0o755 });
  const mounts = ['mount -t tmpfs none /etc', 'mount -t tmpfs none /var/lib', 'mkdir -p /etc/scanner'];
  return execFileSync('unshare', ['--mount', 'sh', '-ec', [...mounts, ...commands].join('\n')], {
    encoding: 'utf8',
    env: { ...process.env, PATH: [dir, process.env['PATH']].join(delimiter) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
};

describe.skipIf(!isIsolated || lacking !== '')(
  `scanner/install.sh on a host${lacking && ` (${lacking})`}`,
  () => {
    const [run, written] = [
      'NODE_EXTRA_CA_CERTS= sh scanner/install.sh --id mx1 --url https://x 2>&1',
      'find /etc -type f',
    ];

    it('on which systemd does not run writes nothing, and says so', () => {
      const said = onHost('exit 0', ['mount -t tmpfs none /run', `SCANNER_TOKEN=t ${run} || ${written}`]);
      expect(said).toBe('systemd does not run on this host.\n');
    });

    it('that is not enrolled, without a token, writes nothing, and says what it needs', () => {
      const systemd = ['mount -t tmpfs none /run', 'mkdir -p /run/systemd/system'];
      expect(onHost('exit 0', [...systemd, `SCANNER_TOKEN= ${run} || ${written}`])).toMatch(
        /^Scanner mx1 is not enrolled yet, and needs an access token .* SCANNER_TOKEN=.*\n$/,
      );
      const enrolled = ['d=/var/lib/scanner/scanners/mx1', 'mkdir -p $d', 'touch $d/private-key.pem'];
      expect(onHost('exit 0', [...systemd, ...enrolled, `SCANNER_TOKEN= ${run}`])).toContain(
        'Scanner mx1: journalctl',
      );
    });
  },
);

describe.skipIf(!isIsolated)('scanner/install.sh --remove', () => {
  it('leaves the units to other Scanners, even where a service is not there', () => {
    const left = onHost('case $* in *scanner-agent*) exit 1 ;; esac', [
      'touch /etc/scanner/mx1.env /etc/scanner/mx2.env',
      `cp -r ${unitsIn(installed())}/.. /etc/systemd`,
      'sh scanner/install.sh --id mx1 --remove',
      'cd /etc && find scanner systemd -type f | sort',
    ]);
    const units = ['agent', 'guard', 'postfix'].map((name) => `systemd/system/scanner-${name}@.service`);
    expect(left.trim().split('\n')).toEqual(['scanner/mx2.env', ...units]);
  });
});

/**
 * Stands where systemd has its own, and says what it was asked: starts what the units say under ExecStart, apart from whoever asks, and stops it by
 * its signal. Folders of the host are those of the test. What units come to under systemd itself: `systemd.test.ts`.
 */
const systemctlOf = (units: string, data: string): string => `#!/bin/sh
unit=$2; name=\${unit%@*}; id=\${unit#*@}; id=\${id%.service}; pid=${data}/$name.pid
echo "$1 $unit" >> ${data}/systemctl.log
[ -e "$pid" ] && kill "$(cat "$pid")" 2>/dev/null
[ "$1" = stop ] && exit 0
command=$(sed -n 's/^ExecStart=//p' "${units}/$name@.service" | sed -e "s|%i|$id|g" -e 's|/var/lib/scanner/|${data}/|g')
if grep -q Type=forking "${units}/$name@.service"; then sh -c "$command"; exit; fi
cd ${process.cwd()}
setsid sh -c "echo \\$\\$ > $pid; exec $command" > ${data}/$name.log 2>&1 &
`;

const hostWith = (data: string): void => {
  const bin = join(data, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'systemctl'), systemctlOf(unitsIn(installed()), data), { mode: 0o755 });
  vi.stubEnv('PATH', [bin, process.env['PATH']].join(delimiter));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
};

describe.skipIf(lacking !== '')(`an installed Scanner${lacking && ` (${lacking})`}`, () => {
  it('has the guard of another version of this software started anew by systemd, once', async () => {
    const data = openFolder();
    hostWith(data);
    const dir = join(data, 'scanners', 'mx1');
    mkdirSync(dir, { recursive: true });
    onTestFinished(() => endAll(dir));
    const port = await freePort();
    const before = await sinkIn(dir, { installed: true });
    await put(before.sink, telling(port, 1));
    await before.sink.stop();
    const pid = await answeringGuard(before.parts);

    // To this agent every guard is of another version: whatever systemd starts is, too.
    const next = await sinkIn(dir, { installed: true }, (parts) => ({
      ...parts,
      guard: guardKeeper(parts.home, systemServices('mx1'), { software: 'another', log: parts.log }),
    }));
    expect((await next.sink.held()).current?.smtp.revision).toBe(1);
    await put(next.sink, telling(port, 2));

    expect(await answeringGuard(next.parts)).not.toBe(pid);
    expect(await toldAt(port)).toBe(2);
    expect(readFileSync(join(data, 'systemctl.log'), 'utf8').trim().split('\n').slice(2)).toEqual([
      'stop scanner-guard@mx1.service',
      'restart scanner-guard@mx1.service',
    ]);
  });
});
