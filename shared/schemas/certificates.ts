import * as z from 'zod/mini';
import { coded, digest, memberVersion, ofDryRun, text, time, warnings } from './common.ts';
import { certificateId } from './smtp.ts';

/** Largest PEM text taken: a chain of ten certificates, or a key, with text around it, is far below. */
const longestPem = 65_536;

const pem = (description: string) =>
  z.string().check(z.minLength(1), z.maxLength(longestPem), z.meta({ description }));

const name = text(100).check(
  z.minLength(1),
  z.meta({ description: 'What people call it; each name once.', example: 'mx.example.com 2026' }),
);

const chain = pem(
  'The certificate, then its chain, each issued by the one that follows; the root may be left out. Up to 10 certificates; the bound is ours. ASCII; text around the PEM blocks is ignored.',
);

/** A certificate that Scanners show to clients, with its key. */
export const certificateInput = z.strictObject({
  name,
  certificatePem: chain,
  privateKeyPem: pem('The key of the first certificate, not encrypted. Never answered back.').check(
    z.meta({ writeOnly: true }),
  ),
});
export type CertificateInput = z.infer<typeof certificateInput>;

const serialNumber = z.string().check(z.meta({ example: '04D2162E' }));

/** What a certificate says of itself. */
export const certificateFacts = {
  subject: z.string(),
  subjectAlternativeNames: z.array(z.string()),
  issuer: z.string(),
  serialNumber,
  notBefore: time,
  notAfter: time,
  fingerprintSha256: digest,
};
const certificateDetails = z.object(certificateFacts);
export type CertificateDetails = z.infer<typeof certificateDetails>;

export const certificate = z
  .object({
    certificateId,
    name,
    ...certificateFacts,
    chainLength: z.int().check(z.meta({ description: 'Certificates in the chain, the first among them.' })),
    keyType: z.string().check(z.meta({ example: 'RSA 2048' })),
    assignedTo: z
      .array(z.string())
      .check(z.meta({ description: 'Ids of Scanners that use it, the first 1,000.' })),
    version: memberVersion,
    createdAt: time,
    updatedAt: time,
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'Certificate' }));
export type Certificate = z.infer<typeof certificate>;

/** Without its users: a list would have to read them one by one. */
export const listedCertificate = z
  .object({ ...certificate.shape, assignedTo: z.optional(z.array(z.string())) })
  .check(z.meta({ id: 'ListedCertificate' }));

export const authorityId = z
  .string()
  .check(
    z.regex(/^authority-[0-9a-f]{16}$/, { error: coded('VALUE_INVALID', 'not an id of a client authority') }),
    z.meta({ description: 'Id of a client authority.', example: 'authority-5e0c3a527d0b4c7e' }),
  );

/** Certificate authorities by which Scanners verify the certificates of clients; one text may hold several. */
export const clientAuthorityInput = z.strictObject({
  name,
  certificatePem: pem(
    'Certificates of authorities, in any order, up to 50; the bound is ours. ASCII; text around the PEM blocks is ignored.',
  ),
});
export type ClientAuthorityInput = z.infer<typeof clientAuthorityInput>;

export const clientAuthority = z
  .object({
    clientAuthorityId: authorityId,
    name,
    certificates: z.array(certificateDetails),
    version: memberVersion,
    createdAt: time,
    updatedAt: time,
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'ClientAuthority' }));
export type ClientAuthority = z.infer<typeof clientAuthority>;
