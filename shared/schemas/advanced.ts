import * as z from 'zod/mini';
import { coded, hostSpecific, ofDryRun, revision, time, warnings } from './common.ts';

/**
 * The second page of the tab, "Advanced Settings". Names, units and defaults are those of its vendor's pages; where a page states no limit,
 * the bound here is ours and the description says so.
 */

const ours = 'The upper bound is ours; the page that this follows states none.';

const whole = (least: number, most: number, standard: number, description: string) =>
  z._default(z.int().check(z.minimum(least), z.maximum(most)), standard).check(z.meta({ description }));

const flag = (standard: boolean, description: string) =>
  z._default(z.boolean(), standard).check(z.meta({ description }));

const mostConnections = 50_000;
const mostQueued = 10_000_000;
/** 1 GiB. */
const mostBytes = 1_073_741_824;

/** What every listener limits. `prefix` is the IPv6 prefix whose addresses count as one client. */
const listenerLimits = (prefix: number) => ({
  maxConnections: whole(1, mostConnections, 2000, `Connections at the same time. ${ours}`),
  maxConnectionsPerRange: whole(
    1,
    mostConnections,
    20,
    `Connections at the same time from one IPv4 address or one IPv6 range. ${ours}`,
  ),
  ipv6Prefix: whole(0, 128, prefix, 'Length of the IPv6 prefix whose addresses are one range.'),
  maxConnectionsPerAddress: whole(
    1,
    mostConnections,
    20,
    `Connections at the same time from one single address. ${ours}`,
  ),
  maxRecipientsPerMessage: whole(1, 50_000, 1024, `Recipients of one message. ${ours}`),
  maxMessagesPerSession: whole(0, 100_000, 100, `Messages in one session; 0: no limit. ${ours}`),
  maxMessageBytes: whole(
    1024,
    mostBytes,
    10_485_760,
    `Bytes of one message; a larger one is refused. The bounds, 1 KiB and 1 GiB, are ours.`,
  ),
});

const queue = (standard: number, which: string) =>
  whole(
    1,
    mostQueued,
    standard,
    `Messages in the ${which} queue; at or above it, connections are deferred. ${ours}`,
  );

const domainName = z.string().check(z.minLength(1), z.maxLength(254), z.meta({ example: 'example.com' }));

const advancedInbound = z.strictObject({
  ...listenerLimits(64),
  maxQueuedMessages: queue(5000, 'inbound'),
});

const recipientQuota = z
  .strictObject({
    maxRecipients: z.int().check(z.minimum(1), z.maximum(1_000_000)),
    minutes: z.int().check(z.minimum(1), z.maximum(10_080)),
  })
  .check(
    z.meta({
      description:
        'Recipients of one sender in so many minutes, up to a week. Soft: the transaction that crosses it is still taken, the next is deferred with 421 4.7.1. The bounds are ours.',
    }),
  );

const advancedOutbound = z.strictObject({
  ...listenerLimits(128),
  maxQueuedMessages: queue(5000, 'outbound'),
  defaultSenderDomain: z
    ._default(z.nullable(domainName), null)
    .check(z.meta({ description: 'Appended to a sender address that has no domain; null: none.' })),
  senderRecipientQuota: z
    ._default(z.nullable(recipientQuota), null)
    .check(z.meta({ description: 'null: no quota.' })),
});

const advancedDelivery = z.strictObject({
  maxExternalConnections: whole(1, mostConnections, 100, `Connections to external servers. ${ours}`),
  maxExternalConnectionsPerAddress: whole(
    1,
    mostConnections,
    50,
    `Connections to one external address; at most \`maxExternalConnections\`. ${ours}`,
  ),
  maxInternalConnections: whole(1, mostConnections, 100, `Connections to all internal mail servers. ${ours}`),
  maxInternalConnectionsPerServer: whole(
    1,
    mostConnections,
    50,
    `Connections to one internal mail server; at most \`maxInternalConnections\`. ${ours}`,
  ),
  maxQueuedMessages: queue(150_000, 'delivery'),
  maxRecipientsPerMessage: whole(
    1,
    1024,
    100,
    'Recipients of one message in the delivery queue; a message with more is split.',
  ),
  maxMessagesPerConnection: whole(
    0,
    100_000,
    0,
    `Messages over one outgoing connection; 0: no limit. ${ours}`,
  ),
  deferWhenQueueFull: flag(
    true,
    'Whether new connections are deferred (4xx) when the delivery queue is full; otherwise they are taken while resources last. The default is ours.',
  ),
  minRetryMinutes: whole(1, 1440, 15, `Wait before the first new try; it doubles each time. ${ours}`),
  maxRetryMinutes: whole(1, 10_080, 420, `Longest wait between tries. ${ours}`),
  messageTimeoutHours: whole(1, 720, 120, `Age at which a message that was not delivered bounces. ${ours}`),
  bounceTimeoutHours: whole(1, 720, 24, `Age at which a bounce that was not delivered is dropped. ${ours}`),
  delayNotificationHours: whole(
    0,
    720,
    4,
    `Time in the queue before the sender is told of the delay; 0: never. ${ours}`,
  ),
  opportunisticTls: flag(
    true,
    'Whether delivery uses TLS where the other side offers it. The default is ours.',
  ),
});

/** Most local domains with bindings of their own, and addresses of one of them: bounds of ours, so that a document stays small. */
export const mostDomainBindings = 100;
const mostSources = 8;

const address = z.string().check(z.maxLength(64), z.meta({ example: '192.0.2.20' }));

/** Where outgoing connections come from. */
export const bindingChoice = z
  .union([z.enum(['auto', 'inbound', 'outbound']), address], {
    error: coded('VALUE_INVALID', '"auto", "inbound", "outbound" or an address of this Scanner, as text'),
  })
  .check(
    z.meta({
      description:
        '`auto`: the best route decides; `inbound`, `outbound`: the address of that listener; or an address of this Scanner.',
    }),
  );
export type BindingChoice = z.infer<typeof bindingChoice>;

const binding = (description: string) => z._default(bindingChoice, 'auto').check(z.meta({ description }));

const domainBinding = z.strictObject({
  domain: domainName,
  sources: z
    .array(bindingChoice)
    .check(
      z.minLength(1),
      z.maxLength(mostSources),
      z.meta({ description: `1 to ${mostSources}; the bound is ours.` }),
    ),
});
export type DomainBinding = z.infer<typeof domainBinding>;

const advancedBindings = z.strictObject({
  local: binding('For mail to local recipients, delivery notices among it.'),
  nonLocal: binding('For mail to other recipients, delivery notices among it.'),
  dynamicallyRouted: binding('For mail that is routed by other rules.'),
  controlPlane: binding('For messages to the control centre.'),
  domains: z._default(z.array(domainBinding).check(z.maxLength(mostDomainBindings)), []).check(
    z.meta({
      description: `For non-local mail from one local domain, instead of \`nonLocal\`. Up to ${mostDomainBindings} domains, each once; the bound is ours.`,
    }),
  ),
});

const advancedAuthentication = z.strictObject({
  ...listenerLimits(64),
  insertReceivedHeader: flag(
    true,
    'Whether a Received header is added to authenticated mail. The default is ours.',
  ),
  stripReceivedHeaders: flag(
    false,
    'Whether the Received headers that are there already are removed; the one that is inserted stays. The default is ours.',
  ),
});

const allDefaults = <T extends z.ZodMiniObject>(section: T) =>
  z._default(section, () => section.parse({}) as never);

/** The advanced settings; every member may be left out and then has its default. */
export const advancedSettings = z.strictObject({
  inbound: allDefaults(advancedInbound),
  outbound: allDefaults(advancedOutbound),
  delivery: allDefaults(advancedDelivery),
  bindings: hostSpecific(
    allDefaults(advancedBindings),
    'Which address of this Scanner outgoing connections come from.',
  ),
  authentication: allDefaults(advancedAuthentication),
});
export type AdvancedSettings = z.infer<typeof advancedSettings>;
export type AdvancedSettingsInput = z.input<typeof advancedSettings>;

/** What a Scanner has before anyone saved its advanced settings. */
export const defaultAdvanced = (): AdvancedSettings => advancedSettings.parse({});

/** Read-only members, taken back in a PUT so that get, edit, put works; ignored, with a warning when they differ. */
export const advancedReadOnly = ['revision', 'updatedAt', 'updatedBy', 'warnings'] as const;

const ignored = z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' }));

export const advancedBody = z.extend(advancedSettings, {
  revision: ignored,
  updatedAt: ignored,
  updatedBy: ignored,
  warnings: ignored,
});

/** The advanced settings in a body that may carry read-only members. */
export const advancedSettingsOf = ({
  inbound,
  outbound,
  delivery,
  bindings,
  authentication,
}: AdvancedSettings): AdvancedSettings => ({ inbound, outbound, delivery, bindings, authentication });

/** A merge patch of the advanced settings: what it makes of them is judged, and not the patch itself. */
export const advancedPatch = z.record(z.string(), z.unknown()).check(
  z.meta({
    description: 'Members of the advanced settings to change; null brings back the default.',
    example: { delivery: { minRetryMinutes: 10 } },
  }),
);

export const advancedDocument = z
  .object({
    ...advancedSettings.shape,
    revision,
    updatedAt: time,
    updatedBy: z.string(),
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'AdvancedDocument' }));
export type AdvancedDocument = z.infer<typeof advancedDocument>;
