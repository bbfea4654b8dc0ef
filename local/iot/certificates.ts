import { createHash } from 'node:crypto';
import type { State } from '../state.ts';
import { ApiError, deleteConflict, invalidRequest, resourceNotFound } from './api-error.ts';
import type { IssuedCertificate } from './authority.ts';

export const certificateStatuses = ['ACTIVE', 'INACTIVE', 'REVOKED'] as const;
export type CertificateStatus = (typeof certificateStatuses)[number];

/** A device certificate as registered. Times in milliseconds since 1970. */
export interface CertificateRecord {
  id: string;
  pem: string;
  status: CertificateStatus;
  createdAt: number;
  changedAt: number;
  notBefore: number;
  notAfter: number;
}

/** Registered device certificates and the policies attached to them. */
export interface Certificates {
  register(issued: IssuedCertificate, status: CertificateStatus): CertificateRecord;
  find(id: string): CertificateRecord | undefined;
  /** @throws ApiError when there is no such certificate. */
  require(id: string): CertificateRecord;
  setStatus(id: string, status: CertificateStatus): void;
  /** Refuses an active certificate and, unless forced, one with policies. */
  delete(id: string, force: boolean): void;
  attachPolicy(policy: string, id: string): void;
  detachPolicy(policy: string, id: string): void;
  policiesOf(id: string): string[];
  certificatesWith(policy: string): string[];
}

const schema = `
CREATE TABLE IF NOT EXISTS iot_certificate (
  id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS iot_policy_attachment (
  policy TEXT NOT NULL, certificate TEXT NOT NULL, PRIMARY KEY (certificate, policy)
) STRICT, WITHOUT ROWID`;

const fields = `id, pem, status, created_at AS createdAt, changed_at AS changedAt, not_before AS notBefore,
  not_after AS notAfter`;

/** The id of a certificate: 64 hex digits, the SHA-256 of its DER. */
export const certificateId = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');

/** Opens the certificates kept in `state`. */
export const openCertificates = (state: State, now: () => Date): Certificates => {
  const { db } = state;
  db.exec(schema);
  const select = db.prepare(`SELECT ${fields} FROM iot_certificate WHERE id = ?`);
  const insert = db.prepare('INSERT INTO iot_certificate VALUES (?, ?, ?, ?, ?, ?, ?)');
  const update = db.prepare('UPDATE iot_certificate SET status = ?, changed_at = ? WHERE id = ?');
  const policies = db.prepare(
    'SELECT policy FROM iot_policy_attachment WHERE certificate = ? ORDER BY policy',
  );

  const find = (id: string) => select.get(id) as CertificateRecord | undefined;

  const require = (id: string): CertificateRecord => {
    const found = find(id);
    if (!found) throw resourceNotFound(`Certificate ${id} does not exist`);
    return found;
  };

  const register = (issued: IssuedCertificate, status: CertificateStatus): CertificateRecord => {
    const id = certificateId(issued.raw);
    const at = now().getTime();
    insert.run(id, issued.pem, status, at, at, issued.notBefore.getTime(), issued.notAfter.getTime());
    return require(id);
  };

  const setStatus = (id: string, status: CertificateStatus): void => {
    require(id);
    update.run(status, now().getTime(), id);
  };

  const policiesOf = (id: string) => policies.all(id).map((row) => row['policy'] as string);

  const remove = (id: string, force: boolean): void => {
    if (require(id).status === 'ACTIVE')
      throw new ApiError(406, 'CertificateStateException', 'The certificate must be deactivated first');
    if (!force && policiesOf(id).length > 0)
      throw deleteConflict('Certificate policies must be detached before deletion');
    db.prepare('DELETE FROM iot_policy_attachment WHERE certificate = ?').run(id);
    db.prepare('DELETE FROM iot_certificate WHERE id = ?').run(id);
  };

  return {
    register,
    find,
    require,
    setStatus,
    delete: (id, force) => state.transaction(() => remove(id, force)),
    attachPolicy: (policy, id) => {
      require(id);
      db.prepare('INSERT OR IGNORE INTO iot_policy_attachment VALUES (?, ?)').run(policy, id);
    },
    detachPolicy: (policy, id) => {
      db.prepare('DELETE FROM iot_policy_attachment WHERE policy = ? AND certificate = ?').run(policy, id);
    },
    policiesOf,
    certificatesWith: (policy) =>
      db
        .prepare('SELECT certificate FROM iot_policy_attachment WHERE policy = ? ORDER BY certificate')
        .all(policy)
        .map((row) => row['certificate'] as string),
  };
};

/** The status that an UpdateCertificate asks for. @throws ApiError for any other. */
export const readStatus = (text: string | undefined): CertificateStatus => {
  const status = certificateStatuses.find((known) => known === text);
  if (!status) throw invalidRequest(`newStatus must be one of ${certificateStatuses.join(', ')}`);
  return status;
};
