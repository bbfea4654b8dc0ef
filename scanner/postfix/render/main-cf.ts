import { dirname } from 'node:path';
import { type Direction, verdictOf } from '../guard-configuration.ts';
import type { Bindings } from './bindings.ts';
import type { Configuration } from './input.ts';
import type { Place } from './place.ts';
import { type Destination, destinationsOf } from './routes.ts';
import { internalTransport, type Transport, transportOf } from './transports.ts';
import { grouped, mainLines, type Parameters } from './values.ts';

/** What every part of main.cf is made from. */
export interface Scene {
  configuration: Configuration;
  ways: readonly Direction[];
  bindings: Bindings;
  transports: readonly Transport[];
}

const instance = ({ queueDirectory, dataDirectory, logFile, hostName }: Place): Parameters => [
  ['compatibility_level', '3.6'],
  ['queue_directory', queueDirectory],
  ['data_directory', dataDirectory],
  ...(logFile === null
    ? []
    : ([
        ['maillog_file', logFile],
        ['maillog_file_prefixes', dirname(logFile)],
      ] as const)),
  ['myhostname', hostName],
  // Listeners have addresses of their own in master.cf. This never changes, since a change would need a restart.
  ['inet_interfaces', 'all'],
  ['inet_protocols', 'all'],
];

/** Nothing is delivered on this host, and no client is trusted for where it is. */
const gateway: Parameters = [
  ['mydestination', ''],
  ['local_transport', 'error:5.1.1 No mail is delivered on this host'],
  ['local_recipient_maps', ''],
  ['relay_domains', ''],
  ['alias_maps', ''],
  ['alias_database', ''],
  ['mynetworks', ''],
  ['local_header_rewrite_clients', ''],
  ['append_dot_mydomain', 'no'],
  ['biff', 'no'],
  ['notify_classes', ''],
];

const guardCheck = ({ policySocket }: Place): string => `check_policy_service unix:${policySocket}`;

/** The guard is asked at each step; whatever it does not say is deferred. */
const sessions = (place: Place): Parameters => [
  ['smtpd_banner', `${place.hostName} ESMTP`],
  ['smtpd_delay_reject', 'no'],
  ['disable_vrfy_command', 'yes'],
  ['smtpd_etrn_restrictions', 'reject'],
  ['smtpd_client_event_limit_exceptions', ''],
  ['smtpd_policy_service_default_action', '451 4.3.0 Temporarily unable to judge this'],
  ['smtpd_policy_service_timeout', '20s'],
  ['smtpd_client_restrictions', guardCheck(place)],
  ['smtpd_sender_restrictions', guardCheck(place)],
  ['smtpd_relay_restrictions', `${guardCheck(place)}, defer`],
  ['smtpd_recipient_restrictions', ''],
  // For a recipient that Postfix takes without asking, `<postmaster>`, this is the only verdict.
  ['smtpd_data_restrictions', `${guardCheck(place)}, defer`],
  // The end of a message is CR LF . CR LF and nothing else, or one message could smuggle in another (Postfix 3.7.9).
  ['smtpd_forbid_bare_newline', 'yes'],
  ['smtpd_forbid_unauth_pipelining', 'yes'],
  ['smtpd_tls_security_level', 'none'],
  ['smtpd_tls_fingerprint_digest', 'sha256'],
  // Each smtpd has its own (`-o`); cleanup, which all share, must not cut off what one of them takes.
  ['message_size_limit', '0'],
];

/**
 * A table that answers one of these results by chance. The chance is about numbers, which stand for the results: a value of `randmap`
 * itself has neither spaces nor commas.
 */
const oneOf = (results: readonly string[]): string => {
  const numbers = results.map((_, index) => String(index + 1));
  const named = results.map((result, index) => `${numbers[index]} = ${result}`);
  return `randmap:{${numbers.join(', ')}}, inline:${grouped(named)}`;
};

/** Where inbound mail goes, whatever its recipients are: to the local-delivery hosts and nowhere else (DESIGN 9). */
const inboundDestinations = ({ hosts }: Configuration): Destination[] =>
  destinationsOf(hosts.localDelivery).map((destination) => `${internalTransport}:${destination}`);

/**
 * The filter of inbound mail that names no hosts: those of the day when it is delivered are taken (`default_filter_nexthop`), so what waits
 * follows a list that changes.
 */
export const inboundFilter = `${internalTransport}:`;

/** Hosts that share the load are written into each message, for only there Postfix takes one by chance. */
const inboundFilters = (configuration: Configuration): string[] => {
  const destinations = inboundDestinations(configuration);
  return destinations.length === 1 ? [inboundFilter] : destinations;
};

const inboundVerdict = (configuration: Configuration): string => {
  const filters = inboundFilters(configuration).map((filter) => `FILTER ${filter}`);
  return filters.length === 0
    ? 'check_client_access static:{554 5.3.5 This host has no place to deliver mail to}'
    : `check_client_access pipemap:{${oneOf(filters)}}, permit`;
};

/**
 * Where no connection is ever made, and mail waits: the broadcast address. A name that is not there would have it returned, and without either
 * Postfix takes the recipient's domain, which is relaying.
 */
const nowhere = '[255.255.255.255]:25';

const verdicts: Record<Direction, (configuration: Configuration) => string> = {
  inbound: inboundVerdict,
  outbound: () => 'permit',
  authentication: () => 'permit_sasl_authenticated, reject',
};

const classes = ({ configuration, ways }: Scene): Parameters => [
  ['smtpd_restriction_classes', ways.map(verdictOf).join(', ')],
  ...ways.map((way) => [verdictOf(way), verdicts[way](configuration)] as const),
];

/** By MX lookup of the recipient's domain (an empty next hop), or to the relay hosts. */
const externalDestinations = ({ smtp, hosts }: Configuration): Destination[] =>
  smtp.outbound?.nonLocalDelivery === 'relay' ? destinationsOf(hosts.relay) : [''];

/** A table that has these keys, each with one of these results by chance. */
const keyed = (keys: readonly string[], results: readonly string[]): string =>
  `pipemap:{inline:${grouped(keys.map((key) => `${key} = x`))}, ${oneOf(results)}}`;

const senderMaps = ({ configuration, bindings, transports }: Scene): string[] => {
  const destinations = externalDestinations(configuration);
  const groups = new Map<string, string[]>();
  for (const { domain, sources } of bindings.domains) {
    const names = sources.map((source) => transportOf(transports, source)).join(' ');
    groups.set(names, [...(groups.get(names) ?? []), `@${domain}`]);
  }
  const resultsOf = (names: string) =>
    names.split(' ').flatMap((name) => destinations.map((destination) => `${name}:${destination}`));
  const own = [...groups].map(([names, keys]) => keyed(keys, resultsOf(names)));
  return destinations.length > 1 ? [...own, `pipemap:{${oneOf(resultsOf('external'))}}`] : own;
};

/** Domains that the settings call local: those with bindings of their own (tab row "Non-local bindings"), and the senders' default. */
const localDomains = ({ configuration: { advanced }, bindings }: Scene): string[] => {
  const sender = advanced.outbound.defaultSenderDomain;
  return [
    ...new Set([...(sender === null ? [] : [sender]), ...bindings.domains.map(({ domain }) => domain)]),
  ];
};

const localMaps = (scene: Scene): string => {
  const domains = localDomains(scene);
  const destinations = inboundDestinations(scene.configuration);
  const hasBoth = scene.configuration.smtp.inbound && scene.configuration.smtp.outbound;
  return hasBoth && domains.length > 0 && destinations.length > 0 ? keyed(domains, destinations) : '';
};

const routing = (scene: Scene): Parameters => {
  const { advanced, place, smtp, hosts } = scene.configuration;
  return [
    ['myorigin', advanced.outbound.defaultSenderDomain ?? place.hostName],
    ['default_transport', `external:${externalDestinations(scene.configuration)[0]}`],
    ['sender_dependent_default_transport_maps', senderMaps(scene).join(', ')],
    ['transport_maps', localMaps(scene)],
    ['default_filter_nexthop', (smtp.inbound && destinationsOf(hosts.localDelivery)[0]) ?? nowhere],
  ];
};

/** Postfix counts connections by destination: so many processes as may go to one address keep that limit, and the one above it. */
const limitsOf = ({ configuration, transports }: Scene): Parameters =>
  transports.flatMap(({ name, processes }) => [
    [`${name}_destination_concurrency_limit`, String(processes)] as const,
    [
      `${name}_destination_recipient_limit`,
      String(configuration.advanced.delivery.maxRecipientsPerMessage),
    ] as const,
  ]);

/** Postfix looks at the deferred queue every five minutes; oftener where the first wait is shorter. */
const longestQueueRun = 5;

const delivery = (scene: Scene): Parameters => {
  const { delivery: given } = scene.configuration.advanced;
  return [
    ['queue_run_delay', `${Math.min(longestQueueRun, given.minRetryMinutes)}m`],
    ['minimal_backoff_time', `${given.minRetryMinutes}m`],
    ['maximal_backoff_time', `${given.maxRetryMinutes}m`],
    ['maximal_queue_lifetime', `${given.messageTimeoutHours}h`],
    ['bounce_queue_lifetime', `${given.bounceTimeoutHours}h`],
    // A notice has the headers alone: senders are forged, and what was sent to them would be whole messages.
    ['bounce_size_limit', '1'],
    ['delay_warning_time', `${given.delayNotificationHours}h`],
    ['smtp_tls_security_level', given.opportunisticTls ? 'may' : 'none'],
    ['smtp_bind_address_enforce', 'yes'],
    // A connection that waits in the cache would be one more than its limit.
    ['smtp_connection_cache_on_demand', 'no'],
    ...limitsOf(scene),
  ];
};

const parts: Record<string, (scene: Scene) => Parameters> = {
  'The instance': ({ configuration }) => instance(configuration.place),
  'A gateway: no mail ends here': () => gateway,
  'Sessions: the guard is asked at each step': ({ configuration }) => sessions(configuration.place),
  'Where mail goes, by what the guard answers': classes,
  'Where other mail goes': routing,
  Delivery: delivery,
};

/** main.cf of a configuration. */
export const mainCf = (scene: Scene): string =>
  [
    `# Made for version ${scene.configuration.place.version}, whose first number is its revision. Edits are lost.`,
    ...Object.entries(parts).map(([title, part]) => `# ${title}\n${mainLines(part(scene))}`),
    '',
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n');
