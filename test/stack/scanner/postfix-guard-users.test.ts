import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askDirectories } from '../../../scanner/postfix/guard/ldap-source.ts';
import { until } from '../../helpers/until.ts';
import {
  authenticating,
  emptyFolder,
  guardIn,
  plain,
  smtpd,
  tryPassword,
  writeVersion,
} from './guard-world.ts';

describe('an smtpd that asks about a user', () => {
  const authentication = (more: object = {}) => ({
    listeners: { authentication: { directions: ['authentication' as const], ...more } },
    rules: { authentication: {} },
    source: { type: 'smtp-forwarding' as const, host: '127.0.0.1', port: 1, tls: 'none' as const },
  });

  it('is greeted with both mechanisms', async () => {
    const dir = emptyFolder();
    const { greeting } = await authenticating(await guardIn(dir));
    expect(greeting.slice(0, 3)).toEqual([
      'VERSION\t1\t1',
      'MECH\tPLAIN\tplaintext',
      'MECH\tLOGIN\tplaintext',
    ]);
    expect(greeting.at(-1)).toBe('DONE');
  });

  it('is disconnected, which it takes for a failure that passes, when the source does not answer', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', authentication())]);
    expect(await tryPassword(guard, 'me', 'secret')).toBeNull();
    await until('it is logged', () =>
      guard.output().includes('authentication unavailable for a client at 192.0.2.7'),
    );
  });

  it.each([
    ['a version that is not loaded', 'authentication@2-b'],
    ['a listener without authentication', 'inbound@1-a'],
    ['none', 'smtp'],
  ])('is disconnected when it names %s', async (_, service) => {
    const dir = emptyFolder();
    const content = authentication();
    const guard = await guardIn(dir, [
      writeVersion(dir, '1-a', {
        ...content,
        listeners: { ...content.listeners, inbound: {} },
        rules: { ...content.rules, inbound: {} },
      }),
    ]);
    const { send, next } = await authenticating(guard);
    send(`AUTH\t1\tPLAIN\tservice=${service}\tresp=${plain('me', 'secret')}\n`);
    expect(await next()).toBeNull();
  });

  it('is refused without TLS where that is required, and nobody is asked', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', authentication({ tlsRequired: true }))]);
    const { send, next } = await authenticating(guard);
    send(`AUTH\t1\tPLAIN\tservice=authentication@1-a\trip=::1\tresp=${plain('me', 'secret')}\n`);
    expect(await next()).toMatch(/^FAIL\t1\t/);
  });

  it('is refused what is no exchange, one by one, and can go on', async () => {
    const dir = emptyFolder();
    const { send, next } = await authenticating(await guardIn(dir));
    const ask = async (line: string) => {
      send(`${line}\n`);
      return (await next())?.split('\t').slice(0, 2).join(' ');
    };
    expect(await ask('AUTH\t1\tPLAIN\tresp=!!')).toBe('FAIL 1');
    expect(await ask('AUTH\t2\tGSSAPI')).toBe('FAIL 2');
    expect(await ask('CONT\t77\tAAAA')).toBe('FAIL 77');
    expect(await ask('AUTH\t3\tLOGIN')).toBe('CONT 3');
    expect(await ask('CONT\t3\tbm8=')).toBe('CONT 3');
    expect(await ask('CONT\t3\t')).toBe('FAIL 3');
  });

  it('cannot keep exchanges open without end', async () => {
    const dir = emptyFolder();
    const { send, next } = await authenticating(await guardIn(dir));
    send(Array.from({ length: 17 }, (_, index) => `AUTH\t${index}\tLOGIN\n`).join(''));
    const told: (string | null)[] = [];
    for (let line = 0; line < 17; line++) told.push(await next());
    expect(told.filter((line) => line?.startsWith('CONT'))).toHaveLength(16);
    expect(told.at(-1)).toBe('FAIL\t16\treason=too many exchanges are open');
  });

  it('that sends junk harms nobody', async () => {
    const dir = emptyFolder();
    const guard = await guardIn(dir, [writeVersion(dir, '1-a', {})]);
    const junk = [
      '\0\0\0\n',
      'AUTH\n'.repeat(1000),
      'CONT\t\t\t\t\n',
      `AUTH\t1\tPLAIN\tresp=${'A'.repeat(12_000)}\n`,
      'x'.repeat(100_000),
      'VERSION\t2\t0\n',
      Buffer.from([0xff, 0xfe, 0x0a, 0x09, 0x0a]).toString('latin1'),
    ];
    for (const text of junk) (await authenticating(guard)).send(Buffer.from(text, 'latin1'));
    expect(await smtpd(guard).ask()).toBe('DUNNO');
    expect((await authenticating(guard)).greeting.at(-1)).toBe('DONE');
  });
});

describe('a source that takes connections and never answers', () => {
  /** Where it listens, which connections it has, and how many it has had. */
  const hanging = async () => {
    const open = new Set<Socket>();
    let asked = 0;
    const server = createServer((socket) => {
      asked += 1;
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => open.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    return { port: (server.address() as { port: number }).port, open, asked: () => asked };
  };

  it('is asked no more than a share for one address or IPv6 network, whose further attempts fail for now at once', async () => {
    const { port, asked } = await hanging();
    const dir = emptyFolder();
    const folder = writeVersion(dir, '1-a', {
      listeners: { authentication: { directions: ['authentication'] } },
      rules: { authentication: {} },
      source: { type: 'smtp-forwarding', host: '127.0.0.1', port, tls: 'none' },
    });
    const guard = await guardIn(dir, [folder]);
    const attempt = async (address: string) => {
      const { send, next } = await authenticating(guard);
      send(
        `AUTH\t1\tPLAIN\tservice=authentication@1-a\trip=${address}\tsecured\tresp=${plain('me', 'secret')}\n`,
      );
      return next;
    };
    for (let n = 0; n < 16; n++) await attempt(`2001:db8::${n + 1}`);
    await until('all are asked', () => asked() === 16);

    expect(await (await attempt('2001:db8::ffff'))()).toBeNull();
    expect(guard.output()).toContain('an attempt is not judged: too many are of one client');
    void attempt('192.0.2.9');
    await until('another is asked', () => asked() === 17);
  });

  it('in the middle of STARTTLS is left when the time is up', async () => {
    const { port, open } = await hanging();
    const directory = {
      host: '127.0.0.1',
      port,
      tls: 'start-tls' as const,
      bindDn: null,
      bindPassword: null,
      baseDn: 'dc=x',
      userFilter: '(uid=%u)',
      timeoutSeconds: 60,
    };
    const time = new AbortController();
    const asked = askDirectories(
      [directory],
      { name: 'me', password: 'secret' },
      { withinMs: 60_000, signal: time.signal },
    );
    const outcome = asked.catch((error: Error) => error.message);
    await until('it is connected', () => open.size === 1);
    const [socket] = open;
    // RFC 4511, 4.14.2: success; then nothing comes.
    const [request] = (await once(socket as Socket, 'data')) as [Buffer];
    const success = [0x30, 0x0c, 0x02, 0x01, request[4] ?? 1, 0x78, 0x07, 0x0a, 1, 0, 0x04, 0, 0x04, 0];
    socket?.write(Buffer.from(success.slice(0, 14)));
    await once(socket as Socket, 'data');

    time.abort(new Error('the time is up'));

    expect(await outcome).toMatch(/^127.0.0.1:\d+: the time is up$/);
    await until('its connection is ended', () => open.size === 0);
  });
});
