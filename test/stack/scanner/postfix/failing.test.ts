import { randomInt } from 'node:crypto';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { runToSuccess } from '../../../../scanner/postfix/program.ts';
import type { ConfigurationRefused } from '../../../../scanner/sink.ts';
import { until } from '../../../helpers/until.ts';
import {
  configured,
  daemonsBelow,
  firstReloadFails,
  inboundAt,
  lacking,
  masterIn,
  nothingBelow,
  openFolder,
  put,
  running,
  sinkIn,
  smtpTo,
  takePort,
  telling,
  toldAt,
  withMail,
} from './world.ts';

describe.skipIf(lacking !== '')('what a Postfix sink cannot put in force', () => {
  const afterwards = async ({ port, sink, parts }: Awaited<ReturnType<typeof running>>) => {
    expect(await toldAt(port)).toBe(1);
    expect((await sink.held()).current).toEqual(configured(telling(port, 1)).desired);
    expect(readdirSync(join(parts.home.dir, 'versions'))).toHaveLength(1);
    expect((await parts.guard.status())?.versions).toHaveLength(1);
  };

  it('because the host does not have the address fails, to be tried again, and the old one goes on', async () => {
    const world = await running();
    const applying = put(world.sink, {
      revision: 2,
      smtp: { mailFiltering: 'inbound', inbound: { ipv4: { address: '203.0.113.9', port: 25 } } },
    });

    await expect(applying).rejects.toThrow(
      'This host does not have the address 203.0.113.9 (/inbound/ipv4/address). It is tried again',
    );
    await afterwards(world);
  });

  it('because Postfix cannot honour a setting is rejected there', async () => {
    const world = await running();
    const advanced = { bindings: { controlPlane: '192.0.2.1' } };
    const applying = put(world.sink, { ...telling(world.port, 2), advanced });
    const error = await applying.catch((thrown: unknown) => thrown);
    expect((error as ConfigurationRefused).refusal).toMatchObject({
      pointer: '/advanced/bindings/controlPlane',
    });
    await afterwards(world);
  });

  it('because the guard does not take it over fails, and the old one goes on in the same Postfix', async () => {
    const dir = openFolder();
    const port = await freePort();
    const world = await sinkIn(dir);
    const listing = (revision: number, address: string) => ({
      revision,
      smtp: inboundAt(port, { accept: 'listed' }),
      lists: { inbound: `${address}\n` },
    });
    await put(world.sink, listing(1, '127.0.0.1'));
    const master = await masterIn(world.parts);
    const first = await world.parts.versions.target();
    const failing = await sinkIn(dir, {}, (parts) => ({
      ...parts,
      guard: {
        ...parts.guard,
        use: async (version) => {
          if (version === first) return parts.guard.use(version);
          throw new Error('the guard does not take it over');
        },
      },
    }));

    await expect(put(failing.sink, listing(2, '127.0.0.9'))).rejects.toThrow('does not take it over');

    expect((await smtpTo(port)).banner.code).toBe(220);
    expect((await failing.sink.held()).current).toEqual(configured(listing(1, '127.0.0.1')).desired);
    expect(readdirSync(join(dir, 'versions'))).toHaveLength(1);
    expect(await masterIn(world.parts)).toBe(master);
  });

  it('because it fails while Postfix is told of it tells Postfix again of the old one, whatever its listeners still say', async () => {
    const { dir, port, parts: own } = await running();
    // Postfix may have heard of it by then, or not yet: here it never does, and goes on to answer by the old one.
    const { reloads, wrap } = firstReloadFails();
    const { sink } = await sinkIn(dir, {}, wrap);
    const old = await own.versions.target();

    await expect(put(sink, telling(port, 2))).rejects.toThrow('the disk is on fire');

    expect(reloads).toEqual([expect.stringMatching(/^2-/), old]);
    expect(await toldAt(port)).toBe(1);
  });

  it('and cannot be taken back leaves no folder behind, however often it is tried', async () => {
    const { dir, port, sink } = await running();
    await sink.stop();
    const { sink: helpless } = await sinkIn(
      dir,
      {},
      withMail(() => ({ start: () => Promise.reject(new Error('Postfix does not start')) })),
    );
    for (const _ of [1, 2, 3])
      await expect(put(helpless, telling(port, 2))).rejects.toThrow('To go back failed, too');
    expect(readdirSync(join(dir, 'versions'))).toHaveLength(1);
  });

  it('and is in force where the host has lost an address says why Postfix does not start', async () => {
    const { dir, sink } = await running();
    const [four, six] = [await freePort(), await freePort('::1')];
    // One of its own: another run of the tests may have another, and one that was killed may have left its.
    const address = `fd5c:f::${randomInt(1, 0x10000).toString(16)}`;
    const lo = (act: string) => runToSuccess('ip', ['-6', 'address', act, `${address}/128`, 'dev', 'lo']);
    try {
      await lo('add');
      await until('it can be bound', () =>
        put(sink, { revision: 2, smtp: inboundAt(four, { ipv6: { address, port: six } }) }),
      );
    } finally {
      await lo('delete');
    }
    await sink.stop();
    const patience = { allMs: 500, sessionMs: 500, againMs: 20, dnsMs: 0 };
    const next = await sinkIn(dir, {}, (parts) => ({ ...parts, patience }));
    expect((await next.sink.held()).current).toBeNull();
    expect(next.lines.join('\n')).toContain(`This host does not have the address ${address}`);
  });

  it('because another program has the port fails, and is applied once that has gone', async () => {
    const world = await running();
    const other = await freePort();
    const program = await takePort(other);

    await expect(put(world.sink, telling(other, 2))).rejects.toThrow(
      `Another program of this host listens on 127.0.0.1 port ${other}. It is tried again; what was in force goes on.`,
    );
    await afterwards(world);

    program.close();
    await put(world.sink, telling(other, 2));
    expect(await toldAt(other)).toBe(2);
  });

  it('because the port is taken in the last moment ends the master daemon, and the old one is started again', async () => {
    const first = await running();
    const { dir, port } = first;
    const other = await freePort();
    const late = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        reload: async () => {
          await takePort(other).catch(() => undefined);
          await parts.mail.reload();
        },
        errorsSince: async (mark) => {
          const isWriting = () => daemonsBelow(dir).some(({ name }) => name === 'postlogd');
          await until('nobody writes the log any more', () => !isWriting());
          // What the master daemon says last is lost where the process that writes the log ends before it reads it.
          const lost = `postfix/master[1]: fatal: bind 127.0.0.1 port ${other}: Address already in use`;
          return (await parts.mail.errorsSince(mark)) || lost;
        },
      })),
    );

    const thrown = await put(late.sink, telling(other, 2)).catch((error: unknown) => error);
    const { message } = thrown as Error;
    // Whoever has the port says nothing: that is not waited for.
    expect(message).toMatch(/Postfix has ended; .*: no answer\./);
    expect(message).toMatch(/Postfix says: .*fatal: bind .*in use/);
    await afterwards(first);
    expect(await toldAt(port)).toBe(1);
  });

  it('the first time leaves nothing in force, and no Postfix', async () => {
    const dir = openFolder();
    const { sink } = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        start: async () => {
          await parts.mail.start();
          throw new Error('the disk is on fire');
        },
      })),
    );
    await expect(put(sink, telling(await freePort(), 1))).rejects.toThrow('the disk is on fire');
    expect(await sink.held()).toEqual({ current: null, previous: null });
    await nothingBelow(dir);
  });

  it('was changed by hand: nothing is held then, mail goes on, and the next apply makes it whole', async () => {
    const { port, sink, parts } = await running();
    appendFileSync(join(parts.versions.current, 'main.cf'), 'smtpd_banner = mine\n');

    expect((await sink.held()).current).toBeNull();
    expect(await toldAt(port)).toBe(1);
    await put(sink, telling(port, 1));
    expect((await sink.held()).current).toEqual(configured(telling(port, 1)).desired);
  });

  it('finds what Postfix would not take before it is switched to', async () => {
    const { dir, port } = await running();
    const spoilt = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        check: (folder) => {
          appendFileSync(join(folder, 'main.cf'), 'smtpd_nonsense = 1\n');
          return parts.mail.check(folder);
        },
      })),
    );
    await expect(put(spoilt.sink, telling(port, 2))).rejects.toThrow(/unused parameter: smtpd_nonsense=1/);
    expect(await toldAt(port)).toBe(1);
    // It may have looked after the guard before.
    expect(spoilt.lines.filter((line) => !line.startsWith('the guard is put right'))).toEqual([]);
  });
});
