import {
  type Configuration,
  changedParts,
  type Head,
  nextHead,
  type Part,
  readConfiguration,
  stillHolds,
} from '../../shared/domain/configuration.ts';
import { summaryOf } from '../../shared/domain/history.ts';
import { isRetained, retainedBeyond } from '../../shared/domain/retention.ts';
import { AppError } from '../../shared/errors.ts';
import { keys, sortKeys, table } from '../../shared/tables.ts';
import { type Asked, type AuditDetails, auditItem } from './audit.ts';
import {
  format,
  getItem,
  putNew,
  queryItems,
  type TransactItem,
  tableName,
  transactBeside,
} from './dynamo.ts';
import { artifactItems } from './fleet-artifacts.ts';
import { expiryOfRevision, keepsForEver } from './retention.ts';
import { retrying } from './retrying.ts';

export interface Change<T> {
  configuration: Configuration;
  audit?: Pick<AuditDetails, 'counts' | 'values' | 'importId' | 'rolloutId'>;
  /** What must be stored before a head may name it; not called when nothing comes of the change. */
  prepare?: () => Promise<unknown>;
  /** Further items of the same transaction; each must carry a condition or be unconditional by nature. */
  transact?: (head: Head) => TransactItem[];
  /** Items to be stored where nothing comes of the change, in one transaction with a check that the head is still the one computed from. */
  settle?: TransactItem[];
  result: T;
}

export interface ChangeRequest<T> extends Asked {
  scannerId: string;
  part: Part | 'all';
  ifMatch?: number | '*' | undefined;
  /** Goes as far as the commit, and answers what would be. */
  dryRun?: boolean;
  /** Computes the next configuration from the present head; runs again when the race for the head is lost. */
  compute: (head: Head) => Promise<Change<T>>;
  /** How often the race for the head may be lost; 12 times unless given. */
  tries?: number;
  /** An item that goes with the change, also where nothing is changed: what was answered, for example. */
  remember?: (done: Changed<T>) => TransactItem;
}

export interface Changed<T> {
  head: Head;
  /** False when the configuration was the same already: then no revision was made. */
  changed: boolean;
  result: T;
}

/** An immutable revision as it is stored: the head that it was, and how it came about. */
export interface Revision extends Head {
  at: string;
  by: string;
  operation: string;
  summary: string;
  /** The rollout that made it. */
  rolloutId?: string;
  /** Once it is superseded and history is not kept for ever: see `shared/domain/retention.ts`. */
  expiresAt?: number;
}

/** A head or a revision whose configuration means what it means today, whichever version stored it. */
export const readable = <T extends Head>(stored: T): T => ({
  ...stored,
  configuration: readConfiguration(stored.configuration),
});

/** The head of a Scanner, strongly consistent. NOT_FOUND for a Scanner that is not registered. */
export const readHead = async (scannerId: string): Promise<Head> => {
  const head = await getItem<Head>(keys.ofScanner(scannerId), sortKeys.head);
  if (!head) throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
  return readable(head);
};

/** SCANNER_DECOMMISSIONED where nothing more may be committed. */
export const assertInService = ({ scannerId, decommissionedAt }: Head): void => {
  if (decommissionedAt !== undefined)
    throw new AppError(
      'SCANNER_DECOMMISSIONED',
      `Scanner ${scannerId} was decommissioned at ${decommissionedAt}.`,
    );
};

/** One revision; NOT_FOUND when there is none with this number, or none that is retained at `at`. */
export const readRevision = async (
  scannerId: string,
  revision: number,
  at: Date = new Date(),
): Promise<Revision> => {
  const item = await getItem<Revision>(keys.ofScanner(scannerId), keys.revision(revision));
  if (!item || !isRetained(item, at))
    throw new AppError('NOT_FOUND', `Scanner ${scannerId} has no revision ${revision}.`);
  return readable(item);
};

/**
 * A condition for the transaction of whoever makes `next` with the lists of an earlier revision without storing them again: the revision is
 * retained at `at`, so the sweep leaves them for the days of grace at least. The one that `next` supersedes is in force until that moment.
 */
export const retainedItems = (next: Head, revision: number, at: Date): TransactItem[] => {
  if (revision === next.revision - 1) return [];
  const check = {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(next.scannerId), sk: keys.revision(revision) },
    ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(#expires) OR #expires > :beyond)',
    ExpressionAttributeNames: { '#expires': table.ttl },
    ExpressionAttributeValues: { ':beyond': retainedBeyond(at) },
  };
  return [{ ConditionCheck: check }];
};

/** Revisions of a Scanner that are retained at `at`, newest first. The oldest page may be short. */
export const listRevisions = async (
  scannerId: string,
  page: { limit: number; cursor?: string | undefined },
  at: Date = new Date(),
) => {
  const options = { ...page, newestFirst: true };
  const found = await queryItems<Revision>(keys.ofScanner(scannerId), keys.revisionPrefix, options);
  return { ...found, items: found.items.filter((item) => isRetained(item, at)) };
};

/** Holds for the head of a Scanner in service, and of no other. */
const inService = 'attribute_not_exists(decommissionedAt)';

/** The head is still at this revision, and in service. */
export const headCheck = ({ scannerId, revision }: Head): TransactItem => ({
  ConditionCheck: {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.head },
    ConditionExpression: `revision = :revision AND ${inService}`,
    ExpressionAttributeValues: { ':revision': revision },
  },
});

/** What the head must be that another one follows: of a Scanner in service, or of none yet, or of one that is registered again. */
const headBefore = ({ revision, registration }: Head) => {
  const base = revision - 1;
  if (base === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const life = registration?.revision === revision ? 'attribute_exists(decommissionedAt)' : inService;
  return {
    ConditionExpression: `revision = :base AND ${life}`,
    ExpressionAttributeValues: { ':base': base },
  };
};

const headPut = (head: Head): TransactItem => {
  const condition = headBefore(head);
  const key = { pk: keys.ofScanner(head.scannerId), sk: sortKeys.head };
  return { Put: { TableName: tableName(), Item: { ...key, ...head, format }, ...condition } };
};

/** The revision that is superseded becomes history now: from now on its time to live runs. */
const superseding = (head: Head, at: Date): TransactItem[] => {
  if (head.revision === 1 || keepsForEver()) return [];
  const update = {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(head.scannerId), sk: keys.revision(head.revision - 1) },
    UpdateExpression: 'SET #expires = :expires',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeNames: { '#expires': table.ttl },
    ExpressionAttributeValues: { ':expires': expiryOfRevision(at) },
  };
  return [{ Update: update }];
};

/** The head, its immutable revision and its audit record, and the end of the revision before: what every revision is made of. */
export const revisionItems = (
  head: Head,
  before: Configuration | null,
  asked: Asked,
  details: Partial<AuditDetails> = {},
): TransactItem[] => {
  const { scannerId, revision, configuration } = head;
  const summary = summaryOf(before, configuration);
  const origin = {
    at: asked.at.toISOString(),
    by: asked.actor.name,
    operation: asked.operation,
    summary,
    ...(details.rolloutId === undefined ? {} : { rolloutId: details.rolloutId }),
  };
  return [
    headPut(head),
    putNew({ pk: keys.ofScanner(scannerId), sk: keys.revision(revision), ...head, ...origin }),
    auditItem(scannerId, asked, { before, after: configuration, revision, ...details }),
    ...superseding(head, asked.at),
  ];
};

/** For the transaction that takes a Scanner out of service: from here on nothing is committed any more. */
export const retireHead = ({ scannerId, revision }: Head, at: Date): TransactItem => ({
  Update: {
    TableName: tableName(),
    Key: { pk: keys.ofScanner(scannerId), sk: sortKeys.head },
    UpdateExpression: 'SET decommissionedAt = :at',
    ConditionExpression: `revision = :revision AND ${inService}`,
    ExpressionAttributeValues: { ':revision': revision, ':at': at.toISOString() },
  },
});

const assertHolds = (head: Head, request: Pick<ChangeRequest<unknown>, 'part' | 'ifMatch'>): void => {
  if (stillHolds(head, request.part, request.ifMatch)) return;
  throw new AppError(
    'REVISION_CONFLICT',
    `The present revision is ${head.revision}; read it and decide again.`,
    { data: { revision: head.revision } },
  );
};

/** Commits the items of a change; null when another write moved the head meanwhile. */
const commit = async <T>(done: Changed<T>, own: TransactItem[], more: TransactItem[]) => {
  if (own.length + more.length === 0) return done;
  return (await transactBeside(own, more)) ? done : null;
};

/** The next head, which says by which request it is. */
const followingHead = (head: Head, configuration: Configuration, { actor, at }: Asked): Head => ({
  ...nextHead(head, configuration, actor.name, at.toISOString()),
  requestId: actor.requestId,
});

/** One try: null when another write moved the head meanwhile. */
const tryChange = async <T>(request: ChangeRequest<T>): Promise<Changed<T> | null> => {
  const head = await readHead(request.scannerId);
  assertInService(head);
  assertHolds(head, request);
  const change = await request.compute(head);
  const { configuration: before } = head;
  const changed = changedParts(before, change.configuration).length > 0;
  const next = changed ? followingHead(head, change.configuration, request) : head;
  const done = { head: next, changed, result: change.result };
  if (request.dryRun) return done;
  const remembered = request.remember ? [request.remember(done)] : [];
  if (!changed)
    return commit(done, change.settle ? [headCheck(head)] : [], [...(change.settle ?? []), ...remembered]);
  await change.prepare?.();
  const artifacts = artifactItems(head.scannerId, before.artifacts, next.configuration.artifacts);
  const own = [...revisionItems(next, before, request, change.audit), ...artifacts];
  return commit(done, own, [...(change.transact?.(next) ?? []), ...remembered]);
};

/**
 * Makes the next revision of a Scanner in one transaction: head, revision, audit and what the change adds, all or
 * none. SCANNER_DECOMMISSIONED for one that is out of service, also when it becomes so meanwhile. Losing the race reads and computes again; `If-Match` is asked each time, so a change it forbids is REVISION_CONFLICT.
 * SUPERSEDED when a condition of the caller's own items fails.
 */
export const changeConfiguration = <T>(request: ChangeRequest<T>): Promise<Changed<T>> =>
  retrying(() => tryChange(request), {
    tries: request.tries,
    refusal: 'Too many writes on this Scanner at once.',
  });
