import type { ConnectionOptions } from 'node:tls';
import type { Authenticate, Verdict } from './dovecot-server.ts';
import { askDirectories } from './ldap-source.ts';
import { rangeOf } from './ranges.ts';
import type { Credentials } from './sasl.ts';
import { sayRarely } from './say-rarely.ts';
import { askServer } from './smtp-source.ts';
import { TooBusy, type TurnLimits, takeTurns } from './turns.ts';
import { SourceUnavailable } from './unavailable.ts';
import type { GuardVersion, VersionStore } from './versions.ts';

export interface Asking {
  /** Certificate authorities that the sources are verified by. */
  trust: ConnectionOptions;
  /** How this host names itself to an SMTP server. */
  hostName: string;
  /** Milliseconds that an attempt may take, with all that it waits for: whoever asks waits no longer. */
  withinMs: number;
  log: (line: string) => void;
}

/**
 * A flood of attempts must not become one of the directory's, nor keep out others: attempts of one address, or IPv6 network, have a quarter of the
 * places.
 */
const limits: TurnLimits = { atOnce: 64, waiting: 256, ofOne: 16, leastMs: 500 };
const clientPrefix = 64;

const ask = (
  { configuration, directories }: GuardVersion,
  credentials: Credentials,
  { trust, hostName, withinMs }: Pick<Asking, 'trust' | 'hostName' | 'withinMs'>,
): Promise<Verdict> => {
  const { source } = configuration;
  const signal = AbortSignal.timeout(Math.ceil(withinMs));
  return source?.type === 'smtp-forwarding'
    ? askServer(source, credentials, { trust, hostName, withinMs, signal })
    : askDirectories(directories, credentials, { trust, withinMs, signal });
};

/** Of what was asked, nothing is told. */
const whyNot = (error: unknown): string => {
  if (error instanceof TooBusy) return `an attempt is not judged: ${error.message}`;
  return error instanceof SourceUnavailable ? error.message : (error as Error).name;
};

/**
 * Has names and passwords judged by the source of the version that asks. A version that is not loaded, a source that does not answer in time, too
 * many attempts: unavailable. A log says which server it was and why, each reason once a minute, and nothing of what was asked.
 */
export const authenticator = (versions: Pick<VersionStore, 'find'>, asking: Asking): Authenticate => {
  const inTurn = takeTurns(limits, () => performance.now());
  const say = sayRarely(asking.log, () => performance.now());
  return async (credentials, { service, client, secured }) => {
    const unavailable = (why: string): Verdict => {
      say(why, `authentication unavailable for a client at ${client}: ${why}`);
      return 'unavailable';
    };
    const found = versions.find(service);
    if (!found) return unavailable('the version of its listener is not loaded');
    if (!found.listener.directions.includes('authentication')) return unavailable('its listener has none');
    if (found.version.configuration.source === null) return unavailable('no source of users is set');
    if (found.listener.tlsRequired && !secured) return 'refused';
    const { version } = found;
    const { withinMs: allMs, ...how } = asking;
    try {
      return await inTurn(rangeOf(client, clientPrefix), allMs, (withinMs) =>
        ask(version, credentials, { ...how, withinMs }),
      );
    } catch (error) {
      return unavailable(whyNot(error));
    }
  };
};
