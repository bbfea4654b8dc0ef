import * as z from 'zod/mini';
import { digest } from '../schemas/common.ts';
import { authenticationSource, clientCertificateModes, mailFilteringModes } from '../schemas/smtp.ts';

/** Names of the shadows a Scanner has (DESIGN 5). */
export const smtpShadow = 'smtp';
export const advancedShadow = 'smtp-advanced';
export const inventoryShadow = 'inventory';

/** A list in a shadow: no entries travel, only their root and number. */
export const shadowList = z.object({ root: digest, entries: z.int().check(z.minimum(0)) });

const shadowListener = z.object({ address: z.string(), port: z.int() });

/** Without a certificate, `certificateId` is absent. */
const shadowOutboundTls = z.object({ accept: z.boolean(), certificateId: z.optional(z.string()) });
const shadowTls = z.extend(shadowOutboundTls, {
  require: z.boolean(),
  clientCertificate: z.enum(clientCertificateModes),
});

/**
 * `desired` of the shadow `smtp`. In a shadow null and absent are the same: members that are null in the
 * settings are left out.
 */
export const smtpDesired = z.object({
  revision: z.int().check(z.minimum(1)),
  mailFiltering: z.enum(mailFilteringModes),
  inbound: z.optional(
    z.object({
      ipv4: shadowListener,
      ipv6: z.optional(shadowListener),
      tls: shadowTls,
      accept: z.enum(['all', 'listed']),
    }),
  ),
  outbound: z.optional(
    z.object({
      ipv4: shadowListener,
      ipv6: z.optional(shadowListener),
      tls: shadowOutboundTls,
      nonLocalDelivery: z.enum(['mx', 'relay']),
    }),
  ),
  authentication: z.optional(
    z.object({
      enabled: z.boolean(),
      ipv4: z.optional(shadowListener),
      ipv6: z.optional(shadowListener),
      tls: z.optional(shadowTls),
      source: z.optional(authenticationSource),
      accept: z.optional(z.enum(['all', 'listed'])),
    }),
  ),
  lists: z.object({
    inbound: z.optional(shadowList),
    outbound: z.optional(shadowList),
    authentication: z.optional(shadowList),
    'local-delivery': z.optional(shadowList),
    relay: z.optional(shadowList),
  }),
  /** Digest of the canonical JSON of the state of `smtp-advanced` that belongs to this revision. */
  advanced: digest,
  /** What is fetched by its digest: by the id of a certificate, or by what it holds. Absent where there is none. */
  artifacts: z.optional(z.record(z.string(), digest)),
});
export type SmtpDesired = z.infer<typeof smtpDesired>;

/** `desired` of the shadow `smtp-advanced`: the advanced settings, without what is null and without the bindings of domains. */
export const smtpAdvancedDesired = z.object({
  inbound: z.record(z.string(), z.unknown()),
  outbound: z.record(z.string(), z.unknown()),
  delivery: z.record(z.string(), z.unknown()),
  bindings: z.record(z.string(), z.unknown()),
  authentication: z.record(z.string(), z.unknown()),
});
export type SmtpAdvancedDesired = z.infer<typeof smtpAdvancedDesired>;

export const reportCodes = ['applying', 'applied', 'rejected', 'failed'] as const;

/** Most characters of a report's texts: a shadow has room for 8 KB in all. */
export const reportLengths = { message: 500, pointer: 200 } as const;

/** What a Scanner says of its last attempt. `revision` is the one attempted. */
export const reportStatus = z.object({
  revision: z.int().check(z.minimum(1)),
  code: z.enum(reportCodes),
  message: z.optional(z.string().check(z.maxLength(reportLengths.message))),
  pointer: z.optional(z.string().check(z.maxLength(reportLengths.pointer))),
  at: z.string(),
});
export type ReportStatus = z.infer<typeof reportStatus>;

/** `reported` of the shadow `smtp`: the same members as applied, plus the status. Before anything is applied, only the status. */
export const smtpReported = z.object({ ...z.partial(smtpDesired).shape, status: reportStatus });
export type SmtpReported = z.infer<typeof smtpReported>;

/** `reported` of the shadow `inventory`. */
export const inventoryReported = z.object({
  interfaces: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['ethernet', 'virtual']),
      ipv4: z.array(z.string()),
      ipv6: z.array(z.string()),
    }),
  ),
  software: z.object({ name: z.string(), version: z.string() }),
});
export type InventoryReported = z.infer<typeof inventoryReported>;
