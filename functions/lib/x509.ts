import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  type Judgement,
  judgeAuthorities,
  judgeChain,
  type KeyKind,
  keyName,
  keyProblems,
  longestChain,
  mostAuthorityCertificates,
  type ReadCertificate,
} from '../../shared/domain/chain.ts';
import { canonicalIpv6 } from '../../shared/domain/lists/addresses.ts';
import { type PemBlock, readPem } from '../../shared/domain/pem.ts';
import { problem } from '../../shared/domain/sections.ts';
import type { Problem } from '../../shared/errors.ts';
import type { CertificateDetails } from '../../shared/schemas/certificates.ts';

/** RFC 4514 writes the last part first; OpenSSL gives a line a part, first part first, each escaped already. */
const nameOf = (lines: string | undefined): string => (lines ?? '').split('\n').reverse().join(',');

/** Names as Node lists them: a comma and a space between, quoted where one has a comma of its own. */
const sanPattern = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;

const withoutKind = (name: string): string => {
  const [, kind, value = ''] = /^(DNS|IP Address):(.*)$/s.exec(name) ?? [];
  if (kind === 'DNS') return value;
  return kind === undefined ? name : (canonicalIpv6(value) ?? value);
};

/** Host names and addresses as they are; names of other kinds with their kind before them. */
const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  (subjectAltName.match(sanPattern) ?? []).map((name) => withoutKind(name.trim()));

const kindOf = (key: KeyObject): KeyKind => {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  return {
    type: key.asymmetricKeyType ?? 'unknown',
    ...(modulusLength === undefined ? {} : { bits: modulusLength }),
    ...(namedCurve === undefined ? {} : { curve: namedCurve }),
  };
};

const isIssuedBy = (one: X509Certificate, other: X509Certificate): boolean =>
  one.checkIssued(other) && one.verify(other.publicKey);

const detailsOf = (certificate: X509Certificate): CertificateDetails => ({
  subject: nameOf(certificate.subject),
  subjectAlternativeNames: namesOf(certificate),
  issuer: nameOf(certificate.issuer),
  serialNumber: certificate.serialNumber,
  notBefore: certificate.validFromDate.toISOString(),
  notAfter: certificate.validToDate.toISOString(),
  fingerprintSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
});

const readOf = (certificates: readonly X509Certificate[]): ReadCertificate[] =>
  certificates.map((certificate) => ({
    ...detailsOf(certificate),
    key: kindOf(certificate.publicKey),
    isAuthority: certificate.ca,
    signatureAlgorithm: certificate.signatureAlgorithm ?? 'an unknown algorithm',
    extendedKeyUsages: certificate.keyUsage ?? null,
    issuers: certificates.flatMap((other, index) => (isIssuedBy(certificate, other) ? [index] : [])),
  }));

/** OpenSSL's own words may repeat what it read, so ours are used. */
const tryTo = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    // Whatever is wrong with it: it cannot be read, and the caller says so.
    return null;
  }
};

interface Parsed {
  certificates: X509Certificate[];
  blocks: PemBlock[];
  problems: Problem[];
}

const pointer = '/certificatePem';

const pemProblem = (message: string): Parsed => ({
  certificates: [],
  blocks: [],
  problems: [problem(pointer, 'CERTIFICATE_PEM_INVALID', message)],
});

const parseCertificates = (text: string): Parsed => {
  const found = readPem(text);
  if (typeof found === 'string') return pemProblem(found);
  const blocks = found.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (blocks.length === 0) return pemProblem('There is no block "-----BEGIN CERTIFICATE-----".');
  const read = blocks.map(({ text: pem }) => tryTo(() => new X509Certificate(pem)));
  // A key that OpenSSL does not know is found out here, and not where it is used.
  const bad = read.findIndex((one) => one === null || tryTo(() => one.publicKey) === null);
  if (bad >= 0) return pemProblem(`Certificate ${bad + 1} cannot be read.`);
  return { certificates: read.filter((one) => one !== null), blocks, problems: [] };
};

const keyProblem = (message: string): Problem => problem('/privateKeyPem', 'PRIVATE_KEY_INVALID', message);

const encrypted =
  'The key is encrypted; decrypt it first, for example with "openssl pkey -in key.pem -out plain.pem".';

const readKey = (text: string): KeyObject | Problem => {
  const found = readPem(text);
  if (typeof found === 'string') return keyProblem(found);
  const blocks = found.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block] = blocks;
  if (!block) return keyProblem('There is no block "-----BEGIN PRIVATE KEY-----".');
  if (blocks.length > 1)
    return keyProblem(`There are ${blocks.length} keys; give the one of the certificate.`);
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.hasHeaders) return keyProblem(encrypted);
  const key = tryTo(() => createPrivateKey(block.text));
  return key ?? keyProblem('The key cannot be read; PKCS #8, PKCS #1 and SEC 1 are, in PEM.');
};

const ownerOf = (certificates: readonly X509Certificate[], key: KeyObject): number | null => {
  const index = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  return index < 0 ? null : index;
};

const judged = (
  certificates: readonly X509Certificate[],
  most: number,
  judge: typeof judgeChain,
  now: Date,
) =>
  // Who issued whom costs a signature a pair, so it is not asked of more than may be.
  certificates.length > most
    ? judge(new Array(certificates.length).fill({ issuers: [] }), now)
    : judge(readOf(certificates), now);

/** A certificate with chain and key, as far as it could be read, and everything that is to be said of it. */
export interface ExaminedCertificate extends Judgement {
  /** null where it cannot be stored. */
  made: {
    details: CertificateDetails;
    keyType: string;
    chainLength: number;
    /** Both in their one form: blocks alone; the key as PKCS #8. */
    certificatePem: string;
    privateKeyPem: string;
  } | null;
}

const pemOf = (blocks: readonly PemBlock[]): string =>
  blocks.map(({ text }) => text.replaceAll('X509 CERTIFICATE', 'CERTIFICATE')).join('');

/** Reads a server's certificate, its chain and its key, and judges them: all that is wrong with the texts and with what they say. */
export const examineCertificate = (
  given: { certificatePem: string; privateKeyPem: string },
  now: Date,
): ExaminedCertificate => {
  const { certificates, blocks, problems: unread } = parseCertificates(given.certificatePem);
  const [leaf] = certificates;
  const key = readKey(given.privateKeyPem);
  const { problems, warnings } = leaf
    ? judged(certificates, longestChain, judgeChain, now)
    : { problems: unread, warnings: [] };
  if ('pointer' in key) return { problems: [...problems, key], warnings, made: null };
  if (!leaf || certificates.length > longestChain) return { problems, warnings, made: null };
  const own = keyProblems(readOf(certificates), ownerOf(certificates, key));
  const made = {
    details: detailsOf(leaf),
    keyType: keyName(kindOf(leaf.publicKey)),
    chainLength: certificates.length,
    certificatePem: pemOf(blocks),
    privateKeyPem: String(key.export({ type: 'pkcs8', format: 'pem' })),
  };
  return { problems: [...problems, ...own], warnings, made };
};

/** Certificates of authorities, each once, and everything that is to be said of them. */
export interface ExaminedAuthorities extends Judgement {
  certificates: CertificateDetails[];
  certificatePem: string;
}

/** Reads certificates by which clients are verified, and judges them. */
export const examineAuthorities = (certificatePem: string, now: Date): ExaminedAuthorities => {
  const { certificates, blocks, problems: unread } = parseCertificates(certificatePem);
  const { problems, warnings } =
    unread.length > 0
      ? { problems: unread, warnings: [] }
      : judged(certificates, mostAuthorityCertificates, judgeAuthorities, now);
  const details = certificates.map(detailsOf);
  const isFirst = (index: number) =>
    details.findIndex((one) => one.fingerprintSha256 === details[index]?.fingerprintSha256) === index;
  return {
    problems,
    warnings,
    certificates: details.filter((_, index) => isFirst(index)),
    certificatePem: pemOf(blocks.filter((_, index) => isFirst(index))),
  };
};
