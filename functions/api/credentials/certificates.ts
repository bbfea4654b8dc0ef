import { storedCertificateWarnings } from '../../../shared/domain/chain.ts';
import { isObject } from '../../../shared/domain/sections.ts';
import type { Problem, Warning } from '../../../shared/errors.ts';
import type { Certificate, CertificateInput } from '../../../shared/schemas/certificates.ts';
import { type Actor, type Answer, invalid } from '../../lib/http.ts';
import { examineCertificate } from '../../lib/x509.ts';
import type { FleetWrite, NewCertificate } from '../../stores/certificates.ts';
import type { CertificateRecord } from '../../stores/fleet-artifacts.ts';

/** What certificate and key say, judged also where the rest of the body is wrong. */
export const certificateRules = (body: unknown, now: Date): Problem[] => {
  if (!isObject(body)) return [];
  const { certificatePem = '', privateKeyPem = '' } = body;
  if (typeof certificatePem !== 'string' || typeof privateKeyPem !== 'string') return [];
  return examineCertificate({ certificatePem, privateKeyPem }, now).problems;
};

/** A certificate as it will be stored, and what to know of it; the refusal with all that is wrong. */
export const validCertificate = (
  { name, ...given }: CertificateInput,
  now: Date,
): { made: NewCertificate; warnings: Warning[] } => {
  const { problems, warnings, made } = examineCertificate(given, now);
  if (problems.length > 0 || !made) throw invalid(problems);
  return { made: { name, ...made }, warnings };
};

/** A call of an operation that writes something of the fleet. */
interface FleetCall {
  query: { dryRun: boolean };
  ifMatch: number | '*' | undefined;
  actor: Actor;
  now: Date;
}

export const askedBy = ({ query, ifMatch, actor, now }: FleetCall, operation: string): FleetWrite => ({
  actor,
  operation,
  at: now,
  ifMatch,
  dryRun: query.dryRun,
});

/** The ETag of something of the fleet is its version; a dry run makes none. */
export const versioned = (
  status: number,
  body: { version: number },
  { query }: Pick<FleetCall, 'query'>,
  location?: string,
): Answer => ({
  status,
  body,
  headers: query.dryRun ? {} : { etag: `"${body.version}"`, ...(location === undefined ? {} : { location }) },
});

export const certificateDocument = (
  record: CertificateRecord,
  assignedTo: string[],
  warnings: Warning[],
): Certificate => ({ ...record, assignedTo, warnings });

/** Without its users. What to know of it is what a look at it today says. */
export const listedDocument = (record: CertificateRecord, now: Date) => ({
  ...record,
  warnings: storedCertificateWarnings(record, now),
});
