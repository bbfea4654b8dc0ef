import { advancedProblems } from '../../../shared/domain/advanced.ts';
import { judgeHost } from '../../../shared/domain/hosts.ts';
import { differingLimits } from '../../../shared/domain/listeners.ts';
import { canonicalIpv4 } from '../../../shared/domain/lists/addresses.ts';
import { parseDomain } from '../../../shared/domain/lists/domains.ts';
import { settingsProblems } from '../../../shared/domain/settings.ts';
import { defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import type { HostInput } from '../../../shared/schemas/hosts.ts';
import type { Refusal } from '../../refusal.ts';
import type { Bindings, Source } from './bindings.ts';
import type { Configuration } from './input.ts';
import type { Listener } from './listeners.ts';
import { destinationsOf, ordersNeeded } from './routes.ts';
import { externalSources } from './transports.ts';

/** Most hosts written out for one list, over all orders of them: Postfix reads them all into memory with its configuration. */
const mostHostsWritten = 4096;
/** Characters of one destination. It is one record of a queue file, which is cut at `line_length_limit`, 2,048, its transport included. */
const longestDestination = 2000;

const judgedHosts = (pointer: string, hosts: readonly HostInput[]): Refusal[] =>
  hosts.flatMap((host) => {
    const { problems, host: own } = judgeHost(host);
    const message = problems[0]?.message ?? (own.host === host.host ? null : 'is not in its one form');
    return message === null
      ? []
      : [{ pointer, message: `The host ${JSON.stringify(host.host)}: ${message}` }];
  });

const tooMany = (pointer: string, hosts: readonly HostInput[]): Refusal[] => {
  const orders = ordersNeeded(hosts);
  if (orders * hosts.length > mostHostsWritten)
    return [
      {
        pointer,
        message: `Hosts of one preference share the load here by ${orders} orders of ${hosts.length} hosts, which is more than ${mostHostsWritten}; give one name with several addresses or MX records instead.`,
      },
    ];
  const length = Math.max(0, ...destinationsOf(hosts).map((destination) => destination.length));
  return length > longestDestination
    ? [
        {
          pointer,
          message: `The hosts are a destination of ${length} characters, and Postfix takes ${longestDestination}.`,
        },
      ]
    : [];
};

const listRefusals = (list: 'local-delivery' | 'relay', { smtp, hosts }: Configuration): Refusal[] => {
  const isLocal = list === 'local-delivery';
  if (isLocal ? !smtp.inbound : smtp.outbound?.nonLocalDelivery !== 'relay') return [];
  const used = isLocal ? hosts.localDelivery : hosts.relay;
  const pointer = isLocal ? '/inbound' : '/outbound/nonLocalDelivery';
  if (!isLocal && used.length === 0)
    return [{ pointer, message: 'Relaying needs a host in the relay list.' }];
  const judged = judgedHosts(pointer, used);
  return judged.length > 0 ? judged : tooMany(pointer, used);
};

const isUnreachable = (source: Source, hosts: readonly HostInput[]): boolean =>
  source !== 'auto' && source.ipv4 === null && hosts.some(({ host }) => canonicalIpv4(host) !== null);

/** An IPv6 address reaches no host that is named by its IPv4 address: mail would wait until it bounces. */
const familyRefusals = (bindings: Bindings, { smtp, hosts }: Configuration): Refusal[] => {
  const relay = smtp.outbound?.nonLocalDelivery === 'relay' ? hosts.relay : [];
  const local = smtp.inbound ? hosts.localDelivery : [];
  const message = 'An IPv6 address cannot be bound to reach hosts that are IPv4 addresses.';
  const isAnyDomain = bindings.domains.some(({ sources }) =>
    sources.some((one) => isUnreachable(one, relay)),
  );
  return [
    ...(isUnreachable(bindings.local, local) ? [{ pointer: '/advanced/bindings/local', message }] : []),
    ...(isUnreachable(bindings.nonLocal, relay) ? [{ pointer: '/advanced/bindings/nonLocal', message }] : []),
    ...(isAnyDomain ? [{ pointer: '/artifacts/domain-bindings', message }] : []),
  ];
};

const connectionRefusals = (bindings: Bindings, { advanced }: Configuration): Refusal[] => {
  const sources = externalSources(bindings).length;
  const most = advanced.delivery.maxExternalConnectionsPerAddress;
  return sources > most
    ? [
        {
          pointer: '/advanced/delivery/maxExternalConnectionsPerAddress',
          message: `Mail comes from ${sources} addresses, each of which needs a connection of its own, and ${most} are allowed.`,
        },
      ]
    : [];
};

const sharedRefusals = (listeners: readonly Listener[], { advanced }: Configuration): Refusal[] => {
  if (!listeners.some(({ directions }) => directions.length > 1)) return [];
  return differingLimits(advanced).map((name) => ({
    pointer: `/advanced/outbound/${name}`,
    message: `Inbound and outbound share a listener, which has one ${name}: give both the same.`,
  }));
};

const tlsRefusals = (
  listeners: readonly Listener[],
  { certificates, clientAuthorities }: Configuration,
): Refusal[] =>
  listeners.flatMap(({ tls, directions }) => {
    if (!tls.accept) return [];
    const pointer = `/${directions.at(-1)}/tls`;
    const lacks = (what: string, member: string) => [
      { pointer: `${pointer}/${member}`, message: `The ${what} that this needs is not there.` },
    ];
    return [
      ...(certificates.has(tls.certificateId ?? '') ? [] : lacks('certificate', 'certificateId')),
      ...(tls.clientCertificate !== 'none' && clientAuthorities === null
        ? lacks('client authority', 'clientCertificate')
        : []),
    ];
  });

/** Names that become a part of a table: in their one form, or nobody knows what they mean to Postfix. */
const domainRefusals = (bindings: Bindings, { advanced }: Configuration): Refusal[] => {
  const isName = (domain: string) => {
    const parsed = parseDomain(domain);
    return parsed.ok && parsed.name === domain;
  };
  const sender = advanced.outbound.defaultSenderDomain;
  return [
    ...(sender === null || isName(sender)
      ? []
      : [
          {
            pointer: '/advanced/outbound/defaultSenderDomain',
            message: 'This is no domain in its one form.',
          },
        ]),
    ...bindings.domains
      .filter(({ domain }) => !isName(domain))
      .map(({ domain }) => ({
        pointer: '/artifacts/domain-bindings',
        message: `${JSON.stringify(domain)} is no domain in its one form.`,
      })),
  ];
};

const ruleRefusals = ({ smtp, advanced }: Configuration): Refusal[] => [
  ...settingsProblems(smtp).map(({ pointer, message }) => ({ pointer, message })),
  ...advancedProblems(advanced, defaultAdvanced()).map(({ pointer, message }) => ({
    pointer: pointer.startsWith('/bindings/domains') ? '/artifacts/domain-bindings' : `/advanced${pointer}`,
    message,
  })),
];

/** Why a configuration cannot be honoured by Postfix and its guard; empty where it can, every setting of it exactly. */
export const configurationRefusals = (
  configuration: Configuration,
  listeners: readonly Listener[],
  bindings: Bindings,
): Refusal[] => [
  ...ruleRefusals(configuration),
  ...listRefusals('local-delivery', configuration),
  ...listRefusals('relay', configuration),
  ...domainRefusals(bindings, configuration),
  ...familyRefusals(bindings, configuration),
  ...connectionRefusals(bindings, configuration),
  ...sharedRefusals(listeners, configuration),
  ...tlsRefusals(listeners, configuration),
];
