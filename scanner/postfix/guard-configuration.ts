import * as z from 'zod/mini';
import { type Section, sections } from '../../shared/domain/sections.ts';
import { port } from '../../shared/schemas/common.ts';
import { authenticationSource, clientCertificateModes } from '../../shared/schemas/smtp.ts';

/**
 * What the guard is told of one version: the seam between the renderer, which writes it, and the guard, which answers Postfix by it. It is
 * `guard.json` in the folder of the version, beside `lists/<list>.txt` (enabled entries, one a line) and
 * `artifacts/directory-sources.json`, which the guard reads itself.
 */
export const guardFile = 'guard.json';

/** Which way mail goes, by the section whose rules hold for it. Its access list has the same name. */
export const direction = z.enum(sections);
export type Direction = Section;

const count = z.int().check(z.minimum(0));

const guardListener = z.strictObject({
  /** In its one form, as `/proc/net` is compared with it. */
  address: z.string(),
  port,
  /** In which order the rules of sections are asked; the first that takes the client says which way its mail goes. */
  directions: z.array(direction).check(z.minLength(1)),
  /** AUTH without TLS is refused. */
  tlsRequired: z.boolean(),
  /** What is presented but not trusted is refused, unless this is `none`; with `require`, so is who presents none. */
  clientCertificate: z.enum(clientCertificateModes),
});
export type GuardListener = z.infer<typeof guardListener>;

/** Messages in folders of the queue, all together; at or above `max`, connections are deferred. */
const queueLimit = z.strictObject({
  folders: z.array(z.enum(['incoming', 'active', 'deferred'])).check(z.minLength(1)),
  max: count,
});

const guardRules = z.strictObject({
  /** `all` asks no list. */
  accept: z.enum(['all', 'listed']),
  /** Connections at a time, of clients whose mail goes this way, at all listeners that it has. */
  maxConnections: count,
  /** Of these, from one IPv4 address or one IPv6 range of `ipv6Prefix` bits. */
  maxConnectionsPerRange: count,
  ipv6Prefix: z.int().check(z.minimum(0), z.maximum(128)),
  /** Of these, from one address. Postfix holds it as well, but at a shared listener only the larger of two. */
  maxConnectionsPerAddress: count,
  /** 0: no limit. */
  maxMessagesPerSession: count,
  queueLimits: z.array(queueLimit),
  /** A sender address without a domain (other than the empty one): refused, or left to Postfix, which completes it. */
  bareSender: z.enum(['refuse', 'complete']),
  /** Soft: the transaction that crosses it is taken, the next is deferred with 421 4.7.1. Null: none. */
  senderRecipientQuota: z.nullable(z.strictObject({ maxRecipients: count, minutes: count })),
});
export type GuardRules = z.infer<typeof guardRules>;

export const guardConfiguration = z.strictObject({
  format: z.literal(1),
  revision: count,
  /** The version by whose name Postfix asks, where that is an earlier one: nothing that Postfix has of it differs from this one. */
  askedAs: z.optional(z.string()),
  /** Where the folders `incoming`, `active` and `deferred` are; absolute. */
  queueDirectory: z.string(),
  /** By the name that the policy context begins with. */
  listeners: z.record(z.string(), guardListener),
  /** Of every direction that a listener names. */
  rules: z.strictObject({
    inbound: z.optional(guardRules),
    outbound: z.optional(guardRules),
    authentication: z.optional(guardRules),
  }),
  /** By whom AUTH is answered; null where there is no authentication. `ldap`: the artifact `directory-sources`. */
  source: z.nullable(authenticationSource),
});
export type GuardConfiguration = z.infer<typeof guardConfiguration>;

/** Sessions that Postfix serves at a time at a listener: those of its ways together. */
export const placesOf = (
  { directions }: { directions: readonly Direction[] },
  rules: GuardConfiguration['rules'],
): number => directions.reduce((sum, way) => sum + (rules[way]?.maxConnections ?? 0), 0);

/**
 * How an smtpd says which version of which listener it is: as `policy_context` of a policy request, and as `service` of an AUTH request
 * (`smtpd_sasl_service`). So a session of the old configuration is answered by the old rules. Versions that differ in nothing that Postfix has are asked by one
 * name (`askedAs`).
 */
export const contextOf = (listener: string, version: string): string => `${listener}@${version}`;

/** The two parts of a context; null for what is none. */
export const readContext = (context: string): { listener: string; version: string } | null => {
  const [, listener, version] = /^([a-z0-9-]+)@([A-Za-z0-9-]+)$/.exec(context) ?? [];
  return listener && version ? { listener, version } : null;
};

/**
 * What the guard answers in the states RCPT and DATA where mail may go this way: the name of a restriction class of main.cf, which says where it goes.
 * Any other answer there, DUNNO among them, defers the recipient, so that nothing is relayed by mistake.
 */
export const verdictOf = (way: Direction): string => `guard_${way}`;
