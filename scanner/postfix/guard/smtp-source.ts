import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { AuthenticationSource } from '../../../shared/schemas/smtp.ts';
import type { Verdict } from './dovecot-server.ts';
import type { Credentials } from './sasl.ts';
import { notInTime, SourceUnavailable, whyNoConnection } from './unavailable.ts';

export type ForwardingServer = Extract<AuthenticationSource, { type: 'smtp-forwarding' }>;

/** TLS from the first byte (RFC 8314, section 7.3); all other ports begin in the clear. */
const implicitTlsPort = 465;

/**
 * `none`: STARTTLS is not used even where it is offered. `opportunistic`: it is used where it is offered, whatever the certificate, and credentials
 * are not sent in the clear when it then fails. `required`: without it, and without a certificate that this host trusts for that server,
 * no credentials are sent.
 */
export const tlsOptionsOf = ({ tls, port, host }: ForwardingServer, trust: ConnectionOptions) => ({
  secure: port === implicitTlsPort && tls !== 'none',
  ignoreTLS: tls === 'none',
  requireTLS: tls === 'required',
  opportunisticTLS: false,
  tls: {
    ...trust,
    rejectUnauthorized: tls === 'required',
    ...(isIP(host) === 0 ? { servername: host } : {}),
  },
});

/** A server says with 5xx that the credentials are wrong (RFC 4954, section 6), but with 53x that it wants something else first, and 50x that it does not understand. */
const refusals = new Set([535, 550, 552, 553, 554]);

type Failure = Error & { code?: string; responseCode?: number; command?: string };

const whyNotConnected = (error: Failure, { tls }: ForwardingServer): string => {
  const isStartTls =
    error.code === 'ETLS' && error.command === 'STARTTLS' && error.responseCode !== undefined;
  if (!isStartTls) return whyNoConnection(error);
  return tls === 'required'
    ? 'TLS is required, and STARTTLS is not offered'
    : 'it refuses the STARTTLS that it offers';
};

const noAuth = 'it offers no AUTH that is known here';

/** RFC 4954, section 6: 235, and no other reply of success. */
const isAccepted = (answer: string): boolean => /^235\b/.test(answer);

/** What the server says of a login may have the name in it. */
const whyNotLoggedIn = ({ responseCode, code, message }: Failure): string => {
  if (responseCode !== undefined) return `it answers AUTH with ${responseCode}`;
  return code === 'EAUTH' ? noAuth : whyNoConnection(new Error(code ?? message));
};

export interface ServerAsking {
  trust?: ConnectionOptions;
  hostName: string;
  /** Milliseconds that one answer may take. */
  withinMs: number;
  /** Ends all of it, however many answers it needs. */
  signal: AbortSignal;
}

/**
 * Asks an SMTP server whether credentials are right, by logging in with them; each time over a connection of its own.
 * @throws SourceUnavailable
 */
export const askServer = (
  server: ForwardingServer,
  { name, password }: Credentials,
  { trust = {}, hostName, withinMs, signal }: ServerAsking,
): Promise<Verdict> => {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    name: hostName,
    connectionTimeout: withinMs,
    greetingTimeout: withinMs,
    socketTimeout: withinMs,
    dnsTimeout: withinMs,
    logger: false,
    allowInternalNetworkInterfaces: true,
    ...tlsOptionsOf(server, trust),
  });
  const end = (verdict: Verdict) => {
    resolve(verdict);
    connection.close();
  };
  const fail = (why: string) => {
    reject(new SourceUnavailable(server, why));
    connection.close();
  };
  let isAsked = false;
  const failed = (error: Failure) => fail(isAsked ? whyNotLoggedIn(error) : whyNotConnected(error, server));
  signal.addEventListener('abort', () => fail(notInTime), { once: true });
  connection.on('error', failed);
  connection.on('end', () => fail('it has ended the connection'));
  connection.connect((error) => {
    if (error) return failed(error);
    if (!connection.allowsAuth) return fail(noAuth);
    isAsked = true;
    connection.login({ user: name, pass: password }, (refused?: Failure | null) => {
      const answer = String(connection.lastServerResponse);
      if (!refused && isAccepted(answer)) end('accepted');
      else if (!refused) fail(`it answers AUTH with ${answer.slice(0, 3)}`);
      else if (refused.code === 'EAUTH' && refusals.has(refused.responseCode ?? 0)) end('refused');
      else failed(refused);
    });
  });
  return promise;
};
