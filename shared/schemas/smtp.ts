import * as z from 'zod/mini';
import { coded, revision, time, warnings } from './common.ts';
import { listReferences } from './lists.ts';

/** The tab's three radio buttons: they decide which sections exist. */
export const mailFilteringModes = ['inbound', 'outbound', 'inbound-and-outbound'] as const;
export type MailFiltering = (typeof mailFilteringModes)[number];

const port = (standard: number) =>
  z._default(
    z
      .int()
      .check(
        z.minimum(1, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') }),
        z.maximum(65535, { error: coded('PORT_OUT_OF_RANGE', 'a port is 1 to 65535') }),
      ),
    standard,
  );

/** A listener's address and port; each address family has its own (tab rows "IP address", "Port"). */
const listener = (standardPort: number, example: string) =>
  z.strictObject({
    address: z.string().check(z.maxLength(64), z.meta({ example })),
    port: port(standardPort),
  });

const ipv4 = (standardPort: number) => listener(standardPort, '192.0.2.10');
const ipv6 = (standardPort: number) =>
  z._default(z.nullable(listener(standardPort, '2001:db8::10')), null).check(
    z.meta({
      description: 'Optional; stored and answered in RFC 5952 short form.',
    }),
  );

const accept = z._default(z.enum(['all', 'listed']), 'all');

export const inboundSection = z.strictObject({
  ipv4: ipv4(25),
  ipv6: ipv6(25),
  accept: accept.check(
    z.meta({
      description: 'Who may connect: everyone, or the enabled entries of the inbound access list.',
    }),
  ),
});

/** Tab rows "Use MX Lookup for non-local domain mail" and "Relay non-local domain mail to the following hosts". */
const nonLocalDelivery = z._default(z.enum(['mx', 'relay']), 'mx').check(
  z.meta({
    description: 'How mail for other domains goes out: by MX lookup, or to the hosts of the relay list.',
  }),
);

export const outboundSection = z
  .strictObject({ ipv4: ipv4(25), ipv6: ipv6(25), nonLocalDelivery })
  .check(z.meta({ description: 'Clients are always those of the outbound access list.' }));

export const authenticationSection = z
  .strictObject({
    enabled: z.boolean(),
    ipv4: z.optional(ipv4(587)),
    ipv6: z.optional(z.nullable(listener(587, '2001:db8::10'))),
    accept: z.optional(accept),
  })
  .check(
    z.meta({ description: '`{ "enabled": false }` alone is whole; `ipv4` must be given when enabled.' }),
  );

/** What is saved: DESIGN 3's document, as far as this version has it. */
export const smtpSettings = z.strictObject({
  mailFiltering: z.enum(mailFilteringModes),
  inbound: z.optional(inboundSection),
  outbound: z.optional(outboundSection),
  authentication: z.optional(authenticationSection),
});
export type SmtpSettings = z.infer<typeof smtpSettings>;
/** As a caller may write it: ports, `ipv6` and `accept` may be left out. */
export type SmtpSettingsInput = z.input<typeof smtpSettings>;

/** Read-only members, taken back in a PUT so that get, edit, put works; ignored, with a warning when they differ. */
export const readOnlyMembers = ['lists', 'revision', 'updatedAt', 'updatedBy', 'warnings'] as const;

export const smtpBody = z.extend(smtpSettings, {
  lists: z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' })),
  revision: z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' })),
  updatedAt: z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' })),
  updatedBy: z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' })),
  warnings: z.optional(z.unknown()).check(z.meta({ description: 'Read-only; ignored.' })),
});

/** A merge patch of the settings: what it makes of them is judged, and not the patch itself. */
export const smtpPatch = z.record(z.string(), z.unknown()).check(
  z.meta({
    description: 'Members of the settings document to change; null removes.',
    example: { inbound: { ipv4: { port: 2525 } } },
  }),
);

export const smtpDocument = z
  .object({
    ...smtpSettings.shape,
    lists: listReferences,
    revision,
    updatedAt: time,
    updatedBy: z.string(),
    warnings,
  })
  .check(z.meta({ id: 'SmtpDocument' }));
export type SmtpDocument = z.infer<typeof smtpDocument>;
