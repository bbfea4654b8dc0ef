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
}

export interface AuditEntry extends AuditDetails {
  at: string;
  actor: string;
  requestId: string;
  operation: string;
  scannerId: string;
}

/** The audit record of a write, for the transaction of that write: what is not recorded has not happened. */
export const auditItem = (
  scannerId: string,
  { actor, operation, at }: Asked,
  details: AuditDetails,
): TransactItem => {
  const time = at.toISOString();
  const sk = keys.audit(time, operation, actor.requestId);
  return putNew({
    pk: keys.ofScanner(scannerId),
    sk,
    listPk: keys.listedAudit(time),
    listSk: `${sk}#${scannerId}`,
    at: time,
    actor: actor.name,
    requestId: actor.requestId,
    operation,
    scannerId,
    ...details,
    ...expiryOf(at),
  });
};

interface Page {
  limit: number;
  cursor?: string | undefined;
}

/** Audit records of a Scanner, newest first. */
export const listAudit = (scannerId: string, page: Page) =>
  queryItems<AuditEntry>(keys.ofScanner(scannerId), keys.auditPrefix, { ...page, newestFirst: true });

/** Audit records of all Scanners in one month (`2026-11`, UTC), newest first. */
export const listFleetAudit = (month: string, page: Page) =>
  queryListed<AuditEntry>(keys.listedAudit(month), { ...page, newestFirst: true });
