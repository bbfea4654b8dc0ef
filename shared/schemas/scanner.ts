import * as z from 'zod';
import { inventoryReported } from '../messages/shadow.ts';
import { coded, revision, scannerId, time } from './common.ts';

const mostLabels = 50;

const labels = z
  .record(
    z.string().regex(/^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/, {
      error: coded(
        'VALUE_INVALID',
        'a label name is 1 to 63 lower-case letters, digits, dots, hyphens, underscores and slashes',
      ),
    }),
    z.string().max(255),
  )
  .refine((given) => Object.keys(given).length <= mostLabels, {
    error: coded('VALUE_INVALID', `a Scanner has at most ${mostLabels} labels`),
  });

const hostName = z.string().min(1).max(253);
const description = z.string().max(1000);

export const newScanner = z.strictObject({
  scannerId,
  hostName: hostName.optional(),
  description: description.optional(),
  labels: labels.default({}),
  enabled: z.boolean().default(true),
});

/** A JSON merge patch (RFC 7396) of a Scanner: null removes. */
export const scannerPatch = z.strictObject({
  hostName: hostName.nullable().optional(),
  description: description.nullable().optional(),
  labels: z.record(z.string(), z.string().max(255).nullable()).nullable().optional(),
  enabled: z.boolean().optional(),
});

export const scanner = z
  .object({
    scannerId,
    hostName: hostName.optional(),
    description: description.optional(),
    labels,
    enabled: z.boolean(),
    connected: z.boolean(),
    interfaces: inventoryReported.shape.interfaces,
    software: inventoryReported.shape.software.nullable(),
    revision,
    createdAt: time,
  })
  .meta({ id: 'Scanner' });
export type Scanner = z.infer<typeof scanner>;

export const certificateRequest = z.strictObject({
  csr: z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: 'PKCS #10 in PEM: RSA of 2048 bits or more, or P-256, P-384, P-521.' }),
});

export const scannerCertificate = z.object({
  certificatePem: z.string(),
  caPem: z.string(),
  mqtt: z.object({ host: z.string(), port: z.int() }),
  thingName: z.string(),
});
