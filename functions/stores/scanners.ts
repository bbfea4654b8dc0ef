import { firstHead, type Head, reopenedHead } from '../../shared/domain/configuration.ts';
import { AppError } from '../../shared/errors.ts';
import type { ListReferences } from '../../shared/schemas/lists.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { type Asked, auditItem } from './audit.ts';
import { firstDue } from './due.ts';
import {
  getItem,
  putNew,
  queryListed,
  type TransactItem,
  tableName,
  transact,
  transactBeside,
} from './dynamo.ts';
import { assertVersion } from './fleet-artifacts.ts';
import { readHead, revisionItems } from './heads.ts';

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
  /** Since when it is out of service; then nothing of it changes any more. */
  decommissionedAt?: string;
  /** The request that decommissioned it. */
  decommissionRequestId?: string;
  /** Since when nothing is left of it but its history; from then on its id can be registered again. */
  clearedAt?: string;
  /** How often something of it has appeared after it was decommissioned. */
  reopened?: number;
}

type Registration = Omit<
  ScannerRecord,
  | 'createdAt'
  | 'certificateId'
  | 'version'
  | 'decommissionedAt'
  | 'decommissionRequestId'
  | 'clearedAt'
  | 'reopened'
>;

interface Registered {
  record: ScannerRecord;
  head: Head;
}

const taken = (scannerId: string) =>
  new AppError('SCANNER_EXISTS', `There is a Scanner ${scannerId} already.`);

const stillCleared = (scannerId: string) =>
  new AppError(
    'SCANNER_NOT_CLEARED',
    `The decommissioned Scanner ${scannerId} is still being cleared away; its id can be registered again in a moment.`,
    { data: { retryAfter: 2 } },
  );

/** The registration of an id for the first time: it must be new to the table. */
const first = (registration: Registration, lists: ListReferences, asked: Asked): Registered => {
  const record = { ...registration, version: 1, createdAt: asked.at.toISOString() };
  const head = firstHead(record.scannerId, lists, asked.actor.name, record.createdAt);
  return { record, head: { ...head, requestId: asked.actor.requestId } };
};

/** The registration of an id after its Scanner was decommissioned. SCANNER_EXISTS for one in service, SCANNER_NOT_CLEARED too early. */
const again = async (
  registration: Registration,
  lists: ListReferences,
  asked: Asked,
): Promise<Registered & { before: ScannerRecord }> => {
  const { scannerId } = registration;
  const before = await getScanner(scannerId);
  if (before.decommissionedAt === undefined) throw taken(scannerId);
  if (before.clearedAt === undefined) throw stillCleared(scannerId);
  const record = { ...registration, version: before.version + 1, createdAt: asked.at.toISOString() };
  const head = reopenedHead(await readHead(scannerId), lists, asked.actor.name, record.createdAt);
  return { record, head: { ...head, requestId: asked.actor.requestId }, before };
};

const recordItem = (record: ScannerRecord, before?: ScannerRecord): TransactItem => {
  const { Put } = putNew({
    pk: keys.ofScanner(record.scannerId),
    sk: sortKeys.scanner,
    listPk: keys.listedScanners,
    listSk: record.scannerId,
    ...record,
  });
  if (!before) return { Put };
  const replaced = {
    ConditionExpression: 'epoch = :epoch AND attribute_exists(clearedAt)',
    ExpressionAttributeValues: { ':epoch': before.epoch },
  };
  return { Put: { ...(Put as NonNullable<typeof Put>), ...replaced } };
};

type Remember = ((made: Registered) => TransactItem) | undefined;

/** Commits a registration; null where the id is taken. */
const commit = async (
  { record, head, before }: Registered & { before?: ScannerRecord },
  asked: Asked,
  remember: Remember,
): Promise<Registered | null> => {
  const own = [
    recordItem(record, before),
    ...revisionItems(head, null, asked),
    firstDue(record.scannerId, asked.at),
  ];
  const beside = remember ? [remember({ record, head })] : [];
  return (await transactBeside(own, beside)) ? { record, head } : null;
};

/**
 * Registers a Scanner with revision 1, in one transaction; under the id of one that is decommissioned and cleared away, with the next
 * revision, as empty as a first one. Dry, it only says what would be. SCANNER_EXISTS for an id that is taken.
 */
export const createScanner = async (
  registration: Registration,
  lists: ListReferences,
  asked: Asked & { dryRun?: boolean },
  remember?: (made: Registered) => TransactItem,
): Promise<Registered> => {
  const { scannerId } = registration;
  const isNew = !asked.dryRun || !(await getItem(keys.ofScanner(scannerId), sortKeys.scanner));
  const made = isNew ? first(registration, lists, asked) : await again(registration, lists, asked);
  if (asked.dryRun) return made;
  const committed =
    (await commit(made, asked, remember)) ??
    (await commit(await again(registration, lists, asked), asked, remember));
  if (!committed) throw taken(scannerId);
  return committed;
};

/** NOT_FOUND for a Scanner that is not registered. */
export const getScanner = async (scannerId: string): Promise<ScannerRecord> => {
  const record = await getItem<ScannerRecord>(keys.ofScanner(scannerId), sortKeys.scanner);
  if (!record) throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
  return record;
};

/** Scanners in service, or those that are decommissioned, by id. */
export const listScanners = ({
  decommissioned = false,
  ...options
}: {
  limit: number;
  cursor?: string | undefined;
  decommissioned?: boolean;
}) => queryListed<ScannerRecord>(decommissioned ? keys.listedDecommissioned : keys.listedScanners, options);

/** SCANNER_DECOMMISSIONED for a registration that is out of service. */
export const assertRegistered = ({ scannerId, decommissionedAt }: ScannerRecord): void => {
  if (decommissionedAt !== undefined)
    throw new AppError(
      'SCANNER_DECOMMISSIONED',
      `Scanner ${scannerId} was decommissioned at ${decommissionedAt}.`,
    );
};

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
 * it only says what would be. NOT_FOUND for a Scanner that is not registered, SCANNER_DECOMMISSIONED for one that is out of service.
 */
export const changeScanner = async (
  scannerId: string,
  asked: Asked & { dryRun: boolean; ifMatch: number | '*' | undefined },
  compute: (present: ScannerRecord) => ScannerChange,
): Promise<ScannerRecord> => {
  for (let tries = 0; tries < mostTries; tries++) {
    const present = await getScanner(scannerId);
    assertRegistered(present);
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
 * Records which certificate is this Scanner's, if `previous` still is and it is still the same Scanner in service; false when another
 * enrolment was faster, whose certificate is the Scanner's then, or when the Scanner was decommissioned.
 */
export const recordCertificate = async (
  { scannerId, epoch, certificateId: previous }: ScannerRecord,
  asked: Asked,
  certificateId: string,
  remember: TransactItem[] = [],
): Promise<boolean> => {
  const same = 'epoch = :epoch AND attribute_not_exists(decommissionedAt)';
  const condition =
    previous === undefined
      ? { condition: `${same} AND attribute_not_exists(certificateId)`, values: { ':epoch': epoch } }
      : {
          condition: `${same} AND certificateId = :previous`,
          values: { ':epoch': epoch, ':previous': previous },
        };
  const outcome = await transact([
    updateItem(scannerId, { set: { certificateId }, ...condition }),
    auditItem(scannerId, asked, { before: { certificateId: previous ?? null }, after: { certificateId } }),
    ...remember,
  ]);
  return outcome.kind === 'committed';
};
