import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { nobodyAt } from '../../../helpers/nobody-at.ts';
import { type StackProcess, startStackProcess } from '../../../helpers/stack.ts';
import { bootSystemd, lackingSystemd, openMachine, type Systemd } from '../../../helpers/systemd.ts';
import { until } from '../../../helpers/until.ts';
import { inSync, registered, save } from '../../../journey/support.ts';
import { hang, hangable } from './hang.ts';
import { inboundAt, lacking, smtpTo } from './world.ts';

const why = lacking || lackingSystemd();
const installer = join(process.cwd(), 'scanner', 'install.sh');

let machine: ReturnType<typeof openMachine>;
let stack: StackProcess;
let systemd: Systemd;
let port: number;

const done = (...command: string[]): string => {
  const { status, output } = systemd.run(...command);
  expect(`${status} ${output}`).toMatch(/^0 /);
  return output;
};

const install = (...args: string[]): string =>
  done('env', `SCANNER_TOKEN=${stack.endpoints.token}`, 'sh', installer, '--id', 'mx1', ...args);

const unit = (name: string): string => `scanner-${name}@mx1.service`;
const pidOf = (name: string): string => done('systemctl', 'show', '-P', 'MainPID', unit(name)).trim();
const journal = (): string => systemd.run('journalctl', '--no-pager').output;

/** Waits until a listener takes mail, and answers the name that it says. */
const taken = (): Promise<string> =>
  until('it takes mail', async () => {
    const { banner, close } = await smtpTo(port);
    close();
    return banner.code === 220 && banner.lines[0];
  });

/** Waits until a service that has ended runs as another process, and takes mail. */
const backAfter = async (name: string, act: (pid: string) => unknown): Promise<string> => {
  const before = pidOf(name);
  await act(before);
  await until(`${name} runs again`, () => !['0', before].includes(pidOf(name)));
  return taken();
};

beforeAll(async () => {
  if (why !== '') return;
  machine = openMachine();
  stack = await startStackProcess();
  systemd = await bootSystemd(machine);
  port = await freePort();
});

afterAll(async () => {
  await systemd?.kill();
  await stack?.stop();
  machine?.remove();
});

/** Each goes on from where the one before it ends: a boot and an installation take their time. */
describe.skipIf(why !== '')(`a Scanner under a real systemd${why && ` (${why})`}`, () => {
  beforeEach(() => {
    onTestFailed(() => console.log(journal(), systemd.run('systemctl', 'list-jobs').output));
  });

  it('enrols, applies, and answers by what was saved', async () => {
    install('--url', stack.endpoints.api, '--host-name', 'mx1.example.com');

    await registered(stack, 'mx1');
    await inSync(stack, 'mx1', await save(stack, 'mx1', inboundAt(port)));

    expect(await taken()).toBe('mx1.example.com ESMTP');
  });

  it('has a guard that may write to its sockets alone', () => {
    const pid = pidOf('guard');
    const tries = (path: string) => systemd.run('nsenter', '-t', pid, '-m', 'touch', path).output;
    const folder = '/var/lib/scanner/scanners/mx1';

    expect(tries(`${folder}/postfix/guard/here`)).toBe('');
    for (const path of [`${folder}/current/main.cf`, `${folder}/postfix/queue/here`, '/etc/here', installer])
      expect(tries(path)).toContain('Read-only file system');
    const status = done('cat', `/proc/${pid}/status`);
    expect(status).toMatch(/^CapEff:\t0+5$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  it.each(['agent', 'guard', 'postfix'])('has its %s back when it is killed with -9', async (name) => {
    const kill = (pid: string) => done('kill', '-9', pid);

    expect(await backAfter(name, kill)).toBe('mx1.example.com ESMTP');
  });

  it.each(['guard', 'postfix'])('has its %s back without an agent, too', async (name) => {
    done('systemctl', 'stop', unit('agent'));

    expect(await backAfter(name, (pid) => done('kill', '-9', pid))).toBe('mx1.example.com ESMTP');
  });

  it('has a guard that hangs back by its agent, which knows it without an answer', async () => {
    done('systemctl', 'start', unit('agent'));

    expect(await backAfter('guard', (pid) => done('kill', '-STOP', pid))).toBe('mx1.example.com ESMTP');

    await until('the journal says why', () => /the guard \(\d+\) hangs: it is killed/.test(journal()));
    done('systemctl', 'stop', unit('agent'));
  });

  it('has a guard that hangs back without an agent', async () => {
    done('systemctl', 'set-environment', `NODE_OPTIONS=${hangable}`);
    done('systemctl', 'restart', unit('guard'));
    await taken();

    const name = await backAfter('guard', async (pid) => {
      done('kill', '-USR1', pid);
      await hang(journal);
    });

    expect(name).toBe('mx1.example.com ESMTP');
    const hangs = 'the guard hangs: its event loop has not turned for 10 s.';
    await until('the journal says why', () => journal().includes(hangs));
    done('systemctl', 'unset-environment', 'NODE_OPTIONS');
    done('systemctl', 'start', unit('agent'));
  });

  it('has its guard back while its agent takes long to end', async () => {
    const folder = `/run/systemd/system/${unit('agent')}.d`;
    const waits = '[Service]\\nExecStop=/bin/sh -c "until [ -e /run/it-may-end ]; do sleep 0.1; done"';
    done('sh', '-c', `mkdir -p ${folder}; printf '${waits}' > ${folder}/waits.conf; systemctl daemon-reload`);
    const agent = pidOf('agent');
    done('systemctl', 'restart', '--no-block', unit('agent'));
    await until('it ends', () =>
      done('systemctl', 'show', '-P', 'ActiveState', unit('agent')).startsWith('deac'),
    );

    await backAfter('guard', (pid) => done('kill', '-9', pid));

    expect(pidOf('agent')).toBe(agent);
    done('sh', '-c', `touch /run/it-may-end; rm -r ${folder}; systemctl daemon-reload`);
    await until('it runs again', () => !['0', agent].includes(pidOf('agent')));
  });

  it('installed again with another name says that name, by another guard and agent and the same Postfix', async () => {
    const before = ['agent', 'guard', 'postfix'].map(pidOf);

    install('--url', stack.endpoints.api, '--host-name', 'mx9.example.com');

    await until('it says its new name', async () => (await taken()) === 'mx9.example.com ESMTP');
    const now = ['agent', 'guard', 'postfix'].map(pidOf);
    expect(now.map((pid, index) => pid === before[index])).toEqual([false, false, true]);
  });

  it('takes mail again after a boot without the control plane', async () => {
    await stack.kill9();
    await systemd.powerOff();
    await nobodyAt(port);

    systemd = await bootSystemd(machine);

    expect(await taken()).toBe('mx9.example.com ESMTP');
  });

  it('is taken away with --remove, but for its folder', async () => {
    install('--remove');

    await nobodyAt(port);
    expect(done('systemctl', 'list-units', '--all', '--no-legend', 'scanner-*@*')).toBe('');
    expect(readdirSync(machine.options)).toEqual([]);
    expect(readdirSync(machine.units).filter((name) => name.startsWith('scanner'))).toEqual([]);
    expect(existsSync(join(machine.state, 'scanners', 'mx1', 'current', 'main.cf'))).toBe(true);
  });
});
