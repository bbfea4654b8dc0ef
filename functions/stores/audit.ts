import { keys } from '../../shared/tables.ts';
import { putNew, queryItems, queryListed, type TransactItem } from './dynamo.ts';
import { expiryOf } from './retention.ts';

/** Who asked for a write, by which request, as which operation, and when. */
export interface Asked {
  actor: { name: string; requestId: string };
  operation: string;
  at: Date;
}

/** What the audit keeps of a write besides who, when and how. Secrets never come this far. */
export interface AuditDetails {
  /** What there was before the write and after it; null where there was nothing. */
  before: unknown;
  after: unknown;
  revision?: number;
  counts?: Record<string, number>;
  /** The first 20 values of a list edit; the rest is the difference of the roots. */
  values?: string[];
  importId?: string;
  rolloutId?: string;
}

export interface AuditEntry extends AuditDetails {
  at: string;
  actor: string;
  requestId: string;
  operation: string;
  /** The Scanner that was written, or the part of the fleet. */
  scannerId?: string;
  subject?: string;
}

/** Where a record lies and whom it concerns. */
interface Place {
  pk: string;
  about: { scannerId: string } | { subject: string };
  /** Tells apart records of one time, operation and request in the listing across the fleet. */
  name: string;
}

const recordItem = (
  { pk, about, name }: Place,
  { actor, operation, at }: Asked,
  details: AuditDetails,
): TransactItem => {
  const time = at.toISOString();
  const sk = keys.audit(time, operation, actor.requestId);
  return putNew({
    pk,
    sk,
    listPk: keys.listedAudit(time),
    listSk: `${sk}#${name}`,
    at: time,
    actor: actor.name,
    requestId: actor.requestId,
    operation,
    ...about,
    ...details,
    ...expiryOf(at),
  });
};

/** The audit record of a write, for the transaction of that write: what is not recorded has not happened. */
export const auditItem = (scannerId: string, asked: Asked, details: AuditDetails): TransactItem =>
  recordItem({ pk: keys.ofScanner(scannerId), about: { scannerId }, name: scannerId }, asked, details);

/** As `auditItem`, of something that belongs to the fleet: a certificate, a directory source, a client authority. */
export const fleetAuditItem = (
  { artifact, subject }: { artifact: string; subject: string },
  asked: Asked,
  details: AuditDetails,
): TransactItem =>
  recordItem({ pk: keys.ofArtifact(artifact), about: { subject }, name: subject }, asked, details);

/** As `auditItem`, of a rollout. */
export const rolloutAuditItem = (rolloutId: string, asked: Asked, details: AuditDetails): TransactItem =>
  recordItem({ pk: keys.ofRollout(rolloutId), about: { subject: rolloutId }, name: rolloutId }, asked, {
    ...details,
    rolloutId,
  });

interface Page {
  limit: number;
  cursor?: string | undefined;
}

/** Audit records of a Scanner, newest first. */
export const listAudit = (scannerId: string, page: Page) =>
  queryItems<AuditEntry>(keys.ofScanner(scannerId), keys.auditPrefix, { ...page, newestFirst: true });

/** Audit records of all Scanners and of the fleet in one month (`2026-11`, UTC), newest first. */
export const listFleetAudit = (month: string, page: Page) =>
  queryListed<AuditEntry>(keys.listedAudit(month), { ...page, newestFirst: true });
