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
  certificateId?: string;
}

type Registration = Omit<ScannerRecord, 'createdAt' | 'certificateId'>;

/** Registers a Scanner with revision 1, in one transaction. SCANNER_EXISTS for an id that is taken. */
export const createScanner = async (
  registration: Registration,
  lists: ListReferences,
  request: { actor: { name: string; requestId: string }; at: Date },
): Promise<{ record: ScannerRecord; head: Head }> => {
  const { scannerId } = registration;
  const record = { ...registration, createdAt: request.at.toISOString() };
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

const updateScanner = async (
  scannerId: string,
  update: { set: Record<string, unknown>; remove: string[] },
): Promise<ScannerRecord> => {
  const names = [...Object.keys(update.set), ...update.remove];
  const set = Object.keys(update.set).map((name) => `#${name} = :${name}`);
  const remove = update.remove.map((name) => `#${name}`);
  const command = new UpdateCommand({
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.scanner },
    UpdateExpression: `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`,
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      Object.entries(update.set).map(([name, value]) => [`:${name}`, value]),
    ),
    ReturnValues: 'ALL_NEW',
  });
  const answer = await calling(dynamo.send(command), (error) => {
    if (error.name === 'ConditionalCheckFailedException')
      throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
    return undefined;
  });
  return answer.Attributes as ScannerRecord;
};

/** Replaces what can change. NOT_FOUND for a Scanner that is not registered. */
export const changeScanner = (scannerId: string, change: ScannerChange): Promise<ScannerRecord> => {
  const entries = Object.entries(change);
  return updateScanner(scannerId, {
    set: Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
    remove: (['hostName', 'description'] as const).filter((name) => change[name] === undefined),
  });
};

/** Records which certificate is this Scanner's: every other one of its thing is to be deactivated. */
export const recordCertificate = (scannerId: string, certificateId: string): Promise<ScannerRecord> =>
  updateScanner(scannerId, { set: { certificateId }, remove: [] });
