import { appendFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigurationRefused } from '../../../../scanner/sink.ts';
import { makeChain } from '../../../helpers/certificates.ts';
import {
  configured,
  daemonsBelow,
  freePort,
  greetingOf,
  inboundAt,
  lacking,
  openFolder,
  put,
  sinkIn,
  smtpTo,
  takePort,
  telling,
  toldAt,
} from './world.ts';

const masterIn = (dir: string): number | undefined =>
  daemonsBelow(dir).find(({ name }) => name === 'master')?.pid;

/** A sink whose Postfix runs revision 1 at a free port. */
const running = async () => {
  const dir = openFolder();
  const port = await freePort();
  const world = await sinkIn(dir);
  await put(world.sink, telling(port, 1));
  return { dir, port, ...world };
};

describe.skipIf(lacking !== '')(`a Postfix sink${lacking && ` (${lacking})`}`, () => {
  it('starts Postfix by the first configuration, and reloads it for the next', async () => {
    const dir = openFolder();
    const port = await freePort();
    const { sink } = await sinkIn(dir);
    expect(await sink.held()).toEqual({ current: null, previous: null });

    expect(await put(sink, telling(port, 1))).toBe('Postfix was started');
    expect(await toldAt(port)).toBe(1);
    const master = masterIn(dir);

    expect(await put(sink, telling(port, 2))).toBe('Postfix was reloaded');
    expect(await toldAt(port)).toBe(2);
    expect(masterIn(dir)).toBe(master);
  });

  it('has applied nothing before the new one answers: what is seen then is never the old one', async () => {
    const { port, sink } = await running();
    for (const revision of [2, 3, 4, 5]) {
      await put(sink, telling(port, revision));
      expect(await toldAt(port)).toBe(revision);
    }
  });

  it('moves listeners to other ports and families, and leaves none behind', async () => {
    const { port, sink } = await running();
    const [other, six] = [await freePort(), await freePort('::1')];

    await put(sink, { revision: 2, smtp: inboundAt(other, { ipv6: { address: '::1', port: six } }) });

    expect((await smtpTo(other)).banner.code).toBe(220);
    expect((await smtpTo(six, '::1')).banner.code).toBe(220);
    await expect(smtpTo(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('lets a session of the old configuration go on by its rules', async () => {
    const { port, sink } = await running();
    const session = await smtpTo(port);
    await session.say('EHLO there.example');

    await put(sink, { revision: 2, smtp: inboundAt(port, { accept: 'listed' }), lists: { inbound: '' } });

    expect((await smtpTo(port)).banner).toMatchObject({ code: 554 });
    expect(await session.say('MAIL FROM:<a@there.example>')).toMatchObject({ code: 250 });
  });

  it('shows the certificate of a listener, and its successor after the next apply', async () => {
    const { port, sink } = await running();
    const id = 'cert-00000000000000a1';
    const tls = { accept: true, certificateId: id };
    for (const revision of [2, 3]) {
      const { upload, leaf } = await makeChain();
      const artifacts = { [id]: JSON.stringify({ certificateId: id, ...upload }) };
      await put(sink, { revision, smtp: inboundAt(port, { tls }), artifacts });

      const session = await smtpTo(port);
      expect((await session.say('EHLO there.example')).lines).toContain('STARTTLS');
      expect((await session.say('STARTTLS')).code).toBe(220);
      const print = Buffer.from(await leaf.certificate.getThumbprint('SHA-256')).toString('hex');
      expect((await session.secure()).replaceAll(':', '').toLowerCase()).toBe(print);
    }
    await put(sink, telling(port, 4));
    expect(await greetingOf(port)).not.toContain('STARTTLS');
  });

  it('keeps keys from all but root', async () => {
    const { port, sink, parts } = await running();
    const { upload } = await makeChain();
    const id = 'cert-00000000000000a1';
    await put(sink, {
      revision: 2,
      smtp: inboundAt(port, { tls: { accept: true, certificateId: id } }),
      artifacts: { [id]: JSON.stringify({ certificateId: id, ...upload }) },
    });
    const mode = (file: string) => statSync(join(parts.versions.current, file)).mode & 0o777;
    expect([mode(`tls/${id}.pem`), mode('master.cf'), mode(`artifacts/${id}.json`)]).toEqual([
      0o600, 0o600, 0o600,
    ]);
    expect(statSync(join(parts.home.dir, 'postfix', 'marker')).mode & 0o777).toBe(0o600);
  });

  it('restarts Postfix where a reload is not enough, and applies again what would be made otherwise now', async () => {
    const { dir, port, parts } = await running();
    const elsewhere = join(dir, 'postfix', 'log', 'other.log');
    const placeOf: typeof parts.home.placeOf = (version) => ({
      ...parts.home.placeOf(version),
      logFile: elsewhere,
    });
    const again = await sinkIn(dir, {}, (own) => ({ ...own, home: { ...own.home, placeOf } }));
    const master = masterIn(dir);

    expect((await again.sink.held()).current).toBeNull();
    expect(await toldAt(port)).toBe(1);
    expect(await put(again.sink, telling(port, 1))).toBe('Postfix was restarted');

    expect(await toldAt(port)).toBe(1);
    expect(masterIn(dir)).not.toBe(master);
    expect(existsSync(elsewhere)).toBe(true);
  });

  it('stopped ends Postfix and the guard, and nothing else is left of them', async () => {
    const { dir, port, sink, parts } = await running();
    await sink.stop();
    expect(daemonsBelow(dir)).toEqual([]);
    expect(await parts.guard.status()).toBeNull();
    await expect(smtpTo(port)).rejects.toThrow('ECONNREFUSED');
  });
});

describe.skipIf(lacking !== '')('what a Postfix sink cannot put in force', () => {
  const afterwards = async ({ port, sink, parts }: Awaited<ReturnType<typeof running>>) => {
    expect(await toldAt(port)).toBe(1);
    expect((await sink.held()).current).toEqual(configured(telling(port, 1)).desired);
    expect(readdirSync(join(parts.home.dir, 'versions'))).toHaveLength(1);
    expect((await parts.guard.status())?.versions).toHaveLength(1);
  };

  it('because the host does not have the address is rejected there, and the old one goes on', async () => {
    const world = await running();
    const applying = put(world.sink, {
      revision: 2,
      smtp: { mailFiltering: 'inbound', inbound: { ipv4: { address: '203.0.113.9', port: 25 } } },
    });

    const error = await applying.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationRefused);
    expect((error as ConfigurationRefused).refusal).toEqual({
      pointer: '/inbound/ipv4/address',
      message: 'This host does not have the address 203.0.113.9.',
    });
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

  it('because another program has the port fails, and is applied once that has gone', async () => {
    const world = await running();
    const other = await freePort();
    const program = await takePort(other);

    await expect(put(world.sink, telling(other, 2))).rejects.toThrow(
      `Another program of this host listens on 127.0.0.1 port ${other}.`,
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
    const late = await sinkIn(dir, {}, (parts) => ({
      ...parts,
      mail: {
        ...parts.mail,
        reload: async () => {
          await takePort(other).catch(() => undefined);
          await parts.mail.reload();
        },
      },
    }));

    await expect(put(late.sink, telling(other, 2))).rejects.toThrow(/Postfix says: .*fatal: bind .*in use/);
    await afterwards(first);
    expect(await toldAt(port)).toBe(1);
  });

  it('the first time leaves nothing in force, and no Postfix', async () => {
    const dir = openFolder();
    const { sink } = await sinkIn(dir, {}, (parts) => ({
      ...parts,
      mail: {
        ...parts.mail,
        start: async () => {
          await parts.mail.start();
          throw new Error('the disk is on fire');
        },
      },
    }));
    await expect(put(sink, telling(await freePort(), 1))).rejects.toThrow('the disk is on fire');
    expect(await sink.held()).toEqual({ current: null, previous: null });
    expect(daemonsBelow(dir)).toEqual([]);
  });

  it('was changed by hand: nothing is held then, mail goes on, and the next apply makes it whole', async () => {
    const { port, sink, parts } = await running();
    appendFileSync(join(parts.versions.current, 'main.cf'), 'smtpd_banner = mine\n');

    expect((await sink.held()).current).toBeNull();
    expect(await toldAt(port)).toBe(1);
    await put(sink, telling(port, 1));
    expect((await sink.held()).current).toEqual(configured(telling(port, 1)).desired);
  });
});
