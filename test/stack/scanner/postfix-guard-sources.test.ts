import { once } from 'node:events';
import { createServer } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../local/ports.ts';
import type { GuardConfiguration } from '../../../scanner/postfix/guard-configuration.ts';
import { type Made, make } from '../../helpers/certificates.ts';
import { admin, type Slapd, startSlapd, suffix, whyNoSlapd } from '../../helpers/slapd.ts';
import {
  authenticating,
  emptyFolder,
  guardIn,
  type RunningGuard,
  tryPassword,
  type VersionContent,
  writeVersion,
} from './guard-world.ts';

let authority: Made;
let trusted: Made;
let selfSigned: Made;

beforeAll(async () => {
  authority = await make({ subject: 'CN=Authority', isAuthority: true });
  trusted = await make({ subject: 'CN=directory', addresses: ['127.0.0.1'], issuer: authority });
  selfSigned = await make({ subject: 'CN=directory', addresses: ['127.0.0.1'] });
});

/** A guard on a host that trusts the authority, with one version that asks a source about users. */
const guardOf = async (content: VersionContent): Promise<RunningGuard> => {
  const dir = emptyFolder();
  const folder = writeVersion(dir, '1-a', {
    listeners: { authentication: { directions: ['authentication'] } },
    rules: { authentication: {} },
    ...content,
  });
  return guardIn(dir, [folder], { ca: [authority.pem] });
};

const refused = 'FAIL\t1\treason=the name or the password is wrong';
const accepted = (name: string) => `OK\t1\tuser=${name}`;

describe('an SMTP server that is asked about users', () => {
  type Tls = Extract<GuardConfiguration['source'], { type: 'smtp-forwarding' }>['tls'];
  /** Each attempt that reached the server: over TLS or not. */
  let attempts: { isSecure: boolean; name: string }[] = [];

  const serverOf = async (more: SMTPServerOptions = {}): Promise<number> => {
    attempts = [];
    const server = new SMTPServer({
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: true,
      logger: false,
      key: trusted.keyPem,
      cert: trusted.pem,
      onAuth: ({ username, password }, { secure }, callback) => {
        attempts.push({ isSecure: secure, name: username ?? '' });
        if (password === 'secret') callback(null, { user: username ?? '' });
        else callback(Object.assign(new Error('no'), { responseCode: password === 'later' ? 454 : 535 }));
      },
      ...more,
    });
    server.on('error', () => undefined);
    const listening = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return (listening.address() as { port: number }).port;
  };

  const guardFor = (port: number, tls: Tls) =>
    guardOf({ source: { type: 'smtp-forwarding', host: '127.0.0.1', port, tls } });

  it('says who is who', async () => {
    const guard = await guardFor(await serverOf(), 'opportunistic');
    expect(await tryPassword(guard, 'zoë@x.org', 'secret')).toBe(accepted('zoë@x.org'));
    expect(await tryPassword(guard, 'me', 'wrong')).toBe(refused);
    expect(attempts).toEqual([
      { isSecure: true, name: 'zoë@x.org' },
      { isSecure: true, name: 'me' },
    ]);
  });

  it('that says "later" is a failure that passes', async () => {
    const guard = await guardFor(await serverOf(), 'none');
    expect(await tryPassword(guard, 'me', 'later')).toBeNull();
    expect(guard.output()).toMatch(
      /unavailable for a client at 192.0.2.7: 127.0.0.1:\d+: it answers AUTH with 454$/,
    );
  });

  it.each<[string, Tls, SMTPServerOptions, 'in the clear' | 'over TLS' | 'not asked']>([
    ['where TLS is offered', 'none', {}, 'in the clear'],
    ['where TLS is offered', 'opportunistic', {}, 'over TLS'],
    ['where TLS is offered', 'required', {}, 'over TLS'],
    [
      'where TLS is not offered',
      'opportunistic',
      { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] },
      'in the clear',
    ],
    [
      'where TLS is not offered',
      'required',
      { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] },
      'not asked',
    ],
    ['where TLS fails', 'opportunistic', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, 'not asked'],
  ])('%s, with TLS "%s", is asked so', async (_, tls, options, wanted) => {
    const guard = await guardFor(await serverOf(options), tls);
    const told = await tryPassword(guard, 'me', 'secret');
    expect(told).toBe(wanted === 'not asked' ? null : accepted('me'));
    expect(attempts.map(({ isSecure }) => (isSecure ? 'over TLS' : 'in the clear'))).toEqual(
      wanted === 'not asked' ? [] : [wanted],
    );
    expect(guard.output().includes('TLS is required, and STARTTLS is not offered')).toBe(
      wanted === 'not asked' && tls === 'required',
    );
  });

  it.each<[Tls, string | null]>([
    ['opportunistic', accepted('me')],
    ['required', null],
  ])('with a certificate that this host does not trust, and TLS "%s"', async (tls, wanted) => {
    const port = await serverOf({ key: selfSigned.keyPem, cert: selfSigned.pem });
    const guard = await guardFor(port, tls);
    expect(await tryPassword(guard, 'me', 'secret')).toBe(wanted);
    expect(attempts).toHaveLength(wanted === null ? 0 : 1);
    if (wanted === null)
      expect(guard.output()).toContain(`127.0.0.1:${port}: its certificate is not verified (`);
  });

  it('without AUTH is a failure that passes', async () => {
    const port = await serverOf({ disabledCommands: ['AUTH'], authOptional: true });
    const guard = await guardFor(port, 'none');
    expect(await tryPassword(guard, 'me', 'secret')).toBeNull();
    expect(guard.output()).toContain(': it offers no AUTH that is known here');
  });

  /** A server that answers each line by what it begins with, and notes the lines. */
  const lyingServer = async (answers: Record<string, string>): Promise<{ port: number; lines: string[] }> => {
    const lines: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('220 there.example ESMTP\r\n');
      socket.setEncoding('latin1').on('data', (line: string) => {
        lines.push(line.trim());
        socket.write(`${answers[line.slice(0, 4)] ?? '502 5.5.2 What?'}\r\n`);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    return { port: (server.address() as { port: number }).port, lines };
  };

  it('that says another success than 235 has taken no password', async () => {
    const { port } = await lyingServer({ EHLO: '250-there.example\r\n250 AUTH PLAIN', AUTH: '250 Fine' });
    const guard = await guardFor(port, 'none');
    expect(await tryPassword(guard, 'me', 'secret')).toBeNull();
    expect(guard.output()).toContain(': it answers AUTH with 250');
  });

  it('that offers no AUTH is sent no password', async () => {
    const { port, lines } = await lyingServer({ EHLO: '250 there.example', AUTH: '535 No' });
    const guard = await guardFor(port, 'none');
    expect(await tryPassword(guard, 'me', 'secret')).toBeNull();
    expect(lines.filter((line) => line.startsWith('AUTH'))).toEqual([]);
  });

  it('that is not there is a failure that passes', async () => {
    const port = await freePort();
    const guard = await guardFor(port, 'none');
    for (let n = 0; n < 5; n++) expect(await tryPassword(guard, 'me', 'secret')).toBeNull();
    expect(guard.output()).toBe(
      `authentication unavailable for a client at 192.0.2.7: 127.0.0.1:${port}: the connection is refused`,
    );
  });

  it('leaves no password and no name in the log, right or wrong', async () => {
    const guard = await guardFor(await serverOf(), 'none');
    for (const password of ['marker-one', 'secret', 'later'])
      await tryPassword(guard, 'marker-name', password);
    const { send, next } = await authenticating(guard);
    send('AUTH\t1\tLOGIN\tservice=authentication@1-a\trip=marker-address\n');
    await next();
    send('CONT\t1\tbWFya2VyLXR3bw==\n');
    await next();
    send('CONT\t1\tbWFya2VyLXRocmVl\n');
    expect(await next()).toBe(refused);
    expect(guard.output()).toContain('authentication refused');
    expect(guard.output()).not.toMatch(/marker|bWFya2Vy|secret|later/);
  });
});

const noSlapd = whyNoSlapd();

describe('directories that are asked about users', () => {
  let one: Slapd;
  let other: Slapd;
  let untrusted: Slapd;

  beforeAll(async () => {
    if (noSlapd) return;
    const tls = { certificatePem: trusted.pem, keyPem: trusted.keyPem };
    const ann = { uid: 'ann', mail: 'ann@x.org', password: 'of-ann' };
    one = await startSlapd([ann, { uid: 'both', mail: 'both@x.org', password: 'of-both' }], tls);
    other = await startSlapd(
      [
        { uid: 'bob', mail: 'bob@y.org', password: 'of-bob' },
        { uid: 'both', mail: 'both@x.org', password: 'of-both' },
        { uid: 'twin1', mail: 'twin@y.org', password: 'of-twin' },
        { uid: 'twin2', mail: 'twin@y.org', password: 'of-twin' },
        { uid: 'twin3', mail: 'twin@y.org', password: 'of-twin' },
      ],
      tls,
    );
    untrusted = await startSlapd([ann], { certificatePem: selfSigned.pem, keyPem: selfSigned.keyPem });
  });

  afterAll(async () => {
    for (const slapd of [one, other, untrusted]) await slapd?.stop();
  });

  beforeEach((context) => {
    if (noSlapd) context.skip(noSlapd);
  });

  const directory = (slapd: Slapd, more: object = {}) => ({
    name: 'people',
    functions: ['authentication'],
    host: '127.0.0.1',
    port: slapd.port,
    tls: 'start-tls',
    bindDn: admin.dn,
    bindPassword: admin.password,
    baseDn: suffix,
    userFilter: '(&(objectClass=person)(|(uid=%s)(mail=%s)))',
    timeoutSeconds: 10,
    ...more,
  });

  const guardFor = (...directories: object[]) => guardOf({ source: { type: 'ldap' }, directories });

  it('are all searched, and the one that has a user is asked for the password', async () => {
    const guard = await guardFor(directory(one), directory(other));
    expect(await tryPassword(guard, 'ann', 'of-ann')).toBe(accepted('ann'));
    expect(await tryPassword(guard, 'bob@y.org', 'of-bob')).toBe(accepted('bob@y.org'));
    expect(await tryPassword(guard, 'bob', 'of-ann')).toBe(refused);
    expect(await tryPassword(guard, 'nobody', 'of-ann')).toBe(refused);
  });

  it.each([
    ['is in two of them', 'both', 'of-both'],
    ['is twice in one', 'twin@y.org', 'of-twin'],
  ])('do not let in a user who %s', async (_, name, password) => {
    const guard = await guardFor(directory(one), directory(other));
    expect(await tryPassword(guard, name, password)).toBe(refused);
  });

  it.each([
    ['an empty password, which would bind as nobody', 'ann', ''],
    ['a star for a name', '*', 'of-ann'],
    ['a filter for a name', 'x)(|(uid=ann', 'of-ann'],
  ])('do not let in %s', async (_, name, password) => {
    expect(await tryPassword(await guardFor(directory(one)), name, password)).toBe(refused);
  });

  it.each<[string, (slapd: Slapd) => object]>([
    ['over TLS from the first byte', ({ tlsPort }) => ({ tls: 'ldaps', port: tlsPort })],
    ['after STARTTLS', () => ({ tls: 'start-tls' })],
    ['in the clear', () => ({ tls: 'none' })],
  ])('are asked %s', async (_, more) => {
    const guard = await guardFor(directory(one, more(one)));
    expect(await tryPassword(guard, 'ann', 'of-ann')).toBe(accepted('ann'));
    expect(await tryPassword(guard, 'ann', 'wrong')).toBe(refused);
  });

  it.each<[string, () => object, string]>([
    [
      'whose certificate this host does not trust',
      () => directory(untrusted),
      'its certificate is not verified (',
    ],
    [
      'the same over ldaps',
      () => directory(untrusted, { tls: 'ldaps', port: untrusted.tlsPort }),
      'its certificate is not verified (',
    ],
    [
      'that does not take the name that it is asked as',
      () => directory(one, { bindPassword: 'wrong' }),
      'the bind of the source itself (bindDn) is refused: it answers with the LDAP result 49 (',
    ],
    [
      'without what is to be searched',
      () => directory(one, { baseDn: 'dc=nowhere' }),
      'it answers with the LDAP result 32 (',
    ],
    ['that is not there', () => directory(one, { port: 1 }), '127.0.0.1:1: the connection is refused'],
  ])('are a failure that passes with one %s', async (_, broken, why) => {
    const guard = await guardFor(directory(other), broken());
    expect(await tryPassword(guard, 'bob', 'of-bob')).toBeNull();
    expect(guard.output()).toContain(why);
    expect(guard.output()).not.toMatch(/of-bob|of-the-administrator/);
  });

  it('find nobody for a name without a domain where one is asked for', async () => {
    const guard = await guardFor(directory(one, { userFilter: '(|(uid=%u)(mail=%u@%d))' }));
    expect(await tryPassword(guard, 'ann', 'of-ann')).toBe(refused);
    expect(await tryPassword(guard, 'ann@x.org', 'of-ann')).toBe(accepted('ann@x.org'));
  });
});
