import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { AuthenticationSource } from '../../../shared/schemas/smtp.ts';
import type { Verdict } from './dovecot-server.ts';
import type { Credentials } from './sasl.ts';

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

const verdictOf = (error: (Error & { code?: string; responseCode?: number }) | null | undefined): Verdict => {
  if (!error) return 'accepted';
  return error.code === 'EAUTH' && refusals.has(error.responseCode ?? 0) ? 'refused' : 'unavailable';
};

export interface ServerAsking {
  trust?: ConnectionOptions;
  hostName: string;
  /** Milliseconds that one answer may take. */
  withinMs: number;
  /** Ends all of it, however many answers it needs. */
  signal: AbortSignal;
}

/** Asks an SMTP server whether credentials are right, by logging in with them; each time over a connection of its own. */
export const askServer = (
  server: ForwardingServer,
  { name, password }: Credentials,
  { trust = {}, hostName, withinMs, signal }: ServerAsking,
): Promise<Verdict> => {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
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
  signal.addEventListener('abort', () => end('unavailable'), { once: true });
  connection.on('error', () => end('unavailable'));
  connection.on('end', () => resolve('unavailable'));
  connection.connect((error) => {
    if (error) end('unavailable');
    else connection.login({ user: name, pass: password }, (refused) => end(verdictOf(refused)));
  });
  return promise;
};
