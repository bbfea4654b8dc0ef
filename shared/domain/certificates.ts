import type { Problem, Warning } from '../errors.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { problem, sections } from './sections.ts';
import { tlsOf } from './tls.ts';

/** As much of a certificate as settings are judged by. Times are ISO 8601. */
export interface CertificateFacts {
  name: string;
  notBefore: string;
  notAfter: string;
}

/** Days before its end within which a certificate is warned of. */
export const expiringDays = 30;

const expiringMs = expiringDays * 86_400_000;

/** Where a certificate's validity stands. */
export const validityOf = (
  { notBefore, notAfter }: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  now: Date,
): 'valid' | 'expiring' | 'expired' | 'not-yet' => {
  if (now.getTime() < Date.parse(notBefore)) return 'not-yet';
  const left = Date.parse(notAfter) - now.getTime();
  if (left < 0) return 'expired';
  return left <= expiringMs ? 'expiring' : 'valid';
};

interface Reference {
  pointer: string;
  certificateId: string;
}

/** Where settings name certificates. */
const referencesOf = (settings: SmtpSettings | null): Reference[] =>
  sections.flatMap((section) => {
    const tls = tlsOf(settings, section);
    return tls?.accept && tls.certificateId !== null
      ? [{ pointer: `/${section}/tls/certificateId`, certificateId: tls.certificateId }]
      : [];
  });

const judge = (
  { pointer, certificateId }: Reference,
  certificates: ReadonlyMap<string, CertificateFacts>,
  now: Date,
): Problem | undefined => {
  const facts = certificates.get(certificateId);
  if (!facts) return problem(pointer, 'CERTIFICATE_NOT_FOUND', `There is no certificate ${certificateId}.`);
  const validity = validityOf(facts, now);
  if (validity === 'valid') return undefined;
  if (validity === 'not-yet')
    return problem(pointer, 'CERTIFICATE_EXPIRED', `"${facts.name}" is not valid before ${facts.notBefore}.`);
  return validity === 'expired'
    ? problem(pointer, 'CERTIFICATE_EXPIRED', `"${facts.name}" expired at ${facts.notAfter}.`)
    : problem(pointer, 'CERTIFICATE_EXPIRING', `"${facts.name}" expires at ${facts.notAfter}.`);
};

/**
 * Certificates that settings name exist and are valid. One that is not there is always refused; an expired one only where the write begins to
 * name it, so that it never blocks an unrelated save (DESIGN 3).
 */
export const certificateVerdict = (
  settings: SmtpSettings,
  certificates: ReadonlyMap<string, CertificateFacts>,
  before: SmtpSettings | null,
  now: Date,
): { problems: Problem[]; warnings: Warning[] } => {
  const kept = new Map(referencesOf(before).map(({ pointer, certificateId }) => [pointer, certificateId]));
  const verdict: { problems: Problem[]; warnings: Warning[] } = { problems: [], warnings: [] };
  for (const reference of referencesOf(settings)) {
    const found = judge(reference, certificates, now);
    if (!found) continue;
    const isKept = kept.get(reference.pointer) === reference.certificateId;
    const refused =
      found.code === 'CERTIFICATE_NOT_FOUND' || (found.code === 'CERTIFICATE_EXPIRED' && !isKept);
    verdict[refused ? 'problems' : 'warnings'].push(found);
  }
  return verdict;
};
