import * as z from 'zod/mini';
import { scannerStates } from '../domain/standing.ts';
import { inventoryReported } from '../messages/shadow.ts';
import { coded, flag, ofDryRun, revision, scannerId, text, time } from './common.ts';
import { condition } from './sync.ts';

const mostLabels = 50;

const labels = z
  .record(
    z.string().check(
      z.regex(/^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/, {
        error: coded(
          'VALUE_INVALID',
          'a label name is 1 to 63 lower-case letters, digits, dots, hyphens, underscores and slashes',
        ),
      }),
    ),
    text(255),
  )
  .check(
    z.refine((given) => Object.keys(given).length <= mostLabels, {
      error: coded('VALUE_INVALID', `a Scanner has at most ${mostLabels} labels`),
    }),
  );

/** A host name (RFC 1123, section 2.1), one label or several. */
const hostName = z.string().check(
  z.maxLength(253),
  z.regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/, {
    error: coded('VALUE_INVALID', 'a host name is letters, digits and hyphens, with dots between its labels'),
  }),
);
const description = text(1000);

export const newScanner = z.strictObject({
  scannerId,
  hostName: z.optional(hostName),
  description: z.optional(description),
  labels: z._default(labels, {}),
  enabled: z._default(z.boolean(), true),
});

/** A JSON merge patch (RFC 7396) of a Scanner: null removes. */
export const scannerPatch = z.strictObject({
  hostName: z.optional(z.nullable(hostName)),
  description: z.optional(z.nullable(description)),
  labels: z.optional(z.nullable(z.record(z.string(), z.nullable(z.string().check(z.maxLength(255)))))),
  enabled: z.optional(z.boolean()),
});

export const scanner = z
  .object({
    scannerId,
    hostName: z.optional(hostName),
    description: z.optional(description),
    labels,
    enabled: z.boolean(),
    connected: z.boolean(),
    interfaces: inventoryReported.shape.interfaces,
    software: z.nullable(inventoryReported.shape.software),
    revision,
    state: z.enum(scannerStates).check(
      z.meta({
        description:
          'The first of these that holds, in this order: decommissioned, disabled, not-configured, in-sync, failed (it could not apply or not be sent what it should run), pending.',
      }),
    ),
    conditions: z.array(condition),
    createdAt: time,
    /** When it was decommissioned; of one in service, absent. */
    decommissionedAt: z.optional(time),
    ...ofDryRun,
  })
  .check(z.meta({ id: 'Scanner' }));
export type Scanner = z.infer<typeof scanner>;

/** `decommissioned=true` lists those that are out of service, instead of those in service. */
export const decommissioned = z._default(flag, false).check(
  z.meta({
    description: 'Lists the decommissioned Scanners instead of those in service.',
    type: 'boolean',
  }),
);

export const certificateRequest = z.strictObject({
  csr: z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(4096),
      z.meta({ description: 'PKCS #10 in PEM: RSA of 2048 bits or more, or P-256, P-384, P-521.' }),
    ),
});

export const scannerCertificate = z.object({
  certificatePem: z.string(),
  caPem: z.string(),
  mqtt: z.object({ host: z.string(), port: z.int() }),
  thingName: z.string(),
});
