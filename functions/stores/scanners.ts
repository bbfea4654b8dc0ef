import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { firstHead, type Head } from '../../shared/domain/configuration.ts';
import { AppError } from '../../shared/errors.ts';
import type { ListReferences } from '../../shared/schemas/lists.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { dynamo, getItem, putNew, queryListed, tableName, transact } from './dynamo.ts';
import { calling } from './faults.ts';
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

/** Registers a Scanner with revision 1, in one transaction. SCANNER_EXISTS for an id that is taken. */
export const createScanner = async (
  registration: Registration,
  lists: ListReferences,
  request: { actor: { name: string; requestId: string }; at: Date },
): Promise<{ record: ScannerRecord; head: Head }> => {
  const { scannerId } = registration;
  const record = { ...registration, version: 1, createdAt: request.at.toISOString() };
  const head = firstHead(scannerId, lists, request.actor.name, record.createdAt);
  const listed = { listPk: keys.listedScanners, listSk: scannerId };
  const outcome = await transact([
    putNew({ pk: keys.ofScanner(scannerId), sk: sortKeys.scanner, ...listed, ...record }),
    ...revisionItems(head, null, { operation: 'create-scanner', ...request }),
  ]);
  if (outcome.kind !== 'committed')
    throw new AppError('SCANNER_EXISTS', `There is a Scanner ${scannerId} already.`);
  return { record, head };
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

/** Changes a registration on a condition; null when it does not hold. */
const updateScanner = async (
  scannerId: string,
  { set, remove = [], condition, values }: RecordUpdate,
): Promise<ScannerRecord | null> => {
  const names = [...Object.keys(set), ...remove];
  const setting = Object.keys(set).map((name) => `#${name} = :${name}`);
  const removing = remove.map((name) => `#${name}`);
  const given = Object.entries(set).map(([name, value]) => [`:${name}`, value]);
  const command = new UpdateCommand({
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.scanner },
    UpdateExpression: `SET ${setting.join(', ')}${removing.length > 0 ? ` REMOVE ${removing.join(', ')}` : ''}`,
    ConditionExpression: condition,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: { ...Object.fromEntries(given), ...values },
    ReturnValues: 'ALL_NEW',
  });
  const answer = await calling<{ Attributes?: unknown } | 'refused'>(dynamo.send(command), (error) =>
    error.name === 'ConditionalCheckFailedException' ? 'refused' : undefined,
  );
  return answer === 'refused' ? null : (answer.Attributes as ScannerRecord);
};

const mostTries = 12;

/**
 * Changes what can change of a registration; `compute` runs again when someone else changed it meanwhile, so that no change is lost.
 * NOT_FOUND for a Scanner that is not registered.
 */
export const changeScanner = async (
  scannerId: string,
  compute: (present: ScannerRecord) => ScannerChange,
): Promise<ScannerRecord> => {
  for (let tries = 0; tries < mostTries; tries++) {
    const present = await getScanner(scannerId);
    const change = Object.entries(compute(present));
    const changed = await updateScanner(scannerId, {
      set: {
        ...Object.fromEntries(change.filter(([, value]) => value !== undefined)),
        version: present.version + 1,
      },
      remove: change.filter(([, value]) => value === undefined).map(([name]) => name),
      condition: 'version = :seen',
      values: { ':seen': present.version },
    });
    if (changed) return changed;
  }
  throw new AppError('THROTTLED', 'Too many changes of this Scanner at once.');
};

/**
 * Records which certificate is this Scanner's, if `previous` still is; false when another enrolment was faster: then its certificate
 * is the Scanner's.
 */
export const recordCertificate = async (
  scannerId: string,
  certificateId: string,
  previous: string | undefined,
): Promise<boolean> => {
  const update = {
    set: { certificateId },
    ...(previous === undefined
      ? { condition: 'attribute_exists(pk) AND attribute_not_exists(certificateId)', values: {} }
      : { condition: 'certificateId = :previous', values: { ':previous': previous } }),
  };
  return (await updateScanner(scannerId, update)) !== null;
};
