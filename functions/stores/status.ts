import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Head } from '../../shared/domain/configuration.ts';
import type { Presence, Published, Report, StatusItems } from '../../shared/domain/status.ts';
import { damagedHead, damageOf } from '../../shared/domain/stored-head.ts';
import { AppError } from '../../shared/errors.ts';
import { type InventoryReported, type ReportStatus, reportStatus } from '../../shared/messages/shadow.ts';
import { keys, sortKeys, table } from '../../shared/tables.ts';
import { batchGet, dynamo, format, type ItemKey, onCondition, tableName } from './dynamo.ts';
import { readable } from './heads.ts';
import { expiryOfRevision, keepsForEver } from './retention.ts';
import type { ScannerRecord } from './scanners.ts';

export interface Inventory extends InventoryReported {
  epoch: string;
  shadowVersion: number;
}

/** Everything that is kept of a Scanner besides its history. */
export interface ScannerState extends StatusItems {
  scanner: ScannerRecord;
  head: Head;
  inventory?: Inventory;
}

const stateItems = ['scanner', 'head', 'published', 'report', 'presence', 'inventory', 'due'] as const;

const keysOf = (scannerId: string): ItemKey[] =>
  stateItems.map((sk) => ({ pk: keys.ofScanner(scannerId), sk }));

/** A head that somebody has broken must not hide what else is known of its Scanner. */
const readableOrDamaged = (scannerId: string, stored: Head): Head => {
  const damage = damageOf(stored);
  return damage === null ? readable(stored) : damagedHead(scannerId, stored, damage);
};

/** What was stored of an earlier registration of the id does not count; what names none was stored before there were any. */
export const ofThisLife = (state: ScannerState): ScannerState => {
  const current = <T extends { epoch?: string }>(item: T | undefined): T | undefined =>
    item?.epoch === undefined || item.epoch === state.scanner.epoch ? item : undefined;
  const { scanner, head } = state;
  const items = {
    published: current(state.published),
    report: current(state.report),
    presence: current(state.presence),
    inventory: current(state.inventory),
    due: state.due,
  };
  const given = Object.fromEntries(Object.entries(items).filter(([, item]) => item !== undefined));
  return { scanner, head: readableOrDamaged(scanner.scannerId, head), ...given };
};

const isWhole = (state: Partial<ScannerState>): state is ScannerState =>
  state.scanner !== undefined && state.head !== undefined;

/** What one batch holds (DynamoDB API reference, BatchGetItem). */
const keysPerBatch = 100;

const scannersPerBatch = Math.floor(keysPerBatch / stateItems.length);

/** States of many Scanners, in the order asked for; those that are not registered are left out. */
export const readStates = async (scannerIds: readonly string[]): Promise<ScannerState[]> => {
  const found = new Map<unknown, Record<string, unknown>>();
  for (let from = 0; from < scannerIds.length; from += scannersPerBatch) {
    const batch = scannerIds.slice(from, from + scannersPerBatch);
    for (const item of await batchGet(batch.flatMap(keysOf)))
      found.set(item['pk'], { ...found.get(item['pk']), [String(item['sk'])]: item });
  }
  return scannerIds
    .map((id) => (found.get(keys.ofScanner(id)) ?? {}) as Partial<ScannerState>)
    .filter(isWhole)
    .map(ofThisLife);
};

/** State of one Scanner in one read, or null where there is no such Scanner. */
export const findState = async (scannerId: string): Promise<ScannerState | null> =>
  (await readStates([scannerId]))[0] ?? null;

/** As `findState`; NOT_FOUND for a Scanner that is not registered. */
export const readState = async (scannerId: string): Promise<ScannerState> => {
  const state = await findState(scannerId);
  if (!state) throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
  return state;
};

/** The interfaces that a Scanner reported, of its present registration; null before it has. */
export const readInterfaces = async (scannerId: string): Promise<Inventory['interfaces'] | null> => {
  const wanted = [sortKeys.scanner, sortKeys.inventory].map((sk) => ({ pk: keys.ofScanner(scannerId), sk }));
  const found = new Map((await batchGet(wanted)).map((item) => [item['sk'], item]));
  const inventory = found.get(sortKeys.inventory) as Inventory | undefined;
  return inventory && inventory.epoch === found.get(sortKeys.scanner)?.['epoch']
    ? inventory.interfaces
    : null;
};

/** Puts a status item on a condition; false when the condition does not hold: someone newer was there first. */
const putStatus = async (
  scannerId: string,
  sk: string,
  item: object,
  condition: { expression: string; values: Record<string, unknown>; names?: Record<string, string> },
): Promise<boolean> => {
  const put = new PutCommand({
    TableName: tableName(),
    Item: { pk: keys.ofScanner(scannerId), sk, ...item, format },
    ConditionExpression: `attribute_not_exists(pk) OR ${condition.expression}`,
    ExpressionAttributeValues: condition.values,
    ...(condition.names ? { ExpressionAttributeNames: condition.names } : {}),
  });
  return (await onCondition(dynamo.send(put))) !== null;
};

/** Of an item that an earlier registration of the id left: it stands in nobody's way. */
const ofEarlierLife = '(attribute_exists(epoch) AND epoch < :epoch)';

/** Records what the shadow was brought to; only forward. */
export const putPublished = (scannerId: string, published: Published): Promise<boolean> =>
  putStatus(scannerId, sortKeys.published, published, {
    expression: 'revision < :revision', // revisions go on where an id is registered again
    values: { ':revision': published.revision },
  });

/**
 * Records what was read from a shadow; only from a newer version of it, or of a newer registration. The versions of a shadow that was deleted
 * begin again after two days (AWS IoT developer guide, "Device Shadow service documents"): who has read the item before the shadow, and finds
 * the shadow's version below the item's, gives the item's version as `before`.
 */
const putFromShadow = (
  scannerId: string,
  sk: string,
  item: { epoch: string; shadowVersion: number },
  before?: number,
): Promise<boolean> =>
  putStatus(scannerId, sk, item, {
    expression:
      'epoch < :epoch OR (epoch = :epoch AND (shadowVersion < :version OR shadowVersion = :before))',
    values: { ':epoch': item.epoch, ':version': item.shadowVersion, ':before': before ?? -1 },
  });

export const putReport = (scannerId: string, report: Report, before?: number): Promise<boolean> =>
  putFromShadow(scannerId, sortKeys.report, report, before);

/** What a Scanner last said of one revision, and where that was read. */
export interface Reported extends ReportStatus {
  epoch: string;
  shadowVersion: number;
}

/** Keeps what a Scanner says of one revision; only what was read later replaces it. It is kept as long as a superseded revision is. */
export const putReported = (scannerId: string, reported: Reported, at: Date): Promise<boolean> =>
  putFromShadow(scannerId, keys.reported(reported.revision), {
    ...reported,
    ...(keepsForEver() ? {} : { [table.ttl]: expiryOfRevision(at) }),
  });

/** A thing of one revision of one Scanner. */
export interface RevisionOf {
  scannerId: string;
  revision: number;
}

/** What Scanners last said of revisions, in the order asked for; null where one never said anything. */
export const readReported = async (wanted: readonly RevisionOf[]): Promise<(ReportStatus | null)[]> => {
  const keyOf = ({ scannerId, revision }: RevisionOf) => ({
    pk: keys.ofScanner(scannerId),
    sk: keys.reported(revision),
  });
  const found = new Map<string, ReportStatus>();
  for (let from = 0; from < wanted.length; from += keysPerBatch)
    for (const item of await batchGet(wanted.slice(from, from + keysPerBatch).map(keyOf)))
      found.set(`${item['pk']} ${item['sk']}`, reportStatus.parse(item));
  return wanted.map((one) => found.get(`${keyOf(one).pk} ${keyOf(one).sk}`) ?? null);
};

export const putInventory = (scannerId: string, inventory: Inventory, before?: number): Promise<boolean> =>
  putFromShadow(scannerId, sortKeys.inventory, inventory, before);

/** Records presence if it is still what `before` was computed from; false when another event came in between. */
export const putPresence = (
  scannerId: string,
  presence: Presence,
  before: Presence | undefined,
): Promise<boolean> =>
  putStatus(scannerId, sortKeys.presence, presence, {
    expression: `(sessionIdentifier = :session AND connected = :connected)${presence.epoch === undefined ? '' : ` OR ${ofEarlierLife}`}`,
    values: {
      ':session': before?.sessionIdentifier ?? '',
      ':connected': before?.connected ?? false,
      ...(presence.epoch === undefined ? {} : { ':epoch': presence.epoch }),
    },
  });
