import type { Problem, Warning } from '../errors.ts';
import type { Host, HostInput } from '../schemas/hosts.ts';
import type { HostListName } from '../schemas/lists.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import type { Configuration } from './configuration.ts';
import { canonicalIpv4, canonicalIpv6 } from './lists/addresses.ts';
import type { ListFormat } from './lists/chunks.ts';
import type { Difference } from './lists/difference.ts';
import { parseDomain } from './lists/domains.ts';
import { problem } from './sections.ts';

export type HostDifference = Difference<Host>;

/** A host's line: preference, host, port, `mx` or `a`, id. Readable, and split at spaces, of which none has one. */
export const hostFormat: ListFormat<Host> = {
  value: (host) => host.hostId,
  line: ({ hostId, host, port, mxLookup, preference }) =>
    `${preference} ${host} ${port} ${mxLookup ? 'mx' : 'a'} ${hostId}\n`,
  enabled: () => true,
};

const hostOfLine = (line: string): Host => {
  const [preference = '', host = '', port = '', lookup = '', hostId = ''] = line.split(' ');
  return { hostId, host, port: Number(port), mxLookup: lookup === 'mx', preference: Number(preference) };
};

/** The hosts of a chunk's text, in order. */
export const decodeHosts = (text: string): Host[] => text.split('\n').slice(0, -1).map(hostOfLine);

const text = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** The order in which hosts are tried, then by name, so that equal sets are equal lists. */
const compareHosts = (one: Host, other: Host): number =>
  one.preference - other.preference ||
  text(one.host, other.host) ||
  one.port - other.port ||
  text(one.hostId, other.hostId);

export const sortHosts = (hosts: readonly Host[]): Host[] => [...hosts].sort(compareHosts);

/** Makes a single label a name that the parser of domains judges. */
const suffix = '.invalid';

/** The one form of a host, or null for what is neither an IPv4 address nor a name. One label is a name here. */
const canonicalHost = (given: string): { host: string; name: boolean } | null => {
  const address = canonicalIpv4(given);
  if (address !== null) return { host: address, name: false };
  const parsed = parseDomain(given);
  if (parsed.ok) return { host: parsed.name, name: true };
  if (parsed.code !== 'DOMAIN_SINGLE_LABEL') return null;
  const label = parseDomain(`${given.replace(/\.$/, '')}${suffix}`);
  return label.ok ? { host: label.name.slice(0, -suffix.length), name: true } : null;
};

/** The one form of the address or name of a server, IPv6 among them; null for what is neither. */
export const canonicalServer = (given: string): string | null =>
  canonicalIpv6(given) ?? canonicalHost(given)?.host ?? null;

/** Everything that is wrong with a host by itself, and its canonical form where nothing is. */
export const judgeHost = (given: HostInput): { problems: Problem[]; host: HostInput } => {
  if (canonicalIpv6(given.host.replace(/^\[(.*)\]$/, '$1')) !== null)
    return {
      problems: [
        problem('/host', 'IPV6_NOT_SUPPORTED', 'IPv6 addresses are not supported for this feature.'),
      ],
      host: given,
    };
  const own = canonicalHost(given.host);
  if (!own)
    return {
      problems: [problem('/host', 'HOST_INVALID', `"${given.host}" is no IPv4 address and no host name.`)],
      host: given,
    };
  const problems =
    given.mxLookup && !own.name
      ? [problem('/mxLookup', 'MX_LOOKUP_NEEDS_NAME', 'MX records are looked up of names, not of addresses.')]
      : [];
  return { problems, host: { ...given, host: own.host } };
};

/** What differs between two lists of hosts, by id, in the order of the later one and then of the earlier. */
export const compareHostLists = (before: readonly Host[], after: readonly Host[]): HostDifference[] => {
  const [old, present] = [before, after].map((hosts) => new Map(hosts.map((host) => [host.hostId, host])));
  const changed = after.flatMap((host): HostDifference[] => {
    const was = old?.get(host.hostId);
    if (!was) return [{ value: host.hostId, change: 'added', after: host }];
    return hostFormat.line(was) === hostFormat.line(host)
      ? []
      : [{ value: host.hostId, change: 'changed', before: was, after: host }];
  });
  const removed = before
    .filter((host) => !present?.has(host.hostId))
    .map((host): HostDifference => ({ value: host.hostId, change: 'removed', before: host }));
  return [...changed, ...removed];
};

/** True when another host of the list goes to the same place in the same way. */
export const isTaken = (hosts: readonly Host[], wanted: HostInput, but?: string): boolean =>
  hosts.some(
    (one) =>
      one.hostId !== but &&
      one.host === wanted.host &&
      one.port === wanted.port &&
      one.mxLookup === wanted.mxLookup,
  );

/** True when mail for other domains goes to the relay hosts: then there must be one. */
export const needsRelayHosts = (settings: SmtpSettings | null): boolean =>
  settings?.outbound?.nonLocalDelivery === 'relay';

/** What host lists mean to the settings: a relay without hosts is refused, inbound mail without a place to go is warned of. */
export const hostVerdict = (
  settings: SmtpSettings,
  lists: Configuration['lists'],
): { problems: Problem[]; warnings: Warning[] } => ({
  problems:
    needsRelayHosts(settings) && lists.relay.entries === 0
      ? [
          problem(
            '/outbound/nonLocalDelivery',
            'RELAY_HOSTS_REQUIRED',
            'Relaying needs a host in the relay list; add one first.',
          ),
        ]
      : [],
  warnings:
    settings.inbound && lists['local-delivery'].entries === 0
      ? [
          problem(
            '/inbound',
            'LOCAL_DELIVERY_EMPTY',
            'There is no local-delivery host, so inbound mail has no place to go.',
          ),
        ]
      : [],
});

/** The configuration with a host list replaced. */
export const withHosts = (
  configuration: Configuration,
  list: HostListName,
  reference: Configuration['lists'][HostListName],
): Configuration => ({ ...configuration, lists: { ...configuration.lists, [list]: reference } });
