import type { AdvancedSettings } from '../../../shared/schemas/advanced.ts';
import type { Direction, GuardConfiguration, GuardListener, GuardRules } from '../guard-configuration.ts';
import type { Configuration } from './input.ts';
import type { Listener } from './listeners.ts';

const guardListener = ({ address, port, directions, tls }: Listener): GuardListener => ({
  address,
  port,
  directions: [...directions],
  tlsRequired: tls.require,
  clientCertificate: tls.clientCertificate,
});

/** Authenticated mail is outbound mail: it waits in the same queue. */
const queueLimits = ({ inbound, outbound, delivery }: AdvancedSettings, way: Direction) => [
  { folders: ['incoming' as const], max: (way === 'inbound' ? inbound : outbound).maxQueuedMessages },
  ...(delivery.deferWhenQueueFull
    ? [{ folders: ['active' as const, 'deferred' as const], max: delivery.maxQueuedMessages }]
    : []),
];

const rulesOf = ({ smtp, advanced }: Configuration, way: Direction): GuardRules => {
  const limits = advanced[way];
  const { defaultSenderDomain, senderRecipientQuota } = advanced.outbound;
  const isInbound = way === 'inbound';
  return {
    accept: way === 'outbound' ? 'listed' : (smtp[way]?.accept ?? 'all'),
    maxConnections: limits.maxConnections,
    maxConnectionsPerRange: limits.maxConnectionsPerRange,
    ipv6Prefix: limits.ipv6Prefix,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    maxMessagesPerSession: limits.maxMessagesPerSession,
    queueLimits: queueLimits(advanced, way),
    bareSender: isInbound || defaultSenderDomain === null ? 'refuse' : 'complete',
    senderRecipientQuota: isInbound ? null : senderRecipientQuota,
  };
};

/** What Postfix alone cannot do of a configuration. */
export const guardOf = (configuration: Configuration, listeners: readonly Listener[]): GuardConfiguration => {
  const ways = [...new Set(listeners.flatMap(({ directions }) => directions))];
  const { smtp, place, revision, name } = configuration;
  return {
    format: 1,
    revision,
    ...(name === place.version ? {} : { askedAs: place.version }),
    queueDirectory: place.queueDirectory,
    listeners: Object.fromEntries(listeners.map((one) => [one.name, guardListener(one)])),
    rules: Object.fromEntries(ways.map((way) => [way, rulesOf(configuration, way)])),
    source: ways.includes('authentication') ? (smtp.authentication?.source ?? null) : null,
  };
};
