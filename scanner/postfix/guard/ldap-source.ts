import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, ResultCodeError } from 'ldapts';
import type { StoredSource } from '../../../shared/domain/directory-sources.ts';
import type { Verdict } from './dovecot-server.ts';
import type { Credentials } from './sasl.ts';
import { SourceUnavailable, whyNoAnswer } from './unavailable.ts';

/** As much of a directory source as is asked with. */
export type Directory = Pick<
  StoredSource,
  'host' | 'port' | 'tls' | 'bindDn' | 'bindPassword' | 'baseDn' | 'userFilter' | 'timeoutSeconds'
>;

/** RFC 4515, section 3: what a value must not hold as it is. */
const escaped = (text: string): string =>
  text.replace(/[\\*()\u0000]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** The filter that finds a user, or null where it asks for the part behind an @ and the name has none: such a name is nobody's. */
export const filterFor = (userFilter: string, name: string): string | null => {
  const at = name.lastIndexOf('@');
  if (at < 0 && userFilter.includes('%d')) return null;
  const parts: Record<string, string> = {
    '%s': name,
    '%u': at < 0 ? name : name.slice(0, at),
    '%d': at < 0 ? '' : name.slice(at + 1),
  };
  return userFilter.replace(/%[sud]/g, (placeholder) => escaped(parts[placeholder] ?? ''));
};

/**
 * Results of a bind that say that these credentials are not let in: inappropriate authentication, invalid credentials, insufficient access rights,
 * unwilling to perform and constraint violation (locked or expired accounts), no such object (RFC 4511, 4.1.9).
 */
const refusals = new Set([19, 32, 48, 49, 50, 53]);
const sizeLimitExceeded = 4;

const codeOf = (error: unknown): number | null => (error instanceof ResultCodeError ? error.code : null);

const urlOf = ({ host, port, tls }: Directory): string =>
  `${tls === 'ldaps' ? 'ldaps' : 'ldap'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** How directories are asked. */
export interface DirectoryAsking {
  trust?: ConnectionOptions;
  /** Milliseconds that one answer may take, where the source does not say less. */
  withinMs: number;
  /** Ends all of it, however many answers it needs. */
  signal: AbortSignal;
}

const clientOf = (
  source: Directory,
  tlsOptions: ConnectionOptions,
  { withinMs }: Pick<DirectoryAsking, 'withinMs'>,
): Client => {
  const timeout = Math.min(withinMs, source.timeoutSeconds * 1000);
  return new Client({
    url: urlOf(source),
    timeout,
    connectTimeout: timeout,
    strictDN: false,
    // Given these at once, the client would speak TLS from the first byte whatever the URL.
    ...(source.tls === 'ldaps' ? { tlsOptions } : {}),
  });
};

const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Connects as the source says: nothing is asked before its TLS is there, and its certificate is one that this host trusts. */
const using = async <T>(
  source: Directory,
  asking: DirectoryAsking,
  act: (client: Client) => Promise<T>,
): Promise<T> => {
  const servername = isIP(source.host) === 0 ? { servername: source.host } : {};
  const tlsOptions = { ...asking.trust, ...servername, rejectUnauthorized: true, host: source.host };
  const client = clientOf(source, tlsOptions, asking);
  const acting = async (): Promise<T> => {
    if (source.tls === 'start-tls') await client.startTLS(tlsOptions);
    return act(client);
  };
  try {
    // A handshake of STARTTLS has no limit of its own.
    return await Promise.race([acting(), ended(asking.signal)]);
  } catch (error) {
    if (error instanceof SourceUnavailable) throw error;
    throw new SourceUnavailable(source, whyNoAnswer(error));
  } finally {
    await client.unbind().catch(() => undefined);
  }
};

const bindToSearch = async (source: Directory, client: Client): Promise<void> => {
  const { bindDn, bindPassword } = source;
  if (bindDn === null) return;
  await client.bind(bindDn, bindPassword ?? '').catch((error: unknown) => {
    const refuses = refusals.has(codeOf(error) ?? -1)
      ? 'the bind of the source itself (bindDn) is refused: '
      : '';
    throw new SourceUnavailable(source, refuses + whyNoAnswer(error));
  });
};

/** The names of at most two entries that a filter finds; the second says that the first is not the only one. */
const entriesFor = (source: Directory, filter: string, asking: DirectoryAsking): Promise<string[]> =>
  using(source, asking, async (client) => {
    await bindToSearch(source, client);
    try {
      const { searchEntries } = await client.search(source.baseDn, {
        filter,
        scope: 'sub',
        attributes: ['1.1'],
        sizeLimit: 2,
      });
      return searchEntries.map(({ dn }) => dn);
    } catch (error) {
      if (codeOf(error) === sizeLimitExceeded) return ['', ''];
      throw error;
    }
  });

const bindAs = (source: Directory, dn: string, password: string, asking: DirectoryAsking): Promise<Verdict> =>
  using(source, asking, async (client) => {
    try {
      await client.bind(dn, password);
      return 'accepted';
    } catch (error) {
      if (refusals.has(codeOf(error) ?? -1)) return 'refused';
      throw error;
    }
  });

/**
 * Asks all directories for a user, and the one that has it for the password, by a bind. A user that is found more than once is nobody
 * (`smg.md` 4), so a directory that does not answer leaves it open whether another one's user is the only one.
 * @throws SourceUnavailable of a directory that does not answer, or not so that it can be understood.
 */
export const askDirectories = async (
  sources: readonly Directory[],
  { name, password }: Credentials,
  asking: DirectoryAsking,
): Promise<Verdict> => {
  const found = await Promise.all(
    sources.map(async (source) => {
      const filter = filterFor(source.userFilter, name);
      const dns = filter === null ? [] : await entriesFor(source, filter, asking);
      return dns.map((dn) => ({ source, dn }));
    }),
  );
  const [only, ...others] = found.flat();
  if (!only || others.length > 0 || only.dn === '') return 'refused';
  return bindAs(only.source, only.dn, password, asking);
};
