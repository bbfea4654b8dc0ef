import { sharedFamilies } from '../../../shared/domain/listeners.ts';
import { activeSections, type Family, families } from '../../../shared/domain/sections.ts';
import { tlsOf } from '../../../shared/domain/tls.ts';
import { noTls, type SmtpSettings } from '../../../shared/schemas/smtp.ts';
import type { Direction, GuardListener } from '../guard-configuration.ts';

/** TLS of a listener; outbound knows no more than whether it is offered. */
export interface Tls {
  accept: boolean;
  certificateId: string | null;
  require: boolean;
  clientCertificate: GuardListener['clientCertificate'];
}

/** One smtpd service. */
export interface Listener {
  /** `inbound-ipv4`, `shared-ipv6`, …: names its policy context and its lines in the log. */
  name: string;
  address: string;
  port: number;
  /** In the order in which their rules are asked (DESIGN 3): at a shared listener outbound first. */
  directions: readonly Direction[];
  tls: Tls;
}

type Pair = { address: string; port: number };

const pairOf = (smtp: SmtpSettings, direction: Direction, family: Family): Pair | null =>
  (activeSections({ ...smtp }).includes(direction) ? smtp[direction]?.[family] : null) ?? null;

const inFamily = (smtp: SmtpSettings, family: Family): Listener[] => {
  const listener = (name: string, directions: Direction[], tlsFrom: Direction): Listener[] => {
    const own = pairOf(smtp, tlsFrom, family);
    const tls = { ...noTls, ...tlsOf(smtp, tlsFrom) };
    return own ? [{ name: `${name}-${family}`, ...own, directions, tls }] : [];
  };
  const mail = sharedFamilies(smtp).includes(family)
    ? listener('shared', ['outbound', 'inbound'], 'inbound')
    : [...listener('inbound', ['inbound'], 'inbound'), ...listener('outbound', ['outbound'], 'outbound')];
  return [...mail, ...listener('authentication', ['authentication'], 'authentication')];
};

/** Every listener of the settings. One that inbound and outbound share has the TLS of inbound (`SHARED_LISTENER_TLS`). */
export const listenersOf = (smtp: SmtpSettings): Listener[] =>
  families.flatMap((family) => inFamily(smtp, family));

/** Directions that clients may come from. */
export const directionsOf = (smtp: SmtpSettings): Direction[] => [
  ...new Set(listenersOf(smtp).flatMap(({ directions }) => directions)),
];
