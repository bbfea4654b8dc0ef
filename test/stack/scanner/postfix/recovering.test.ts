import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { exitCodes } from '../../../../scanner/command-line.ts';
import { askGuard } from '../../../../scanner/postfix/guard/control-client.ts';
import { guardsOf, signal } from '../../../../scanner/postfix/processes.ts';
import type { PostfixParts } from '../../../../scanner/postfix/steps.ts';
import { nobodyAt } from '../../../helpers/nobody-at.ts';
import { startScannerProcess } from '../../../helpers/scanner.ts';
import { until } from '../../../helpers/until.ts';
import { hang, hangable } from './hang.ts';
import {
  answeringGuard,
  configured,
  daemonsBelow,
  endAll,
  firstReloadFails,
  lacking,
  masterIn,
  nothingBelow,
  openFolder,
  put,
  running,
  sinkIn,
  takePort,
  telling,
  toldAt,
  withMail,
} from './world.ts';

const answers = (port: number, revision: number) =>
  until(`${revision} answers`, async () => (await toldAt(port).catch(() => 0)) === revision);

/** A release of this software that is not this one. */
const otherRelease = (): string => {
  const root = openFolder();
  for (const name of ['scanner', 'shared', 'package.json', 'package-lock.json'])
    cpSync(name, join(root, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  appendFileSync(join(root, 'shared/errors.ts'), '\n');
  return root;
};

/** A guard of another release in place of the one that a sink has. Answers its process id. */
const exchangeGuard = async ({ guard, home }: PostfixParts): Promise<number> => {
  const root = otherRelease();
  const mine = await answeringGuard({ guard });
  const args = ['--sockets', home.socketFolder, '--group', String(home.group)];
  const start = () => spawn(process.execPath, [join(root, 'scanner/postfix/guard/main.ts'), ...args]);
  signal(mine, 'SIGKILL');
  await until('it is gone', async () => (await guard.status()) === null);
  const child = start();
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await until('the other answers', async () => (await guard.status())?.pid === child.pid);
  return child.pid ?? 0;
};

describe.skipIf(lacking !== '')(`a guard${lacking && ` (${lacking})`}`, () => {
  it('that is there without the version in force is loaded again', async () => {
    const { port, sink, parts } = await running();
    await sink.held();
    await askGuard(parts.home.sockets.control, { command: 'keep', versions: [] });

    await until('it is loaded', async () => (await parts.guard.status())?.versions.length === 1);
    expect(await toldAt(port)).toBe(1);
  });

  it('of another version of this software is ended by the next agent, and started anew with what is in force', async () => {
    const { dir, port, sink, parts } = await running();
    const software = async () => (await until('the guard answers', () => parts.guard.status())).software;
    const mine = await software();
    const other = await exchangeGuard(parts);
    expect(await software()).not.toBe(mine);

    const next = await sinkIn(dir);
    expect((await next.sink.held()).current?.smtp.revision).toBe(1);

    const now = await next.parts.guard.status();
    expect(now).toMatchObject({ software: mine, versions: [{ revision: 1 }] });
    expect(now?.pid).not.toBe(other);
    expect(await toldAt(port)).toBe(1);
    expect(next.lines.filter((line) => line.includes('is ended and started anew'))).toHaveLength(1);
    await sink.stop();
  });
});

/** Milliseconds: more than `until` waits in all, for one that hangs to be gone and then for mail. */
const timeout = 400_000;

describe.skipIf(lacking !== '')(`a guard that hangs${lacking && ` (${lacking})`}`, { timeout }, () => {
  /** A sink whose guard is stopped as it is. */
  const withHanging = async () => {
    const world = await running();
    const { socketFolder } = world.parts.home;
    const guards = await guardsOf(socketFolder);
    expect(guards).toHaveLength(1);
    const [pid = 0] = guards;
    onTestFinished(() => signal(pid, 'SIGKILL'));
    const hang = () => signal(pid, 'SIGSTOP');
    return { ...world, pid, hang, guards: () => guardsOf(socketFolder) };
  };

  /** Revision 1, as a client gets it that comes again when it is deferred. */
  const takesMail = (port: number) =>
    until('mail is taken', async () => (await toldAt(port).catch(() => 0)) === 1, { seconds: 100 });

  it('is killed and started anew with what is in force, and mail is taken again', async () => {
    const { port, sink, lines, pid, hang, guards } = await withHanging();
    await sink.held();
    hang();

    await until('it is gone', async () => !(await guards()).includes(pid));
    await takesMail(port);

    expect(lines.filter((line) => line.includes('hangs: it is killed'))).toHaveLength(1);
    expect(await guards()).toHaveLength(1);
  });

  it('is killed by the next agent', async () => {
    const { dir, port, pid, hang, guards } = await withHanging();
    hang();
    const next = await sinkIn(dir);

    expect((await next.sink.held()).current?.smtp.revision).toBe(1);

    expect(await toldAt(port)).toBe(1);
    expect(await guards()).not.toContain(pid);
  });

  it('ends by itself where no agent looks, and its log says why', async () => {
    vi.stubEnv('NODE_OPTIONS', hangable);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const dir = openFolder();
    const { guard, home } = (await sinkIn(dir)).parts;
    await guard.start();
    const log = () => readFileSync(join(dir, 'postfix', 'log', 'guard.log'), 'utf8');
    for (const pid of await guardsOf(home.socketFolder)) signal(pid, 'SIGUSR1');

    await hang(log);

    await until('it is gone', async () => (await guardsOf(home.socketFolder)).length === 0);
    expect(log()).toMatch(/Z the guard hangs: its event loop has not turned for 10 s\..*\n$/);
  });

  it('ends with the agent that is stopped', async () => {
    const { sink, hang, guards } = await withHanging();
    hang();

    await sink.stop();

    expect(await guards()).toEqual([]);
  });
});

describe.skipIf(lacking !== '')(`a version in force${lacking && ` (${lacking})`}`, () => {
  /** A folder whose version 2 was put in force, at another port than version 1, by an agent that has ended since. */
  const left = async () => {
    const { dir, port, sink } = await running();
    const second = await freePort();
    await put(sink, telling(second, 2));
    await sink.stop();
    return { dir, first: port, second, current: readlinkSync(join(dir, 'current')) };
  };

  it('that was seen to work stays in force while it cannot be run, and is tried until it can', async () => {
    const { dir, first, second, current } = await left();
    const program = await takePort(second);
    const { sink } = await sinkIn(dir);

    expect(await sink.held()).toEqual({ current: null, previous: null });
    expect(readlinkSync(join(dir, 'current'))).toBe(current);
    await nobodyAt(first);

    program.close();
    await answers(second, 2);
    expect((await sink.held()).current?.smtp.revision).toBe(2);
  });

  it('that was never seen to work, and cannot be taken back at once, is taken back when it can', async () => {
    const { dir, first, second, current } = await left();
    rmSync(join(dir, current, 'confirmed'));
    await takePort(second);
    mkdirSync(join(dir, 'current.next'));
    const { sink, lines } = await sinkIn(dir);

    expect(await sink.held()).toEqual({ current: null, previous: null });
    expect(lines.join('\n')).toContain('EISDIR');
    rmSync(join(dir, 'current.next'), { recursive: true });

    await answers(first, 1);
    expect((await sink.held()).current?.smtp.revision).toBe(1);
  });

  it('that was changed by hand is started again when it dies, and is back when what follows it fails', async () => {
    const { dir, port, parts: own } = await running();
    appendFileSync(join(dir, 'current', 'main.cf'), '# mine\n');
    const current = readlinkSync(join(dir, 'current'));
    let failures = 0;
    const { sink } = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        start: async () => {
          await parts.mail.start();
          if (failures-- > 0) throw new Error('the disk is on fire');
        },
      })),
    );
    expect((await sink.held()).current).toBeNull();
    const master = await masterIn(own);
    signal(master, 'SIGKILL');
    await until('it is gone', () => daemonsBelow(dir).every(({ pid }) => pid !== master));
    await answers(port, 1);

    // A start that is still under way would have the failure.
    await sink.held();
    failures = 1;
    await expect(put(sink, telling(port, 2))).rejects.toThrow('the disk is on fire');

    expect(await toldAt(port)).toBe(1);
    expect(readlinkSync(join(dir, 'current'))).toBe(current);
    expect(readFileSync(join(dir, 'current', 'main.cf'), 'utf8')).toMatch(/# mine\n$/);
    await put(sink, telling(port, 3));
    expect((await sink.held()).current).toEqual(configured(telling(port, 3)).desired);
  });

  it('that the way back to failed is back by a further try', async () => {
    const { dir, port } = await running();
    let failures = 0;
    const { sink } = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        reload: async () => {
          if (failures !== 1) await parts.mail.reload();
          // Told late, Postfix would read what is in force by then: it would be back before the way back.
          if (failures === 2) await answers(port, 2);
          if (failures-- > 0) throw new Error('the disk is on fire');
        },
      })),
    );
    await sink.held();
    failures = 2;
    await expect(put(sink, telling(port, 2))).rejects.toThrow(/To go back failed, too, and is tried again/);

    await answers(port, 1);
    expect((await sink.held()).current?.smtp.revision).toBe(1);
  });

  it('that was never seen to work is taken back by telling Postfix, whatever its listeners still say', async () => {
    const [dir, port] = [openFolder(), await freePort()];
    const { sink, parts } = await sinkIn(dir, {}, (parts) => ({ ...parts, outlive: true }));
    await put(sink, telling(port, 1));
    const first = (await parts.versions.target()) ?? '';
    await put(sink, telling(port, 2));
    const second = (await parts.versions.target()) ?? '';
    await sink.stop();
    // As after a kill between the switch and the reload.
    await parts.versions.switchTo(first);
    await parts.mail.reload();
    await answers(port, 1);
    await parts.versions.switchTo(second);
    rmSync(join(dir, 'current', 'confirmed'));

    const { reloads, wrap } = firstReloadFails();
    const next = await sinkIn(dir, {}, wrap);
    expect((await next.sink.held()).current?.smtp.revision).toBe(1);

    expect(reloads).toEqual([second, first]);
    expect(await toldAt(port)).toBe(1);
  });
});

describe.skipIf(lacking !== '')(`the process of an agent${lacking && ` (${lacking})`}`, () => {
  it('that cannot switch to a version that works ends when it has to, and Postfix with it', async () => {
    const data = openFolder();
    const dir = join(data, 'scanners', 'mx1');
    mkdirSync(dir, { recursive: true });
    onTestFinished(() => endAll(dir));
    const [first, second] = [await freePort(), await freePort()];
    const { sink } = await sinkIn(dir);
    await put(sink, telling(first, 1));
    await put(sink, telling(second, 2));
    await sink.stop();
    rmSync(join(dir, 'current', 'confirmed'));
    await takePort(second);
    mkdirSync(join(dir, 'current.next'));

    const scanner = startScannerProcess(data, 'mx1', ['--mta', 'postfix', '--host-name', 'mx1.example.com']);
    onTestFinished(scanner.kill9);

    // No control plane is there, by which it ends.
    expect(await scanner.ended()).toBe(exitCodes.unreachable);
    expect(scanner.output()).toContain('EISDIR');
    expect(scanner.output()).toContain('does not say where the control plane is');
    await nothingBelow(dir);
  });
});
