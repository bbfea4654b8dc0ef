import { contextOf } from '../guard-configuration.ts';
import type { Source } from './bindings.ts';
import { authoritiesFile, certificateFile, pathIn, receivedFile } from './files.ts';
import type { Configuration } from './input.ts';
import type { Listener } from './listeners.ts';
import { inboundFilter, type Scene } from './main-cf.ts';
import { rewritesReceived } from './received.ts';
import { internalTransport, type Transport } from './transports.ts';
import { grouped, overrideLines, type Parameters } from './values.ts';

const authenticationCleanup = 'cleanup_authentication';

/** A line of master(5) with its overrides. Nothing is chrooted. `processes`: 0 for no limit, `-` for the default one. */
const service = (
  [name, type, processes, command]: readonly [string, 'inet' | 'unix' | 'unix-dgram', string, string],
  overrides: Parameters = [],
  { isPrivate = '-', privileged = '-', wakeup = '-' } = {},
): string =>
  [
    `${name} ${type} ${isPrivate} ${privileged} n ${wakeup} ${processes} ${command}`,
    ...overrideLines(overrides),
  ].join('\n');

/** A message that is requeued loses its filter (pickup(8)), and with it what says that it is inbound: it waits, and is not relayed. */
const requeued = 'retry:4.3.0 Requeued, or of this host itself: it is not known which way this goes';

const shared = [
  service(['pickup', 'unix', '1', 'pickup'], [['content_filter', requeued]], {
    isPrivate: 'n',
    wakeup: '60',
  }),
  service(['cleanup', 'unix', '0', 'cleanup'], [], { isPrivate: 'n' }),
  service(['qmgr', 'unix', '1', 'qmgr'], [], { isPrivate: 'n', wakeup: '60' }),
  service(['tlsmgr', 'unix', '1', 'tlsmgr'], [], { wakeup: '1000?' }),
  service(['rewrite', 'unix', '-', 'trivial-rewrite']),
  service(['bounce', 'unix', '0', 'bounce']),
  service(['defer', 'unix', '0', 'bounce']),
  service(['trace', 'unix', '0', 'bounce']),
  service(['verify', 'unix', '1', 'verify']),
  service(['flush', 'unix', '0', 'flush'], [], { isPrivate: 'n', wakeup: '1000?' }),
  service(['proxymap', 'unix', '-', 'proxymap']),
  service(['showq', 'unix', '-', 'showq'], [], { isPrivate: 'n' }),
  service(['error', 'unix', '-', 'error']),
  service(['retry', 'unix', '-', 'error']),
  service(['anvil', 'unix', '1', 'anvil']),
  service(['postlog', 'unix-dgram', '1', 'postlogd'], [], { isPrivate: 'n' }),
];

const tlsOverrides = ({ tls }: Listener, { place }: Configuration): Parameters => {
  if (!tls.accept) return [];
  const asks = tls.clientCertificate !== 'none';
  return [
    ['smtpd_tls_security_level', tls.require ? 'encrypt' : 'may'],
    ['smtpd_tls_auth_only', tls.require ? 'yes' : 'no'],
    ['smtpd_tls_chain_files', pathIn(place, certificateFile(tls.certificateId ?? ''))],
    ...(asks
      ? ([
          // Not `req_ccert`: the guard refuses in words what OpenSSL would end in silence.
          ['smtpd_tls_ask_ccert', 'yes'],
          ['smtpd_tls_CAfile', pathIn(place, authoritiesFile)],
          // A session that is resumed would be trusted by the authorities of the day when it began. There is no cache of sessions but tickets.
          ['tls_ssl_options', 'NO_TICKET'],
        ] as const)
      : []),
  ];
};

/** Tries to authenticate of one address in a minute (`anvil_rate_time_unit`), right ones among them; the limit is ours, so that passwords are not guessed fast. */
const attemptsAMinute = 60;

const authenticationOverrides = ({ name }: Listener, { place, advanced }: Configuration): Parameters => [
  ['smtpd_sasl_auth_enable', 'yes'],
  ['smtpd_sasl_type', 'dovecot'],
  ['smtpd_sasl_path', `unix:${place.authSocket}`],
  ['smtpd_sasl_service', contextOf(name, place.version)],
  ['smtpd_sasl_security_options', 'noanonymous'],
  ['smtpd_client_auth_rate_limit', String(attemptsAMinute)],
  ...(rewritesReceived(advanced.authentication)
    ? ([
        ['cleanup_service_name', authenticationCleanup],
        ['mail_name', place.marker],
      ] as const)
    : []),
];

/** Inbound alone; at a shared listener it is the guard's verdict that sends inbound mail this way. */
const filterOverride = ({ directions }: Listener, { hosts }: Configuration): Parameters => {
  const isInbound = directions.length === 1 && directions[0] === 'inbound';
  return isInbound && hosts.localDelivery.length > 0 ? [['content_filter', inboundFilter]] : [];
};

/** A stranger who asks for delivery notices has them sent to whom he likes (RFC 3461): where strangers come, there are none. */
const strangerOverrides = ({ directions }: Listener): Parameters =>
  directions.includes('inbound') ? [['smtpd_discard_ehlo_keywords', 'silent-discard, dsn, etrn']] : [];

/** A name is looked up where a name can decide: without it, a DNS that is away stalls nobody. */
export const needsNames = ({ directions }: Listener, { smtp, withDomains }: Configuration): boolean =>
  directions.some((way) => withDomains.has(way) && (way === 'outbound' || smtp[way]?.accept === 'listed'));

const listenerService = (listener: Listener, configuration: Configuration): string => {
  const { name, address, port, directions } = listener;
  const { advanced, place } = configuration;
  const limits = directions.map((way) => advanced[way]);
  const most = (member: 'maxConnectionsPerAddress' | 'maxMessageBytes' | 'maxRecipientsPerMessage') =>
    String(Math.max(...limits.map((one) => one[member])));
  const processes = limits.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  const host = address.includes(':') ? `[${address}]` : address;
  return service(
    [`${host}:${port}`, 'inet', String(processes), 'smtpd'],
    [
      ['syslog_name', `postfix/${name}`],
      ['smtpd_policy_service_policy_context', contextOf(name, place.version)],
      ['smtpd_client_connection_count_limit', most('maxConnectionsPerAddress')],
      ['smtpd_recipient_limit', most('maxRecipientsPerMessage')],
      ['message_size_limit', most('maxMessageBytes')],
      ['smtpd_peername_lookup', needsNames(listener, configuration) ? 'yes' : 'no'],
      ...filterOverride(listener, configuration),
      ...strangerOverrides(listener),
      ...tlsOverrides(listener, configuration),
      ...(directions.includes('authentication') ? authenticationOverrides(listener, configuration) : []),
    ],
    { isPrivate: 'n' },
  );
};

const cleanupService = ({ place }: Configuration): string =>
  service(
    [authenticationCleanup, 'unix', '0', 'cleanup'],
    [
      ['header_checks', `regexp:${pathIn(place, receivedFile)}`],
      ['mime_header_checks', ''],
      ['nested_header_checks', ''],
    ],
    { isPrivate: 'n' },
  );

/** A family without an address of its own is not used, or its connections would come from elsewhere. */
const sourceOverrides = (source: Source): Parameters => {
  if (source === 'auto') return [];
  const { ipv4, ipv6 } = source;
  const protocols = [...(ipv4 === null ? [] : ['ipv4']), ...(ipv6 === null ? [] : ['ipv6'])];
  return [
    ['inet_protocols', protocols.join(', ')],
    ...(ipv4 === null ? [] : ([['smtp_bind_address', ipv4]] as const)),
    ...(ipv6 === null ? [] : ([['smtp_bind_address6', ipv6]] as const)),
  ];
};

/**
 * A host of the settings whose name is not found, takes no mail (RFC 7505) or leads back to this host is a mistake that is mended: mail waits for
 * that, and is not returned. Of `relayhost`, which the settings' hosts stand for, Postfix says 4.3.5 itself (smtp_connect.c).
 */
const unusableHosts = [
  '/^5[.]4[.]4 ((unable to look up host|Host or domain name not found).*)/ 4.4.4 $1',
  '/^5[.]1[.]0 (Domain [^ ]+ does not accept mail .*)/ 4.3.5 $1',
  '/^5[.]4[.]6 (mail for [^ ]+ loops back to myself)/ 4.3.5 $1',
];

/** The host's own tables name hosts of the settings; domains of strangers are looked up in DNS alone. */
const lookupOverrides = ({ name }: Transport, { smtp }: Configuration): Parameters =>
  name === internalTransport || smtp.outbound?.nonLocalDelivery === 'relay'
    ? [
        ['smtp_host_lookup', 'dns, native'],
        ['smtp_delivery_status_filter', `regexp:${grouped(unusableHosts)}`],
      ]
    : [];

const transportService = (transport: Transport, configuration: Configuration): string =>
  service(
    [transport.name, 'unix', String(transport.processes), 'smtp'],
    [
      ['syslog_name', `postfix/${transport.name}`],
      ...lookupOverrides(transport, configuration),
      ...sourceOverrides(transport.source),
    ],
  );

/** master.cf of a configuration. */
export const masterCf = (
  { configuration, ways, transports }: Scene,
  listeners: readonly Listener[],
): string => {
  const isRewritten =
    ways.includes('authentication') && rewritesReceived(configuration.advanced.authentication);
  const services = [
    ...listeners.map((listener) => listenerService(listener, configuration)),
    ...transports.map((transport) => transportService(transport, configuration)),
    ...(isRewritten ? [cleanupService(configuration)] : []),
    ...shared,
  ];
  return `# service type private unpriv chroot wakeup maxproc command\n${services.join('\n')}\n`;
};
