import * as z from 'zod';
import { digest } from '../schemas/common.ts';
import { mailFilteringModes } from '../schemas/smtp.ts';

/** Names of the shadows a Scanner has (DESIGN 5). */
export const smtpShadow = 'smtp';
export const inventoryShadow = 'inventory';

/** A list in a shadow: no entries travel, only their root and number. */
export const shadowList = z.object({ root: digest, entries: z.int().min(0) });

const shadowListener = z.object({ address: z.string(), port: z.int() });

/**
 * `desired` of the shadow `smtp`. In a shadow null and absent are the same: members that are null in the
 * settings are left out.
 */
export const smtpDesired = z.object({
  revision: z.int().min(1),
  mailFiltering: z.enum(mailFilteringModes),
  inbound: z
    .object({ ipv4: shadowListener, ipv6: shadowListener.optional(), accept: z.enum(['all', 'listed']) })
    .optional(),
  outbound: z.object({ ipv4: shadowListener, ipv6: shadowListener.optional() }).optional(),
  authentication: z
    .object({
      enabled: z.boolean(),
      ipv4: shadowListener.optional(),
      ipv6: shadowListener.optional(),
      accept: z.enum(['all', 'listed']).optional(),
    })
    .optional(),
  lists: z.object({
    inbound: shadowList.optional(),
    outbound: shadowList.optional(),
    authentication: shadowList.optional(),
  }),
});
export type SmtpDesired = z.infer<typeof smtpDesired>;

export const reportCodes = ['applying', 'applied', 'rejected', 'failed'] as const;

/** What a Scanner says of its last attempt. `revision` is the one attempted. */
export const reportStatus = z.object({
  revision: z.int().min(1),
  code: z.enum(reportCodes),
  message: z.string().max(500).optional(),
  pointer: z.string().max(200).optional(),
  at: z.string(),
});
export type ReportStatus = z.infer<typeof reportStatus>;

/** `reported` of the shadow `smtp`: the same members as applied, plus the status. Before anything is applied, only the status. */
export const smtpReported = z.object({ ...smtpDesired.partial().shape, status: reportStatus });
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
