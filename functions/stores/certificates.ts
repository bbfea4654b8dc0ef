import { AppError } from '../../shared/errors.ts';
import type { CertificateDetails } from '../../shared/schemas/certificates.ts';
import { keys } from '../../shared/tables.ts';
import { type Asked, fleetAuditItem } from './audit.ts';
import { getItem, putNew, queryListed, type TransactItem, tableName } from './dynamo.ts';
import {
  assertUnused,
  assertVersion,
  type CertificateRecord,
  type CommitItem,
  commitItems,
  findFleetArtifact,
  inUse,
  recordDelete,
  recordPut,
  superseded,
  unusedDelete,
} from './fleet-artifacts.ts';
import { sha256 } from './objects.ts';
import { retrying } from './retrying.ts';
import { namedItem, retiredItem, stageSecret } from './secrets.ts';

/** A certificate that has passed every rule, with what it is stored under. */
export interface NewCertificate {
  name: string;
  details: CertificateDetails;
  keyType: string;
  chainLength: number;
  certificatePem: string;
  privateKeyPem: string;
}

/** How a write was asked for. */
export interface FleetWrite extends Asked {
  dryRun: boolean;
  ifMatch?: number | '*' | undefined;
}

type Remember<T> = ((made: T) => TransactItem) | undefined;

const nameKey = (name: string) => ({ pk: keys.ofCertificateName(name), sk: keys.certificateName });

const listedAs = ({ name, certificateId }: CertificateRecord) => ({
  listPk: keys.listedCertificates,
  listSk: `${name}#${certificateId}`,
});

/** What the audit keeps of a certificate: what it says of itself, never its key. */
const recorded = (record: CertificateRecord) => ({
  certificateId: record.certificateId,
  name: record.name,
  subject: record.subject,
  subjectAlternativeNames: record.subjectAlternativeNames,
  issuer: record.issuer,
  serialNumber: record.serialNumber,
  notBefore: record.notBefore,
  notAfter: record.notAfter,
  fingerprintSha256: record.fingerprintSha256,
  chainLength: record.chainLength,
  keyType: record.keyType,
  version: record.version,
});

const nameTaken = (name: string): AppError =>
  new AppError('NAME_TAKEN', `Another certificate is called "${name}"; case makes no difference.`);

const takesName = (name: string, certificateId: string): CommitItem => [
  putNew({ ...nameKey(name), certificateId }),
  async () => nameTaken(name),
];

const leavesName = (name: string): CommitItem => [
  { Delete: { TableName: tableName(), Key: nameKey(name) } },
  null,
];

const isSameName = (one: string, other: string): boolean =>
  keys.ofCertificateName(one) === keys.ofCertificateName(other);

/** For a dry run, which commits nothing that would find out. */
const assertNameFree = async (name: string): Promise<void> => {
  const { pk, sk } = nameKey(name);
  if (await getItem(pk, sk)) throw nameTaken(name);
};

const contentOf = (certificateId: string, { certificatePem, privateKeyPem }: NewCertificate) => ({
  certificateId,
  certificatePem,
  privateKeyPem,
});

const recordOf = (
  certificateId: string,
  { name, details, keyType, chainLength, certificatePem }: NewCertificate,
  { actor, at }: Asked,
  before?: CertificateRecord,
): CertificateRecord => ({
  artifact: certificateId,
  certificateId,
  name,
  ...details,
  keyType,
  chainLength,
  chainDigest: sha256(certificatePem),
  digest: before?.digest ?? '',
  version: (before?.version ?? 0) + 1,
  createdAt: before?.createdAt ?? at.toISOString(),
  updatedAt: at.toISOString(),
  updatedBy: actor.name,
  requestId: actor.requestId,
});

const audited = (
  certificateId: string,
  asked: Asked,
  before: CertificateRecord | null,
  after: CertificateRecord | null,
): CommitItem => [
  fleetAuditItem({ artifact: certificateId, subject: certificateId }, asked, {
    before: before && recorded(before),
    after: after && recorded(after),
  }),
  null,
];

const remembered = <T>(made: T, remember: Remember<T>): CommitItem[] =>
  remember ? [[remember(made), superseded]] : [];

/** One certificate, strongly consistent. NOT_FOUND where there is none with this id. */
export const readCertificate = async (certificateId: string): Promise<CertificateRecord> => {
  const record = await findFleetArtifact<CertificateRecord>(certificateId);
  if (!record) throw new AppError('NOT_FOUND', `There is no certificate ${certificateId}.`);
  return record;
};

/** Certificates in the order of their names. */
export const listCertificates = (page: { limit: number; cursor?: string | undefined }) =>
  queryListed<CertificateRecord>(keys.listedCertificates, page);

/** Stores a certificate. NAME_TAKEN where another has its name. */
export const createCertificate = async (
  certificateId: string,
  made: NewCertificate,
  asked: FleetWrite,
  remember?: Remember<CertificateRecord>,
): Promise<CertificateRecord> => {
  await assertNameFree(made.name);
  if (asked.dryRun) return recordOf(certificateId, made, asked);
  const digest = await stageSecret(certificateId, contentOf(certificateId, made), {
    distributed: true,
    now: asked.at,
  });
  const record = { ...recordOf(certificateId, made, asked), digest };
  return retrying(async () => {
    const done = await commitItems([
      [recordPut(record, listedAs(record)), null],
      takesName(made.name, certificateId),
      [namedItem(certificateId, digest), null],
      audited(certificateId, asked, null, record),
      ...remembered(record, remember),
    ]);
    return done ? record : null;
  });
};

/** The digest of what Scanners will fetch: the present one where certificate and chain, and so the key, are the same. */
const digestAfter = async (
  before: CertificateRecord,
  made: NewCertificate,
  asked: FleetWrite,
): Promise<string> => {
  if (before.chainDigest === sha256(made.certificatePem)) return before.digest;
  const { certificateId } = before;
  return stageSecret(certificateId, contentOf(certificateId, made), { distributed: true, now: asked.at });
};

const renames = (before: CertificateRecord, name: string): CommitItem[] =>
  isSameName(before.name, name) ? [] : [leavesName(before.name), takesName(name, before.certificateId)];

const exchanges = (before: CertificateRecord, digest: string, { at }: FleetWrite): CommitItem[] =>
  before.digest === digest
    ? []
    : [
        [namedItem(before.artifact, digest), null],
        [retiredItem(before.artifact, before.digest, { distributed: true, now: at }), null],
      ];

const changes = (before: CertificateRecord, made: NewCertificate): boolean =>
  before.name !== made.name || before.chainDigest !== sha256(made.certificatePem);

/**
 * Renews a certificate in its place, or gives it another name: the Scanners that use it are brought to it by the worker that this wakes.
 * The same again changes nothing.
 */
export const replaceCertificate = (
  certificateId: string,
  made: NewCertificate,
  asked: FleetWrite,
): Promise<CertificateRecord> =>
  retrying(async () => {
    const before = await readCertificate(certificateId);
    assertVersion(before.version, asked.ifMatch);
    if (!changes(before, made)) return before;
    if (!isSameName(before.name, made.name)) await assertNameFree(made.name);
    if (asked.dryRun) return recordOf(certificateId, made, asked, before);
    const digest = await digestAfter(before, made, asked);
    const after = { ...recordOf(certificateId, made, asked, before), digest };
    const done = await commitItems([
      [recordPut(after, listedAs(after)), null],
      ...renames(before, made.name),
      ...exchanges(before, digest, asked),
      audited(certificateId, asked, before, after),
    ]);
    return done ? after : null;
  });

/** Deletes a certificate, in one transaction that holds that no Scanner uses it. CERTIFICATE_IN_USE where one does. */
export const deleteCertificate = (certificateId: string, asked: FleetWrite): Promise<CertificateRecord> =>
  retrying(async () => {
    const before = await readCertificate(certificateId);
    assertVersion(before.version, asked.ifMatch);
    await assertUnused('CERTIFICATE_IN_USE', certificateId);
    if (asked.dryRun) return before;
    const done = await commitItems([
      [recordDelete(before), null],
      [unusedDelete(certificateId), () => inUse('CERTIFICATE_IN_USE', certificateId)],
      leavesName(before.name),
      [retiredItem(certificateId, before.digest, { distributed: true, now: asked.at }), null],
      audited(certificateId, asked, before, null),
    ]);
    return done ? before : null;
  });
