import { firstHead, type Head } from '../../shared/domain/configuration.ts';
import { AppError } from '../../shared/errors.ts';
import type { ListReferences } from '../../shared/schemas/lists.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { type Asked, auditItem } from './audit.ts';
import { firstDue } from './due.ts';
import { getItem, putNew, queryListed, type TransactItem, tableName, transact } from './dynamo.ts';
import { assertVersion } from './fleet-artifacts.ts';
import { revisionItems } from './heads.ts';

/** The registration of a Scanner. `epoch` tells this registration from an earlier one of the same id. */
export interface ScannerRecord {
  scannerId: string;
  hostName?: string;
  description?: string;
  labels: Record<string, string>;
  enabled: boolean;
  createdAt: string;
  epoch: string;
  /** Counts changes of the registration, from 1. */
  version: number;
  certificateId?: string;
}

type Registration = Omit<ScannerRecord, 'createdAt' | 'certificateId' | 'version'>;

const taken = (scannerId: string) =>
  new AppError('SCANNER_EXISTS', `There is a Scanner ${scannerId} already.`);

/** Registers a Scanner with revision 1, in one transaction; dry, it only says what would be. SCANNER_EXISTS for an id that is taken. */
export const createScanner = async (
  registration: Registration,
  lists: ListReferences,
  asked: Asked & { dryRun?: boolean },
  remember?: (made: { record: ScannerRecord; head: Head }) => TransactItem,
): Promise<{ record: ScannerRecord; head: Head }> => {
  const { scannerId } = registration;
  const record = { ...registration, version: 1, createdAt: asked.at.toISOString() };
  const head = firstHead(scannerId, lists, asked.actor.name, record.createdAt);
  if (asked.dryRun) {
    if (await getItem(keys.ofScanner(scannerId), sortKeys.scanner)) throw taken(scannerId);
    return { record, head };
  }
  const listed = { listPk: keys.listedScanners, listSk: scannerId };
  const own = [
    putNew({ pk: keys.ofScanner(scannerId), sk: sortKeys.scanner, ...listed, ...record }),
    ...revisionItems(head, null, asked),
    firstDue(scannerId, asked.at),
  ];
  const outcome = await transact([...own, ...(remember ? [remember({ record, head })] : [])]);
  if (outcome.kind === 'committed') return { record, head };
  if (outcome.kind === 'refused' && outcome.index >= own.length) throw new AppError('SUPERSEDED');
  throw taken(scannerId);
};

/** NOT_FOUND for a Scanner that is not registered. */
export const getScanner = async (scannerId: string): Promise<ScannerRecord> => {
  const record = await getItem<ScannerRecord>(keys.ofScanner(scannerId), sortKeys.scanner);
  if (!record) throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
  return record;
};

export const listScanners = (options: { limit: number; cursor?: string | undefined }) =>
  queryListed<ScannerRecord>(keys.listedScanners, options);

/** Members that can change after registration; undefined removes the optional ones. */
export type ScannerChange = Pick<ScannerRecord, 'hostName' | 'description' | 'labels' | 'enabled'>;

interface RecordUpdate {
  set: Record<string, unknown>;
  remove?: string[];
  condition: string;
  values: Record<string, unknown>;
}

const updateItem = (scannerId: string, update: RecordUpdate): TransactItem => {
  const { set, remove = [], condition, values } = update;
  const names = [...Object.keys(set), ...remove];
  const setting = Object.keys(set).map((name) => `#${name} = :${name}`);
  const removing = remove.map((name) => `#${name}`);
  const given = Object.entries(set).map(([name, value]) => [`:${name}`, value]);
  return {
    Update: {
      TableName: tableName(),
      Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.scanner },
      UpdateExpression: `SET ${setting.join(', ')}${removing.length > 0 ? ` REMOVE ${removing.join(', ')}` : ''}`,
      ConditionExpression: condition,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: { ...Object.fromEntries(given), ...values },
    },
  };
};

const mostTries = 12;

const changeOf = ({ hostName, description, labels, enabled }: ScannerRecord): ScannerChange => ({
  ...(hostName === undefined ? {} : { hostName }),
  ...(description === undefined ? {} : { description }),
  labels,
  enabled,
});

const changed = (present: ScannerRecord, change: ScannerChange): ScannerRecord => {
  const { hostName: _, description: __, ...kept } = present;
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...kept, ...Object.fromEntries(given), version: present.version + 1 };
};

const updateFor = (present: ScannerRecord, change: ScannerChange): RecordUpdate => {
  const members = Object.entries(change);
  const given = members.filter(([, value]) => value !== undefined);
  return {
    set: { ...Object.fromEntries(given), version: present.version + 1 },
    remove: members.filter(([, value]) => value === undefined).map(([name]) => name),
    condition: 'version = :seen',
    values: { ':seen': present.version },
  };
};

/**
 * Changes what can change of a registration; `compute` runs again when someone else changed it meanwhile, so that no change is lost. Dry,
 * it only says what would be. NOT_FOUND for a Scanner that is not registered.
 */
export const changeScanner = async (
  scannerId: string,
  asked: Asked & { dryRun: boolean; ifMatch: number | '*' | undefined },
  compute: (present: ScannerRecord) => ScannerChange,
): Promise<ScannerRecord> => {
  for (let tries = 0; tries < mostTries; tries++) {
    const present = await getScanner(scannerId);
    assertVersion(present.version, asked.ifMatch);
    const change = compute(present);
    const after = changed(present, change);
    if (asked.dryRun) return after;
    const outcome = await transact([
      updateItem(scannerId, updateFor(present, change)),
      auditItem(scannerId, asked, { before: changeOf(present), after: changeOf(after) }),
    ]);
    if (outcome.kind === 'committed') return after;
  }
  throw new AppError('THROTTLED', 'Too many changes of this Scanner at once.');
};

/**
 * Records which certificate is this Scanner's, if `previous` still is; false when another enrolment was faster: then its certificate
 * is the Scanner's.
 */
export const recordCertificate = async (
  scannerId: string,
  asked: Asked,
  { previous, certificateId }: { previous: string | undefined; certificateId: string },
  remember: TransactItem[] = [],
): Promise<boolean> => {
  const condition =
    previous === undefined
      ? { condition: 'attribute_exists(pk) AND attribute_not_exists(certificateId)', values: {} }
      : { condition: 'certificateId = :previous', values: { ':previous': previous } };
  const outcome = await transact([
    updateItem(scannerId, { set: { certificateId }, ...condition }),
    auditItem(scannerId, asked, { before: { certificateId: previous ?? null }, after: { certificateId } }),
    ...remember,
  ]);
  return outcome.kind === 'committed';
};
