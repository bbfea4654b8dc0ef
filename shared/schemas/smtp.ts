import * as z from 'zod';
import { coded, revision, time, warnings } from './common.ts';
import { listReferences } from './lists.ts';

/** The tab's three radio buttons: they decide which sections exist. */
export const mailFilteringModes = ['inbound', 'outbound', 'inbound-and-outbound'] as const;
export type MailFiltering = (typeof mailFilteringModes)[number];

const port = (standard: number) =>
  z
    .int()
    .min(1, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') })
    .max(65535, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') })
    .default(standard);

/** A listener's address and port; each address family has its own (tab rows "IP address", "Port"). */
const listener = (standardPort: number, example: string) =>
  z.strictObject({ address: z.string().max(64).meta({ example }), port: port(standardPort) });

const ipv4 = (standardPort: number) => listener(standardPort, '192.0.2.10');
const ipv6 = (standardPort: number) =>
  listener(standardPort, '2001:db8::10').nullable().default(null).meta({
    description: 'Optional; stored and answered in RFC 5952 short form.',
  });

const accept = z.enum(['all', 'listed']).default('all');

export const inboundSection = z.strictObject({
  ipv4: ipv4(25),
  ipv6: ipv6(25),
  accept: accept.meta({
    description: 'Who may connect: everyone, or the enabled entries of the inbound access list.',
  }),
});

export const outboundSection = z
  .strictObject({ ipv4: ipv4(25), ipv6: ipv6(25) })
  .meta({ description: 'Clients are always those of the outbound access list.' });

export const authenticationSection = z
  .strictObject({
    enabled: z.boolean(),
    ipv4: ipv4(587).optional(),
    ipv6: listener(587, '2001:db8::10').nullable().optional(),
    accept: accept.optional(),
  })
  .meta({ description: '`{ "enabled": false }` alone is whole; `ipv4` must be given when enabled.' });

/** What is saved: DESIGN 3's document, as far as this version has it. */
export const smtpSettings = z.strictObject({
  mailFiltering: z.enum(mailFilteringModes),
  inbound: inboundSection.optional(),
  outbound: outboundSection.optional(),
  authentication: authenticationSection.optional(),
});
export type SmtpSettings = z.infer<typeof smtpSettings>;
/** As a caller may write it: ports, `ipv6` and `accept` may be left out. */
export type SmtpSettingsInput = z.input<typeof smtpSettings>;

/** Read-only members, taken back in a PUT so that get, edit, put works; ignored, with a warning when they differ. */
export const readOnlyMembers = ['lists', 'revision', 'updatedAt', 'updatedBy', 'warnings'] as const;

export const smtpBody = smtpSettings.extend({
  lists: z.unknown().optional().meta({ description: 'Read-only; ignored.' }),
  revision: z.unknown().optional().meta({ description: 'Read-only; ignored.' }),
  updatedAt: z.unknown().optional().meta({ description: 'Read-only; ignored.' }),
  updatedBy: z.unknown().optional().meta({ description: 'Read-only; ignored.' }),
  warnings: z.unknown().optional().meta({ description: 'Read-only; ignored.' }),
});

export const smtpDocument = z
  .object({
    ...smtpSettings.shape,
    lists: listReferences,
    revision,
    updatedAt: time,
    updatedBy: z.string(),
    warnings,
  })
  .meta({ id: 'SmtpDocument' });
export type SmtpDocument = z.infer<typeof smtpDocument>;
