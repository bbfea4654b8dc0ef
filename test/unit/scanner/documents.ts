import * as fc from 'fast-check';
import { advancedOf, type Desired, digestOfAdvanced } from '../../../shared/domain/desired.ts';
import type { SmtpAdvancedDesired, SmtpDesired } from '../../../shared/messages/shadow.ts';
import { type AdvancedSettingsInput, advancedSettings } from '../../../shared/schemas/advanced.ts';
import { sha } from './lists-of.ts';

export const root = (digit: string): string => digit.repeat(64);

/** TLS that is not offered, as a shadow says it. */
export const shadowOutboundTls = { accept: false };
export const shadowTls = { accept: false, require: false, clientCertificate: 'none' as const };

/** Advanced settings as the shadow `smtp-advanced` says them. */
export const advancedDesired = (more: AdvancedSettingsInput = {}): SmtpAdvancedDesired =>
  advancedOf(advancedSettings.parse(more));

export const digestOf = (advanced: object): string => digestOfAdvanced(advanced, sha);

/** The digest of the advanced settings that nobody has changed. */
const standard = digestOf(advancedDesired());

/** The two documents of a configuration, which belong together. */
export const pair = (smtp: SmtpDesired, advanced = advancedDesired()): Desired => ({
  smtp: { ...smtp, advanced: digestOf(advanced) },
  advanced,
});

/** A desired document that any Scanner takes. */
export const desired = (more: Partial<SmtpDesired> = {}): SmtpDesired => ({
  revision: 7,
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.10', port: 25 }, tls: shadowTls, accept: 'listed' },
  lists: { inbound: { root: root('a'), entries: 2 } },
  advanced: standard,
  ...more,
});

/** All three sections, all three lists. */
export const wholeDesired = (more: Partial<SmtpDesired> = {}): SmtpDesired => ({
  revision: 7,
  mailFiltering: 'inbound-and-outbound',
  inbound: {
    ipv4: { address: '192.0.2.10', port: 25 },
    ipv6: { address: '2001:db8::10', port: 25 },
    tls: shadowTls,
    accept: 'all',
  },
  outbound: { ipv4: { address: '192.0.2.11', port: 25 }, tls: shadowOutboundTls, nonLocalDelivery: 'mx' },
  authentication: {
    enabled: true,
    ipv4: { address: '192.0.2.10', port: 587 },
    tls: shadowTls,
    source: { type: 'ldap' },
    accept: 'listed',
  },
  lists: {
    inbound: { root: root('a'), entries: 1 },
    outbound: { root: root('b'), entries: 2 },
    authentication: { root: root('c'), entries: 3 },
  },
  advanced: standard,
  artifacts: { 'directory-sources': root('e') },
  ...more,
});

const list = fc.record({
  root: fc.stringMatching(/^[0-9a-f]{64}$/),
  entries: fc.nat(1_000_000),
});
const listener = (last: number) =>
  fc.record({ address: fc.constant(`192.0.2.${last}`), port: fc.integer({ min: 1, max: 65535 }) });
const accept = fc.constantFrom<'all' | 'listed'>('all', 'listed');
const inbound = fc.record({ ipv4: listener(1), tls: fc.constant(shadowTls), accept });
const outbound = fc.record({
  ipv4: listener(2),
  tls: fc.constant(shadowOutboundTls),
  nonLocalDelivery: fc.constant('mx' as const),
});
const authentication = fc.oneof(
  fc.constant({ enabled: false }),
  fc.record({
    enabled: fc.constant(true as const),
    ipv4: listener(3),
    tls: fc.constant(shadowTls),
    source: fc.constant({ type: 'ldap' as const }),
    accept,
  }),
);
const revision = fc.integer({ min: 1, max: 1_000_000 });
const advanced = fc
  .record({ minRetryMinutes: fc.integer({ min: 1, max: 420 }), opportunisticTls: fc.boolean() })
  .map((delivery) => advancedDesired({ delivery }));
const artifacts = fc.record({ 'directory-sources': fc.stringMatching(/^[0-9a-f]{64}$/) });

const anySmtp = fc.oneof(
  fc.record({
    revision,
    mailFiltering: fc.constant('inbound' as const),
    inbound,
    lists: fc.record({ inbound: list }),
  }),
  fc.record({
    revision,
    mailFiltering: fc.constant('outbound' as const),
    outbound,
    authentication,
    artifacts,
    lists: fc.record({ outbound: list, authentication: list }),
  }),
  fc.record({
    revision,
    mailFiltering: fc.constant('inbound-and-outbound' as const),
    inbound,
    outbound,
    authentication,
    artifacts,
    lists: fc.record({ inbound: list, outbound: list, authentication: list }),
  }),
);

/** Desired documents as the publisher makes them: in each mode, the lists of the sections that take clients. */
export const anyPair: fc.Arbitrary<Desired> = fc
  .tuple(anySmtp, advanced)
  .map(([smtp, settings]) => pair({ ...smtp, advanced: '' }, settings));
export const anyDesired: fc.Arbitrary<SmtpDesired> = anyPair.map(({ smtp }) => smtp);
