import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askGuard } from '../../../scanner/postfix/guard/control-client.ts';
import { controlAnswer } from '../../../scanner/postfix/guard/control-protocol.ts';
import { socketsIn } from '../../../scanner/postfix/guard/guard.ts';
import { softwareVersion } from '../../../scanner/postfix/guard/software.ts';
import { until } from '../../helpers/until.ts';
import { conversation, emptyFolder, guardIn, smtpd, spawnGuard, writeVersion } from './guard-world.ts';

const listed = (...values: string[]) => ({
  rules: { inbound: { accept: 'listed' as const } },
  lists: { inbound: values },
});

describe('the guard', () => {
  it('lets only its own user and a group ask', async () => {
    const dir = emptyFolder();
    const group = process.getgid?.() ?? 0;
    const { child, output } = spawnGuard(['--sockets', dir, '--group', String(group)]);
    await until('it answers', () => output().includes('the guard answers'));
    const modes = ['policy', 'auth', 'control'].map((name) => statSync(join(dir, name)).mode & 0o777);
    expect(modes).toEqual([0o660, 0o660, 0o600]);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('that was killed leaves nothing that keeps the next from starting', async () => {
    const dir = emptyFolder();
    const folder = writeVersion(dir, '1-a', listed('192.0.2.7'));
    const { child, output } = spawnGuard(['--sockets', dir]);
    await until('it answers', () => output().includes('the guard answers'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(statSync(join(dir, 'policy')).isSocket()).toBe(true);
    expect(await smtpd(await guardIn(dir, [folder])).ask()).toBe('DUNNO');
  });

  it('is one: another on the same sockets ends, and the first goes on', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', {})]);
    const { child, output } = spawnGuard(['--sockets', dir]);
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output()).toContain('Another process listens');
    expect(await smtpd(guard).ask()).toBe('DUNNO');
  });

  it('says what is wrong with a call, and ends with 2', async () => {
    const { child, output } = spawnGuard(['--group', 'postfix']);
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(output()).toContain('--sockets is missing');
  });

  it('loads the versions that it is given, and answers by them', async () => {
    const dir = emptyFolder();
    const folders = [
      writeVersion(dir, '1-a', listed('192.0.2.7')),
      writeVersion(dir, '2-b', listed('192.0.2.8')),
    ];
    spawnGuard(['--sockets', dir, ...folders.flatMap((folder) => ['--load', folder])]);
    const { control } = socketsIn(dir);
    await until('both are loaded', async () => {
      const { versions } = await askGuard(control, { command: 'status' });
      return versions.length === 2;
    });
    const { ask } = smtpd({ sockets: socketsIn(dir) });
    expect([await ask(), await ask({ policy_context: 'inbound@2-b' })]).toEqual([
      'DUNNO',
      '554 5.7.1 Access denied',
    ]);
  });

  it('starts without a version that cannot be loaded, and says so', async () => {
    const dir = emptyFolder();
    const { output } = spawnGuard(['--sockets', dir, '--load', join(dir, 'nowhere')]);
    await until('it says so', () => output().includes('is not loaded'));
    expect(await smtpd({ sockets: socketsIn(dir) }).ask()).toMatch(/^451 /);
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['no command', '{"command":"stop"}\n'],
    ['a command with a member too many', '{"command":"status","now":true}\n'],
  ])('answers %s with what is wrong', async (_, line) => {
    const dir = emptyFolder();
    const guard = await guardIn(dir);
    const { send, next } = conversation(guard.sockets.control, '\n');
    send(line);
    expect(JSON.parse((await next()) ?? '')).toMatchObject({ ok: false });
  });

  it('says which software it is, and one that does not tell is understood', async () => {
    const dir = emptyFolder();
    const { sockets } = await guardIn(dir);
    const status = await askGuard(sockets.control, { command: 'status' });
    expect(status.software).toBe(softwareVersion());
    const { software: _, ...older } = status;
    expect(controlAnswer.parse({ ok: true, status: older })).toMatchObject({ status: { software: '' } });
  });
});
