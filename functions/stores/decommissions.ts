import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { AppError } from '../../shared/errors.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { type Asked, auditItem } from './audit.ts';
import { dueAt } from './due.ts';
import { dynamo, format, onCondition, queryItems, type TransactItem, tableName, transact } from './dynamo.ts';
import { artifactItems, assertVersion } from './fleet-artifacts.ts';
import { readHead, retireHead } from './heads.ts';
import { retrying } from './retrying.ts';
import { getScanner, type ScannerRecord } from './scanners.ts';

const keyOf = (scannerId: string, sk: string) => ({ pk: keys.ofScanner(scannerId), sk });

/** The registration leaves the list of those in service. Whoever changes it at the same time counts its version, too. */
const retireRecord = ({ scannerId, version }: ScannerRecord, { at, actor }: Asked): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: keyOf(scannerId, sortKeys.scanner),
    UpdateExpression:
      'SET decommissionedAt = :at, decommissionRequestId = :request, version = :next, listPk = :list',
    ConditionExpression: 'version = :seen AND attribute_not_exists(decommissionedAt)',
    ExpressionAttributeValues: {
      ':at': at.toISOString(),
      ':request': actor.requestId,
      ':next': version + 1,
      ':seen': version,
      ':list': keys.listedDecommissioned,
    },
  },
});

/** What the worker has not cleared away by then is tried again, by whoever looks at what is due. */
const clearingMs = 120_000;

/** One try: null when somebody changed the registration or the configuration meanwhile. */
const tryDecommission = async (
  scannerId: string,
  asked: Asked & { dryRun: boolean; ifMatch: number | '*' | undefined },
): Promise<ScannerRecord | null> => {
  const present = await getScanner(scannerId);
  if (present.decommissionedAt !== undefined) return present;
  assertVersion(present.version, asked.ifMatch);
  const head = await readHead(scannerId);
  const decommissionedAt = asked.at.toISOString();
  const after = { ...present, version: present.version + 1, decommissionedAt };
  if (asked.dryRun) return after;
  const outcome = await transact([
    retireRecord(present, asked),
    retireHead(head, asked.at),
    auditItem(scannerId, asked, { before: { decommissionedAt: null }, after: { decommissionedAt } }),
    ...artifactItems(scannerId, head.configuration.artifacts, {}),
    dueAt(scannerId, new Date(asked.at.getTime() + clearingMs)),
  ]);
  return outcome.kind === 'committed' ? after : null;
};

/**
 * Takes a Scanner out of service, in one transaction: its registration is listed as decommissioned, nothing more of it is committed, and
 * what it used of the fleet is given back. Of one that is out of service already nothing is changed. The change of the registration wakes
 * the worker that clears away the rest. Dry, it only says what would be.
 */
export const decommissionScanner = (
  scannerId: string,
  asked: Asked & { dryRun: boolean; ifMatch: number | '*' | undefined },
): Promise<ScannerRecord> =>
  retrying(() => tryDecommission(scannerId, asked), { refusal: 'Too many writes on this Scanner at once.' });

/**
 * The right to clear away after a decommissioned Scanner. Things, certificates and shadows know no registration: whoever removed those of an old one
 * late would remove those of a new one. So one alone may do it, and only until `until`; the id is free when that one says so.
 */
export interface Clearing {
  scannerId: string;
  /** Names the run that has the right. */
  token: string;
  /** Milliseconds since 1970. */
  until: number;
}

/** Takes the right; false while another has it. */
export const beginClearing = async ({ scannerId, ...clearing }: Clearing, now: Date): Promise<boolean> => {
  const put = new PutCommand({
    TableName: tableName(),
    Item: { ...keyOf(scannerId, sortKeys.clearing), ...clearing, format },
    ConditionExpression: 'attribute_not_exists(pk) OR #until < :now',
    ExpressionAttributeNames: { '#until': 'until' },
    ExpressionAttributeValues: { ':now': now.getTime() },
  });
  return (await onCondition(dynamo.send(put))) !== null;
};

const tokenCondition = (token: string) => ({
  ConditionExpression: '#token = :token',
  ExpressionAttributeNames: { '#token': 'token' },
  ExpressionAttributeValues: { ':token': token },
});

/** Gives the right back, so that another try need not wait for its end. */
export const leaveClearing = async ({ scannerId, token }: Clearing): Promise<void> => {
  const leave = new DeleteCommand({
    TableName: tableName(),
    Key: keyOf(scannerId, sortKeys.clearing),
    ...tokenCondition(token),
  });
  await onCondition(dynamo.send(leave));
};

/** Items of what was last seen of a Scanner, and of what is to be done about it, by their sort keys: all that is neither history nor registration. */
export const statusItems: readonly string[] = [
  sortKeys.published,
  sortKeys.report,
  sortKeys.presence,
  sortKeys.inventory,
  sortKeys.standing,
  sortKeys.claim,
  sortKeys.due,
];

const deleted = (scannerId: string, sk: string): TransactItem => ({
  Delete: { TableName: tableName(), Key: keyOf(scannerId, sk) },
});

/** Items of one transaction (DynamoDB quotas). */
const mostItems = 100;

/** Deletes what the Scanner reported of its revisions. */
export const deleteReported = async (scannerId: string): Promise<void> => {
  for (;;) {
    const { items } = await queryItems<{ sk: string }>(keys.ofScanner(scannerId), keys.reportedPrefix, {
      limit: mostItems,
    });
    if (items.length === 0) return;
    const outcome = await transact(items.map(({ sk }) => deleted(scannerId, sk)));
    if (outcome.kind === 'raced') throw new AppError('THROTTLED');
  }
};

/**
 * The last step: its status goes, and with it the id is free to be registered again. False when something of it has appeared since `record` was
 * read, or when the right was lost.
 */
export const endClearing = async (
  { scannerId, token }: Clearing,
  { epoch, reopened }: Pick<ScannerRecord, 'epoch' | 'reopened'>,
  at: Date,
): Promise<boolean> => {
  const unmoved = reopened === undefined ? 'attribute_not_exists(reopened)' : 'reopened = :reopened';
  const outcome = await transact([
    {
      Update: {
        TableName: tableName(),
        Key: keyOf(scannerId, sortKeys.scanner),
        UpdateExpression: 'SET clearedAt = :at',
        ConditionExpression: `epoch = :epoch AND attribute_exists(decommissionedAt) AND ${unmoved}`,
        ExpressionAttributeValues: {
          ':at': at.toISOString(),
          ':epoch': epoch,
          ...(reopened === undefined ? {} : { ':reopened': reopened }),
        },
      },
    },
    {
      Delete: {
        TableName: tableName(),
        Key: keyOf(scannerId, sortKeys.clearing),
        ...tokenCondition(token),
      },
    },
    ...statusItems.map((sk) => deleted(scannerId, sk)),
  ]);
  if (outcome.kind === 'raced') throw new AppError('THROTTLED');
  return outcome.kind === 'committed';
};

/**
 * Something of a decommissioned Scanner has appeared after it was cleared away: a thing that an enrolment under way made, a connection with a
 * certificate whose end was not known everywhere yet, a shadow. Wakes the worker again; one that is at it does not end before it has
 * looked again. Where the worker fails or is never woken, whoever looks at what is due comes back to it. Nothing where the id has been registered again.
 */
export const reopenClearing = async (
  { scannerId, epoch }: Pick<ScannerRecord, 'scannerId' | 'epoch'>,
  now: Date = new Date(),
): Promise<void> => {
  const reopen: TransactItem = {
    Update: {
      TableName: tableName(),
      Key: keyOf(scannerId, sortKeys.scanner),
      UpdateExpression: 'REMOVE clearedAt ADD reopened :one',
      ConditionExpression: 'epoch = :epoch AND attribute_exists(decommissionedAt)',
      ExpressionAttributeValues: { ':epoch': epoch, ':one': 1 },
    },
  };
  const outcome = await transact([reopen, dueAt(scannerId, new Date(now.getTime() + clearingMs))]);
  if (outcome.kind === 'raced') throw new AppError('THROTTLED');
};
