import type { ConnectionOptions } from 'node:tls';
import { atMost } from './at-most.ts';
import type { Authenticate, Verdict } from './dovecot-server.ts';
import { askDirectories } from './ldap-source.ts';
import type { Credentials } from './sasl.ts';
import { askServer } from './smtp-source.ts';
import type { GuardVersion, VersionStore } from './versions.ts';

export interface Asking {
  /** Certificate authorities that the sources are verified by. */
  trust: ConnectionOptions;
  /** How this host names itself to an SMTP server. */
  hostName: string;
  /** Milliseconds that a source has for each of its answers, at most. */
  withinMs: number;
  log: (line: string) => void;
}

/** Asked at a time; a flood of attempts must not become one of the directory's. */
const mostAtOnce = 64;

const ask = (
  { configuration, directories }: GuardVersion,
  credentials: Credentials,
  { trust, hostName, withinMs }: Asking,
): Promise<Verdict> => {
  const { source } = configuration;
  if (source?.type === 'smtp-forwarding')
    return askServer(source, credentials, { trust, hostName, withinMs });
  const seconds = withinMs / 1000;
  const inTime = directories.map((directory) => ({
    ...directory,
    timeoutSeconds: Math.min(seconds, directory.timeoutSeconds),
  }));
  return askDirectories(inTime, credentials, trust);
};

/**
 * Has names and passwords judged by the source of the version that asks. A version that is not loaded, a source that does not answer: unavailable. A
 * log says which kind of error that was, and nothing of what was asked.
 */
export const authenticator = (versions: Pick<VersionStore, 'find'>, asking: Asking): Authenticate => {
  const inTurn = atMost(mostAtOnce);
  return async (credentials, { service, secured }) => {
    const found = versions.find(service);
    if (!found?.listener.directions.includes('authentication')) return 'unavailable';
    if (found.version.configuration.source === null) return 'unavailable';
    if (found.listener.tlsRequired && !secured) return 'refused';
    try {
      return await inTurn(() => ask(found.version, credentials, asking));
    } catch (error) {
      const { name, code } = error as { name: string; code?: string | number };
      asking.log(`the authentication source does not answer: ${name}${code === undefined ? '' : ` ${code}`}`);
      return 'unavailable';
    }
  };
};
