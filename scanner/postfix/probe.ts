import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Instance, type Smtpd, smtpdBehind, smtpdsOf } from './processes.ts';
import type { Listener } from './render/listeners.ts';
import { openSession, type Reply, type SmtpSession } from './smtp-session.ts';

/** What a listener must show of itself. */
export interface Expected {
  listener: Listener;
  version: string;
  /** PEM of its certificate chain; null where TLS is not offered. */
  chainPem: string | null;
  /** Its clients' names are looked up before they are told anything, this one's among them. */
  asksDns: boolean;
  /** Sessions that Postfix serves at a time. */
  places: number;
}

/** What is seen is not what must be; it may be, in a moment. */
export class NotAsExpected extends Error {
  override readonly name = 'NotAsExpected';
}

const assertSeen = (isSo: boolean, what: string): void => {
  if (!isSo) throw new NotAsExpected(what);
};

const shown = ({ code, lines }: Reply): string => `${code} ${lines.join(' / ')}`;

const offers = ({ lines }: Reply, keyword: string): boolean =>
  lines.slice(1).some((line) => line.toUpperCase().split(/[ =]/)[0] === keyword);

const ehlo = async (session: SmtpSession): Promise<Reply> => {
  const reply = await session.say('EHLO probe.invalid');
  assertSeen(reply.code === 250, `EHLO is answered with ${shown(reply)}`);
  return reply;
};

/** AUTH is announced when the guard answers on its socket; where TLS is required, only after it. */
const assertAuth = ({ listener }: Expected, reply: Reply, secured: boolean): void => {
  const wanted = listener.directions.includes('authentication') && (secured || !listener.tls.require);
  assertSeen(offers(reply, 'AUTH') === wanted, `AUTH is ${wanted ? 'not offered' : 'offered'}`);
};

const leafFingerprint = (pem: string): string =>
  new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'))).fingerprint256;

const lookInside = async (session: SmtpSession, expected: Expected): Promise<void> => {
  const { chainPem } = expected;
  const plain = await ehlo(session);
  assertSeen(
    offers(plain, 'STARTTLS') === (chainPem !== null),
    `STARTTLS is ${chainPem === null ? 'offered' : 'not offered'}`,
  );
  assertAuth(expected, plain, false);
  if (chainPem === null) return;
  const ready = await session.say('STARTTLS');
  assertSeen(ready.code === 220, `STARTTLS is answered with ${shown(ready)}`);
  assertSeen((await session.secure()) === leafFingerprint(chainPem), 'another certificate is shown');
  assertAuth(expected, await ehlo(session), true);
};

/** The guard has refused this host by the rules of the version, or limits are reached: that is an answer. */
const isRefusal = ({ code, lines }: Reply): boolean =>
  code === 554 || code === 450 || (code === 421 && !lines[0]?.startsWith('4.3.0'));

const assertVersion = (smtpd: Pick<Smtpd, 'listener' | 'version'> | null, expected: Expected): void => {
  const { listener, version } = expected;
  assertSeen(smtpd !== null, 'no SMTP server of this instance answers');
  assertSeen(
    smtpd?.version === version && smtpd.listener === listener.name,
    `version ${smtpd?.version} answers, not ${version}`,
  );
};

/** Of a connection that has ended already: whether any server of the version is there. */
const assertServed = async (instance: Instance, expected: Expected): Promise<void> => {
  const servers = await smtpdsOf(instance);
  const { name } = expected.listener;
  assertVersion(
    servers.find((one) => one.listener === name && one.version === expected.version) ?? null,
    expected,
  );
};

const look = async (instance: Instance, expected: Expected, signal: AbortSignal): Promise<void> => {
  const server = expected.listener;
  const session = await openSession(server, signal);
  try {
    const banner = await session.reply();
    assertSeen(banner.code === 220 || isRefusal(banner), `the banner is ${shown(banner)}`);
    if (banner.code === 421) return await assertServed(instance, expected);
    assertVersion(await smtpdBehind(instance, { server, client: session.client }), expected);
    if (banner.code === 220) await lookInside(session, expected);
    await session.say('QUIT').catch(() => undefined);
  } finally {
    session.close();
  }
};

/** True where every session that Postfix serves at this listener is taken, so that whoever comes waits. */
const isFull = async (instance: Instance, { listener, places }: Expected): Promise<boolean> => {
  const servers = await smtpdsOf(instance);
  return servers.filter((one) => one.listener === listener.name).length >= places;
};

export interface Patience {
  /** Milliseconds for all of it, and for one session; between tries. */
  allMs: number;
  sessionMs: number;
  /** What a session has more where names are looked up. */
  dnsMs: number;
  againMs: number;
}

/** A DNS that says nothing is waited for 30 seconds at most, by the default options of a resolver: 3 servers, asked twice, 5 seconds each (resolv.conf(5)). */
export const patience: Patience = { allMs: 20_000, sessionMs: 15_000, dnsMs: 30_000, againMs: 50 };

const refused = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

const messageOf = (error: unknown, sessionMs: number): string => {
  const { name, code, message } = error as Error & { code?: string };
  if (code !== undefined && refused.has(code)) return `no connection (${code})`;
  if (name === 'AbortError') return 'no answer';
  return name === 'TimeoutError' ? `no answer in ${sessionMs} ms` : message;
};

type IsAlive = () => Promise<boolean>;

/** Milliseconds between looks whether Postfix is there. */
const aliveMs = 200;

/** What `act` does, broken off when Postfix has ended: whoever has taken its port may never answer. */
const whileAlive = async <T>(isAlive: IsAlive, act: (ended: AbortSignal) => Promise<T>): Promise<T> => {
  const ended = new AbortController();
  const timer = setInterval(() => {
    isAlive().then(
      (alive) => alive || ended.abort(),
      (error) => ended.abort(error),
    );
  }, aliveMs);
  try {
    return await act(ended.signal);
  } finally {
    clearInterval(timer);
  }
};

/**
 * Looks at a listener as a client does, until it shows what it must: it answers, by an SMTP server whose arguments name the version (what a client
 * sees tells nothing of versions), with TLS and AUTH offered or not, and with its certificate. No mail is begun. A client that the version's rules refuse
 * sees no more than that. `isAlive` false ends the wait.
 * @throws Error that names the listener and what was seen last.
 */
export const probe = async (
  instance: Instance,
  expected: Expected,
  isAlive: IsAlive,
  waits: Patience = patience,
): Promise<void> => {
  const sessionMs = waits.sessionMs + (expected.asksDns ? waits.dnsMs : 0);
  const deadline = performance.now() + waits.allMs;
  for (;;) {
    const late = AbortSignal.timeout(sessionMs);
    try {
      return await whileAlive(isAlive, (ended) => look(instance, expected, AbortSignal.any([late, ended])));
    } catch (error) {
      // At a single look nothing was done before it by which those who are served must be of this version.
      if (late.aborted && waits.allMs > 0 && (await isFull(instance, expected))) return;
      const { name, address, port } = expected.listener;
      const seen = `${name} at ${address} port ${port}: ${messageOf(error, sessionMs)}`;
      if (!(await isAlive())) throw new Error(`Postfix has ended; ${seen}`);
      if (performance.now() > deadline) throw new Error(seen);
    }
    await sleep(waits.againMs);
  }
};
