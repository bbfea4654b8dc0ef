import * as z from 'zod/mini';
import { coded, hostSpecific, ofDryRun, port, revision, time, warnings } from './common.ts';
import { listReferences } from './lists.ts';

/** The tab's three radio buttons: they decide which sections exist. */
export const mailFilteringModes = ['inbound', 'outbound', 'inbound-and-outbound'] as const;
export type MailFiltering = (typeof mailFilteringModes)[number];

/** A listener's address and port; each address family has its own (tab rows "IP address", "Port"). */
const listener = (standardPort: number, example: string) =>
  z.strictObject({
    address: z.string().check(z.maxLength(64), z.meta({ example })),
    port: z._default(port, standardPort),
  });

const ipv4 = (standardPort: number) => hostSpecific(listener(standardPort, '192.0.2.10'));
const ipv6 = (standardPort: number) =>
  hostSpecific(
    z._default(z.nullable(listener(standardPort, '2001:db8::10')), null),
    'Optional; stored and answered in RFC 5952 short form.',
  );

export const certificateId = z
  .string()
  .check(
    z.regex(/^cert-[0-9a-f]{16}$/, { error: coded('VALUE_INVALID', 'not an id of a certificate') }),
    z.meta({ description: 'Id of a certificate.', example: 'cert-5e0c3a527d0b4c7e' }),
  );

/** Tab rows "Accept TLS encryption" and "Certificate": TLS is offered only with a certificate of the store. */
const offered = {
  accept: z
    .boolean()
    .check(z.meta({ description: 'Whether TLS is offered (STARTTLS). Off: it is not advertised.' })),
  certificateId: z
    ._default(z.nullable(certificateId), null)
    .check(z.meta({ description: 'The certificate that clients see; needed to offer TLS.' })),
};

export const clientCertificateModes = ['none', 'request', 'require'] as const;

/** What TLS is where it is not offered; sent or left out, it means the same. */
export const noTls = {
  accept: false,
  certificateId: null,
  require: false,
  clientCertificate: 'none',
} as const;
export const noOutboundTls = { accept: false, certificateId: null } as const;

/** Tab rows "Request client certificate" and "Require TLS encryption": inbound and authentication only. */
const listenerTls = z.strictObject({
  ...offered,
  require: z
    ._default(z.boolean(), false)
    .check(z.meta({ description: 'Only clients that use TLS may send.' })),
  clientCertificate: z._default(z.enum(clientCertificateModes), 'none').check(
    z.meta({
      description:
        'Whether clients are asked for a certificate (`request`) or must have one (`require`, which needs `require: true`). One that is presented and expired, self-signed or otherwise invalid refuses the message.',
    }),
  ),
});
export type ListenerTls = z.infer<typeof listenerTls>;

const tls = hostSpecific(z._default(listenerTls, noTls), 'TLS between clients and this listener.');
const outboundTls = hostSpecific(
  z._default(z.strictObject(offered), noOutboundTls),
  'TLS between clients and this listener. Outbound asks for no client certificate.',
);

const accept = z._default(z.enum(['all', 'listed']), 'all');

export const inboundSection = z.strictObject({
  ipv4: ipv4(25),
  ipv6: ipv6(25),
  tls,
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
  .strictObject({ ipv4: ipv4(25), ipv6: ipv6(25), tls: outboundTls, nonLocalDelivery })
  .check(z.meta({ description: 'Clients are always those of the outbound access list.' }));

/** Tab row "Authentication Source": who says whether a name and its password are right. */
export const authenticationSource = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ldap') }),
    z.strictObject({
      type: z.literal('smtp-forwarding'),
      host: z.string().check(
        z.minLength(1),
        z.maxLength(254),
        z.meta({
          description: 'The SMTP server to which credentials are handed: an address or a host name.',
          example: 'auth.example.com',
        }),
      ),
      port: z._default(port, 25),
      tls: z
        ._default(z.enum(['none', 'opportunistic', 'required']), 'opportunistic')
        .check(z.meta({ description: 'TLS between this Scanner and that server.' })),
    }),
  ])
  .check(
    z.meta({
      description:
        '`ldap` asks every directory source with the function `authentication`; there must be one.',
    }),
  );
export type AuthenticationSource = z.infer<typeof authenticationSource>;

export const authenticationSection = z
  .strictObject({
    enabled: z.boolean(),
    ipv4: z.optional(ipv4(587)),
    ipv6: z.optional(hostSpecific(z.nullable(listener(587, '2001:db8::10')))),
    tls: z.optional(tls),
    source: z.optional(authenticationSource),
    accept: z.optional(accept),
  })
  .check(
    z.meta({
      description: '`{ "enabled": false }` alone is whole; `ipv4` and `source` must be given when enabled.',
    }),
  );

/** What is saved: DESIGN 3's document. */
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
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'SmtpDocument' }));
export type SmtpDocument = z.infer<typeof smtpDocument>;
