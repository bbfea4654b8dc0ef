import type { Problem, Warning } from '../errors.ts';
import type { CertificateDetails } from '../schemas/certificates.ts';
import { validityOf } from './certificates.ts';
import { problem } from './sections.ts';

/** Kind and size of a public key, in the words of OpenSSL. */
export interface KeyKind {
  type: string;
  bits?: number;
  curve?: string;
}

/** One certificate of an upload, as a library read it. */
export interface ReadCertificate extends CertificateDetails {
  key: KeyKind;
  isAuthority: boolean;
  signatureAlgorithm: string;
  /** Object identifiers; null where the certificate does not say what it is for. */
  extendedKeyUsages: readonly string[] | null;
  /** Positions, in the upload, of the certificates that issued it: names fit and the signature is right. Itself, where it is self-signed. */
  issuers: readonly number[];
}

export interface Judgement {
  problems: Problem[];
  warnings: Warning[];
}

/** Most certificates of one chain, and of one text with client authorities: bounds of ours. */
export const longestChain = 10;
export const mostAuthorityCertificates = 50;

const pointer = '/certificatePem';

const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
const edwards: Record<string, string> = { ed25519: 'Ed25519', ed448: 'Ed448' };

/** A kind of key for people: `RSA 2048`, `EC P-256`. */
export const keyName = ({ type, bits, curve }: KeyKind): string => {
  if (type === 'ec') return `EC ${curves[curve ?? ''] ?? curve ?? 'unknown curve'}`;
  return edwards[type] ?? `${type.toUpperCase()}${bits === undefined ? '' : ` ${bits}`}`;
};

const isWeakKey = ({ type, bits, curve }: KeyKind): boolean => {
  if (type === 'rsa' || type === 'rsa-pss') return (bits ?? 0) < 2048;
  if (type === 'ec') return curves[curve ?? ''] === undefined;
  return edwards[type] === undefined;
};

/** Sizes of hashes follow "sha" directly (`sha256`); what is left is SHA-1. */
const isWeakSignature = (algorithm: string): boolean => /md[245]|sha-?1(?!\d)/i.test(algorithm);

const isSelfSigned = (certificate: ReadCertificate, index: number): boolean =>
  certificate.issuers.includes(index);

const called = ({ subject }: ReadCertificate, index: number): string =>
  `certificate ${index + 1} (${subject === '' ? 'no subject' : subject})`;

const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1);

const strengthProblems = (certificate: ReadCertificate, index: number): Problem[] => {
  const name = called(certificate, index);
  // Nobody relies on the signature by which a root vouches for itself.
  const signed = !isSelfSigned(certificate, index);
  return [
    ...(isWeakKey(certificate.key)
      ? [
          problem(
            pointer,
            'KEY_TOO_WEAK',
            `${capital(name)} has a key of ${keyName(certificate.key)}; RSA of 2048 bits or more, P-256, P-384 and P-521 are taken.`,
          ),
        ]
      : []),
    ...(signed && isWeakSignature(certificate.signatureAlgorithm)
      ? [
          problem(
            pointer,
            'KEY_TOO_WEAK',
            `${capital(name)} is signed with ${certificate.signatureAlgorithm}; SHA-256 or better is taken.`,
          ),
        ]
      : []),
  ];
};

/** An expired one is refused, unless it can be done without; what is not valid yet, or soon no more, is warned of. */
const validityJudgement = (
  certificate: ReadCertificate,
  index: number,
  now: Date,
  dispensable = false,
): Judgement => {
  const name = capital(called(certificate, index));
  const validity = validityOf(certificate, now);
  const one = (code: 'CERTIFICATE_EXPIRED' | 'CERTIFICATE_EXPIRING', what: string) =>
    problem(pointer, code, `${name} ${what}.`);
  if (validity === 'expired') {
    const expired = one('CERTIFICATE_EXPIRED', `expired at ${certificate.notAfter}`);
    return dispensable ? { problems: [], warnings: [expired] } : { problems: [expired], warnings: [] };
  }
  if (validity === 'not-yet')
    return {
      problems: [],
      warnings: [one('CERTIFICATE_EXPIRED', `is not valid before ${certificate.notBefore}`)],
    };
  const expiring = one('CERTIFICATE_EXPIRING', `expires at ${certificate.notAfter}`);
  return { problems: [], warnings: validity === 'expiring' ? [expiring] : [] };
};

const brokenLink = (chain: readonly ReadCertificate[], index: number): Problem[] => {
  const [own, next] = [chain[index], chain[index + 1]];
  if (!own || !next || own.issuers.includes(index + 1)) return [];
  const names = `${capital(called(own, index))} was not issued by ${called(next, index + 1)}`;
  const real = own.issuers.find((issuer) => issuer !== index);
  const issuer = real === undefined ? undefined : chain[real];
  if (real !== undefined && issuer)
    return [
      problem(
        pointer,
        'CHAIN_BROKEN',
        `${names} but by ${called(issuer, real)}: the order is wrong; each is followed by its issuer.`,
      ),
    ];
  const why = own.issuers.includes(index)
    ? 'it is self-signed, and nothing can follow it'
    : `its issuer, ${own.issuer}, is missing`;
  return [problem(pointer, 'CHAIN_BROKEN', `${names}: ${why}.`)];
};

const serverAuthentication = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

const notForServers = (leaf: ReadCertificate): Problem[] =>
  leaf.extendedKeyUsages === null ||
  leaf.extendedKeyUsages.some((usage) => serverAuthentication.includes(usage))
    ? []
    : [
        problem(
          pointer,
          'CERTIFICATE_NOT_FOR_SERVERS',
          'The certificate says what it is for (extended key usage), and authenticating a server is not among it.',
        ),
      ];

const authorityExpected = (chain: readonly ReadCertificate[]): Problem[] =>
  chain.flatMap((certificate, index) =>
    index === 0 || certificate.isAuthority
      ? []
      : [
          problem(
            pointer,
            'CERTIFICATE_AUTHORITY_EXPECTED',
            `${capital(called(certificate, index))} is in the chain but is not a certificate of an authority.`,
          ),
        ],
  );

const namesWarnings = ({ subjectAlternativeNames }: CertificateDetails): Warning[] =>
  subjectAlternativeNames.length > 0
    ? []
    : [
        problem(
          pointer,
          'CERTIFICATE_WITHOUT_NAMES',
          'The certificate has no subject alternative names; clients that verify names will refuse it.',
        ),
      ];

const leafWarnings = (leaf: ReadCertificate): Warning[] => [
  ...(leaf.isAuthority
    ? [
        problem(
          pointer,
          'CERTIFICATE_IS_AUTHORITY',
          'The first certificate is that of an authority; clients may refuse it as a server’s. Is the order right?',
        ),
      ]
    : []),
  ...namesWarnings(leaf),
  ...(leaf.key.type === 'rsa' || leaf.key.type === 'ec'
    ? []
    : [
        problem(
          pointer,
          'KEY_RARELY_SUPPORTED',
          `Many mail servers cannot use a key of ${keyName(leaf.key)}; RSA and EC are known everywhere.`,
        ),
      ]),
];

const tooLong = (certificates: readonly ReadCertificate[], most: number): Problem[] =>
  certificates.length > most
    ? [
        problem(
          pointer,
          'CERTIFICATE_PEM_INVALID',
          `There are ${certificates.length} certificates; up to ${most} are taken.`,
        ),
      ]
    : [];

const together = (judgements: readonly Judgement[]): Judgement => ({
  problems: judgements.flatMap(({ problems }) => problems),
  warnings: judgements.flatMap(({ warnings }) => warnings),
});

/** Everything that is to be said of a server's certificate and its chain (DESIGN 6, issue "certificates"): all of it at once. */
export const judgeChain = (chain: readonly ReadCertificate[], now: Date): Judgement => {
  const [leaf] = chain;
  if (!leaf || chain.length > longestChain) return { problems: tooLong(chain, longestChain), warnings: [] };
  const validity = together(
    chain.map((certificate, index) => {
      const isRoot = index > 0 && isSelfSigned(certificate, index);
      return validityJudgement(certificate, index, now, isRoot);
    }),
  );
  return {
    problems: [
      ...chain.flatMap((_, index) => brokenLink(chain, index)),
      ...authorityExpected(chain),
      ...validity.problems,
      ...chain.flatMap(strengthProblems),
      ...notForServers(leaf),
    ],
    warnings: [...validity.warnings, ...leafWarnings(leaf)],
  };
};

/** Whose key it is: a position in the chain, or null for none of it. */
export const keyProblems = (chain: readonly ReadCertificate[], keyOf: number | null): Problem[] => {
  if (keyOf === 0) return [];
  const owner = keyOf === null ? undefined : chain[keyOf];
  const hint =
    keyOf !== null && owner
      ? `it is that of ${called(owner, keyOf)}, which must come first`
      : 'it is that of none of them';
  return [
    problem(
      '/privateKeyPem',
      'PRIVATE_KEY_MISMATCH',
      `The key is not that of the first certificate: ${hint}.`,
    ),
  ];
};

/** Everything that is to be said of certificates by which clients are verified: each is an authority's, valid and strong. */
export const judgeAuthorities = (certificates: readonly ReadCertificate[], now: Date): Judgement => {
  if (certificates.length > mostAuthorityCertificates)
    return { problems: tooLong(certificates, mostAuthorityCertificates), warnings: [] };
  const validity = together(
    certificates.map((certificate, index) => validityJudgement(certificate, index, now)),
  );
  return {
    problems: [
      ...certificates.flatMap((certificate, index) =>
        certificate.isAuthority
          ? []
          : [
              problem(
                pointer,
                'CERTIFICATE_AUTHORITY_EXPECTED',
                `${capital(called(certificate, index))} is not a certificate of an authority (basic constraints).`,
              ),
            ],
      ),
      ...validity.problems,
      ...certificates.flatMap(strengthProblems),
    ],
    warnings: validity.warnings,
  };
};

const todaysWarnings = (name: string, certificate: CertificateDetails, now: Date): Warning[] => {
  const { notBefore, notAfter } = certificate;
  return {
    valid: [],
    expiring: [problem(pointer, 'CERTIFICATE_EXPIRING', `"${name}" expires at ${notAfter}.`)],
    expired: [problem(pointer, 'CERTIFICATE_EXPIRED', `"${name}" expired at ${notAfter}.`)],
    'not-yet': [problem(pointer, 'CERTIFICATE_EXPIRED', `"${name}" is not valid before ${notBefore}.`)],
  }[validityOf(certificate, now)];
};

/** What to know today of a certificate that was stored when it was in order: how long it is still good, and what it lacks. */
export const storedCertificateWarnings = (
  certificate: CertificateDetails & { name: string },
  now: Date,
): Warning[] => [...todaysWarnings(certificate.name, certificate, now), ...namesWarnings(certificate)];

/** What to know today of certificates of authorities that were stored when they were in order. */
export const authorityWarnings = (certificates: readonly CertificateDetails[], now: Date): Warning[] =>
  certificates.flatMap((certificate) => todaysWarnings(certificate.subject, certificate, now));
