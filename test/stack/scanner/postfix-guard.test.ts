import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askGuard, GuardRefused } from '../../../scanner/postfix/guard/control-client.ts';
import type { ControlRequest } from '../../../scanner/postfix/guard/control-protocol.ts';
import { versionStore } from '../../../scanner/postfix/guard/versions.ts';
import { until } from '../../helpers/until.ts';
import { emptyFolder, guardIn, requestOf, smtpd, writeVersion } from './guard-world.ts';

const listed = (...values: string[]) => listedIn(values);

const listedIn = (values: readonly string[]) => ({
  rules: { inbound: { accept: 'listed' as const } },
  lists: { inbound: values },
});

describe('an smtpd that asks about a client', () => {
  it('is answered as the list says, and told at RCPT which way the mail goes', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', listed('192.0.2.0/24', 'x.org'))]);
    const { ask } = smtpd(guard);
    const stranger = { client_address: '198.51.100.1', client_name: 'mx.y.org' };

    expect(await ask()).toBe('DUNNO');
    expect(await ask({ protocol_state: 'RCPT' })).toBe('guard_inbound');
    expect(await ask(stranger)).toBe('554 5.7.1 Access denied');
    expect(await ask({ ...stranger, protocol_state: 'RCPT' })).toBe('554 5.7.1 Access denied');
    expect(await ask({ ...stranger, client_name: 'mx.x.org' })).toBe('DUNNO');
    expect(await ask({ ...stranger, client_name: 'unknown' })).toMatch(/^450 4\.7\.1 /);
  });

  it('gets the answers to requests that it sent at once in their order, however they were cut', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', listed('192.0.2.0/24'))]);
    const { send, answer } = smtpd(guard);
    const bytes = [
      requestOf(),
      requestOf({ client_address: '198.51.100.1' }),
      requestOf({ protocol_state: 'RCPT' }),
    ].join('');

    for (const piece of bytes.match(/[\s\S]{1,17}/g) ?? []) send(piece);

    expect([await answer(), await answer(), await answer()]).toEqual([
      'DUNNO',
      '554 5.7.1 Access denied',
      'guard_inbound',
    ]);
  });

  it.each([
    ['no request', 'HELO there\n\n'],
    ['a request of another kind', 'request=junk\n\n'],
    ['a line without end', 'x'.repeat(20_000)],
  ])('is disconnected without an answer after %s, and no other is', async (_, junk) => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', {})]);
    const other = smtpd(guard);
    expect(await other.ask()).toBe('DUNNO');
    const broken = smtpd(guard);

    broken.send(junk);

    expect(await broken.answer()).toBeNull();
    expect(await other.ask()).toBe('DUNNO');
    await until('it is logged', () => guard.output().includes('a policy request is not answered'));
  });

  it.each([
    ['a version that is not loaded', 'inbound@2-b'],
    ['a listener that the version does not have', 'outbound@1-a'],
    ['nothing', ''],
  ])('is told to defer when it names %s', async (_, policy_context) => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', {})]);
    expect(await smtpd(guard).ask({ policy_context })).toMatch(/^451 4\.3\.5 /);
  });

  it('at a listener that two sections share is told the one whose list is asked first', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [
      writeVersion(dir, '1-a', {
        listeners: { shared: { directions: ['outbound', 'inbound'] } },
        rules: { inbound: {}, outbound: { accept: 'listed' } },
        lists: { outbound: ['10.0.0.0/8'] },
      }),
    ]);
    const { ask } = smtpd(guard);
    const at = { policy_context: 'shared@1-a', protocol_state: 'RCPT' };
    expect(await ask({ ...at, client_address: '10.1.1.1' })).toBe('guard_outbound');
    expect(await ask(at)).toBe('guard_inbound');
  });

  it('hears at MAIL of a certificate that is not trusted, and of the end of a session', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [
      writeVersion(dir, '1-a', {
        listeners: { inbound: { clientCertificate: 'request' } },
        rules: { inbound: { maxMessagesPerSession: 2 } },
      }),
    ]);
    const { ask } = smtpd(guard);
    const mail = { protocol_state: 'MAIL', sender: 'a@x.org' };
    const data = { protocol_state: 'DATA', sender: 'a@x.org', recipient_count: '1' };

    expect(await ask({ ...mail, ccert_fingerprint: 'AA:BB' })).toBe(
      '554 5.7.1 tls_invalid_client_certificate',
    );
    expect(await ask({ ...mail, ccert_fingerprint: 'AA:BB', ccert_subject: 'mx' })).toBe('DUNNO');
    for (let message = 0; message < 2; message++) {
      expect(await ask(mail)).toBe('DUNNO');
      expect(await ask(data)).toBe('guard_inbound');
    }
    expect(await ask(mail)).toMatch(/^421 4\.7\.0 Too many messages/);
    expect(await ask({ ...mail, client_port: '54322' })).toBe('DUNNO');
  });

  it('defers a sender from the message on that follows the one that crossed the quota', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [
      writeVersion(dir, '1-a', {
        rules: { inbound: { senderRecipientQuota: { maxRecipients: 10, minutes: 60 } } },
      }),
    ]);
    const { ask } = smtpd(guard);
    const message = async (recipients: number, sender = 'a@x.org') => {
      const told = await ask({ protocol_state: 'MAIL', sender });
      if (told === 'DUNNO')
        await ask({ protocol_state: 'DATA', sender, recipient_count: String(recipients) });
      return told;
    };
    expect([await message(10), await message(5)]).toEqual(['DUNNO', 'DUNNO']);
    expect(await message(1)).toBe('421 4.7.1 Recipient quota exceeded');
    expect(await message(1, 'b@x.org')).toBe('DUNNO');
  });

  it('defers connections while a queue is full', async () => {
    const dir = emptyFolder();
    const queueDirectory = join(dir, 'queue');
    mkdirSync(join(queueDirectory, 'incoming'), { recursive: true });
    writeFileSync(join(queueDirectory, 'incoming', 'A1B2C3D4'), '');
    const limited = (max: number) => ({
      queueDirectory,
      rules: { inbound: { queueLimits: [{ folders: ['incoming' as const, 'deferred' as const], max }] } },
    });
    const folders = [writeVersion(dir, '1-a', limited(1)), writeVersion(dir, '2-b', limited(2))];
    const { ask } = smtpd(await guardIn(dir, folders));
    expect(await ask()).toMatch(/^421 4\.3\.2 /);
    expect(await ask({ policy_context: 'inbound@2-b' })).toBe('DUNNO');
  });

  it.skipIf(process.platform !== 'linux')(
    'refuses a connection beyond those that a network may have, and takes one when one has ended',
    async () => {
      const accepted = new Set<Socket>();
      const server = createServer((socket) => accepted.add(socket)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      onTestFinished(() => {
        for (const socket of accepted) socket.destroy();
        server.close();
      });
      const dir = emptyFolder();
      const guard = await guardIn(dir, [
        writeVersion(dir, '1-a', {
          listeners: { inbound: { port } },
          rules: { inbound: { maxConnectionsPerRange: 2 } },
        }),
      ]);
      const { ask } = smtpd(guard);
      const arrive = async () => {
        const socket = connect(port, '127.0.0.1');
        onTestFinished(() => {
          socket.destroy();
        });
        await once(socket, 'connect');
        const told = () =>
          ask({
            client_address: '127.0.0.1',
            client_port: String(socket.localPort),
            server_port: String(port),
          });
        return { socket, told };
      };
      const [first, second, third] = [await arrive(), await arrive(), await arrive()];
      expect(await first.told()).toBe('DUNNO');
      expect(await second.told()).toBe('DUNNO');
      expect(await third.told()).toMatch(/^421 4\.7\.0 Too many connections/);

      first.socket.destroy();
      for (const socket of accepted) if (socket.remotePort === first.socket.localPort) socket.destroy();

      const fourth = await arrive();
      await until('there is room again', async () => (await fourth.told()) === 'DUNNO');
    },
  );
});

describe('versions side by side', () => {
  it('are each asked by their own name, until no longer kept', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', listed('192.0.2.7'))]);
    const { ask } = smtpd(guard);
    const newer = { policy_context: 'inbound@2-b' };

    const { versions } = await guard.load(writeVersion(dir, '2-b', listed('192.0.2.8')));

    expect(versions).toEqual([
      { name: '1-a', revision: 1, answers: true, entries: { inbound: 1 } },
      { name: '2-b', revision: 2, answers: true, entries: { inbound: 1 } },
    ]);
    expect([await ask(), await ask(newer)]).toEqual(['DUNNO', '554 5.7.1 Access denied']);
    const kept = await askGuard(guard.sockets.control, { command: 'keep', versions: ['2-b'] });
    expect(kept.versions.map(({ name }) => name)).toEqual(['2-b']);
    expect(await ask()).toMatch(/^451 /);
    expect(await ask(newer)).toBe('554 5.7.1 Access denied');
  });

  it('that are asked by one name are answered by the one in use, and sessions that have begun by the one that let them in', async () => {
    const dir = emptyFolder();
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    onTestFinished(() => {
      listening.close();
    });
    const { port } = listening.address() as { port: number };
    const listeners = { inbound: { port } };
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', { listeners, ...listed('127.0.0.1') })]);
    const client = connect({ host: '127.0.0.1', port });
    const [accepted] = (await once(listening, 'connection')) as [Socket];
    onTestFinished(() => {
      accepted.destroy();
      client.destroy();
    });
    const { ask } = smtpd(guard);
    const session = {
      client_address: '127.0.0.1',
      client_port: String(client.localPort),
      server_port: String(port),
    };
    const say = (request: ControlRequest) => askGuard(guard.sockets.control, request);
    expect(await ask(session)).toBe('DUNNO');

    await guard.load(writeVersion(dir, '2-b', { listeners, askedAs: '1-a', ...listed('192.0.2.8') }));
    const other = { client_address: '192.0.2.8', server_port: String(port) };
    expect(await ask(other)).toBe('554 5.7.1 Access denied');

    const { versions } = await say({ command: 'use', version: '2-b' });
    expect(versions.map(({ name, answers }) => [name, answers])).toEqual([
      ['1-a', false],
      ['2-b', true],
    ]);
    expect(await ask({ client_address: '127.0.0.1', server_port: String(port) })).toMatch(/^554 /);
    expect(await ask({ ...other, protocol_state: 'RCPT' })).toBe('guard_inbound');
    await say({ command: 'keep', versions: ['2-b'] });
    expect(await ask({ ...session, protocol_state: 'RCPT' })).toBe('guard_inbound');
    // Who comes again over the same connection's addresses has begun anew.
    expect(await ask(session)).toBe('554 5.7.1 Access denied');
  });

  it('that are asked by an earlier name are answered without it, and by none that was not loaded', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '2-b', { askedAs: '1-a', ...listed('192.0.2.8') })]);
    const { ask } = smtpd(guard);
    expect(await ask({ client_address: '192.0.2.8' })).toBe('DUNNO');
    expect(await ask({ client_address: '192.0.2.8', policy_context: 'inbound@2-b' })).toMatch(/^451 /);
    const use = askGuard(guard.sockets.control, { command: 'use', version: '1-a' });
    await expect(use).rejects.toThrow('not loaded: 1-a');
  });

  it('that are held for sessions alone are eight at most of one name; older sessions are asked by the one in use', async () => {
    const dir = emptyFolder();
    const store = versionStore();
    const names = Array.from({ length: 11 }, (_, index) => `${index + 1}-a`);
    for (const name of names) {
      const askedAs = name === '1-a' ? {} : { askedAs: '1-a' };
      await store.load(writeVersion(dir, name, { ...askedAs, ...listed('192.0.2.7') }));
      store.use(name);
    }
    const answersTo = (name: string) => store.find('inbound@1-a', name)?.version.name;
    await store.load(writeVersion(dir, '0-b', listed('192.0.2.7')));
    store.keep(['11-a'], new Set([...names, '0-b']));

    expect(names.map(answersTo)).toEqual(['11-a', '11-a', ...names.slice(2)]);
    // Nobody else can answer for this one.
    expect(store.find('inbound@0-b', '0-b')?.version.name).toBe('0-b');
  });

  it('are kept for the sessions that have begun by them, and for no others', async () => {
    const dir = emptyFolder();
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const { port } = listening.address() as { port: number };
    const folders = ['1-a', '2-b'].map((name) =>
      writeVersion(dir, name, { listeners: { inbound: { port } } }),
    );
    const guard = await guardIn(dir, folders);
    const client = connect({ host: '127.0.0.1', port });
    const [accepted] = (await once(listening, 'connection')) as [Socket];
    const { ask } = smtpd(guard);
    const session = {
      client_address: '127.0.0.1',
      client_port: String(client.localPort),
      server_port: String(port),
    };
    const keep = () => askGuard(guard.sockets.control, { command: 'keep', versions: ['2-b'] });
    expect(await ask(session)).toBe('DUNNO');

    expect((await keep()).versions.map(({ name }) => name)).toEqual(['2-b']);
    expect(await ask({ ...session, protocol_state: 'RCPT' })).toBe('guard_inbound');

    accepted.destroy();
    client.destroy();
    listening.close();
    await once(listening, 'close');
    await keep();
    expect(await ask({ ...session, protocol_state: 'RCPT' })).toMatch(/^451 /);
  });

  it.each<[string, (dir: string) => string]>([
    ['that is not there', (dir) => join(dir, '2-b')],
    ['with a damaged list', (dir) => writeVersion(dir, '2-b', listed('192.0.2.8', '192.0.2.7'))],
    [
      'without a list that is asked',
      (dir) => writeVersion(dir, '2-b', { rules: { inbound: { accept: 'listed' } } }),
    ],
    [
      'with rules that are none',
      (dir) => writeVersion(dir, '2-b', { rules: { inbound: { ipv6Prefix: 129 } } }),
    ],
    ['without the directories that it asks', (dir) => writeVersion(dir, '2-b', { source: { type: 'ldap' } })],
  ])('do not come to one %s, and nothing has changed', async (_, folder) => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', listed('192.0.2.7'))]);
    await expect(guard.load(folder(dir))).rejects.toThrow(GuardRefused);
    const { versions } = await askGuard(guard.sockets.control, { command: 'status' });
    expect(versions.map(({ name }) => name)).toEqual(['1-a']);
    expect(await smtpd(guard).ask()).toBe('DUNNO');
  });

  it('are all kept when one that is to be kept is not loaded', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', {})]);
    const keep = askGuard(guard.sockets.control, { command: 'keep', versions: ['2-b'] });
    await expect(keep).rejects.toThrow('not loaded: 2-b');
    expect(await smtpd(guard).ask()).toBe('DUNNO');
  });

  it('are answered while a long list is loaded', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', listed('192.0.2.7'))]);
    const values = Array.from(
      { length: 400_000 },
      (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    );
    const folder = writeVersion(dir, '2-b', listedIn(values));
    const { ask } = smtpd(guard);
    let [turns, loaded] = [0, false];

    const loading = guard.load(folder).finally(() => {
      loaded = true;
    });
    // Asker and guard are one process here, whose loop turns again and again while the guard reads piece by piece: it would not for one that stood still.
    const count = () => {
      turns += 1;
      if (!loaded) setImmediate(count);
    };
    setImmediate(count);
    while (!loaded) expect(await ask()).toBe('DUNNO');

    expect((await loading).versions.at(-1)?.entries).toEqual({ inbound: 400_000 });
    expect(turns).toBeGreaterThan(50);
    expect(await ask({ policy_context: 'inbound@2-b', client_address: '10.6.26.127' })).toBe('DUNNO');
    expect(await ask({ policy_context: 'inbound@2-b', client_address: '10.6.26.128' })).toMatch(/^554 /);
  });
});
