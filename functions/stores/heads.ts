import {
  type Configuration,
  changedParts,
  type Head,
  nextHead,
  type Part,
  stillHolds,
} from '../../shared/domain/configuration.ts';
import { AppError } from '../../shared/errors.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { format, getItem, putNew, type TransactItem, tableName, transact } from './dynamo.ts';

/** What the audit keeps of a write besides who, when and what it was before and after. */
export interface AuditDetails {
  counts?: Record<string, number>;
  /** The first 20 values of a list edit; the rest is the difference of the roots. */
  values?: string[];
  importId?: string;
}

export interface Change<T> {
  configuration: Configuration;
  audit?: AuditDetails;
  /** Further items of the same transaction; each must carry a condition or be unconditional by nature. */
  transact?: (head: Head) => TransactItem[];
  result: T;
}

export interface ChangeRequest<T> {
  scannerId: string;
  part: Part;
  operation: string;
  actor: { name: string; requestId: string };
  at: Date;
  ifMatch?: number | '*' | undefined;
  /** Computes the next configuration from the present head; runs again when the race for the head is lost. */
  compute: (head: Head) => Promise<Change<T>>;
}

export interface Changed<T> {
  head: Head;
  /** False when the configuration was the same already: then no revision was made. */
  changed: boolean;
  result: T;
}

/** The head of a Scanner, strongly consistent. NOT_FOUND for a Scanner that is not registered. */
export const readHead = async (scannerId: string): Promise<Head> => {
  const head = await getItem<Head>(keys.ofScanner(scannerId), sortKeys.head);
  if (!head) throw new AppError('NOT_FOUND', `There is no Scanner ${scannerId}.`);
  return head;
};

/** The configuration of one revision; NOT_FOUND when there is none with this number. */
export const readRevision = async (scannerId: string, revision: number): Promise<Head> => {
  const item = await getItem<Head>(keys.ofScanner(scannerId), keys.revision(revision));
  if (!item) throw new AppError('NOT_FOUND', `Scanner ${scannerId} has no revision ${revision}.`);
  return item;
};

/** The head, its immutable revision and its audit record: what every revision is made of. */
export const revisionItems = (
  head: Head,
  before: Configuration | null,
  request: Pick<ChangeRequest<unknown>, 'operation' | 'actor' | 'at'>,
  details: AuditDetails = {},
): [TransactItem, TransactItem, TransactItem] => {
  const pk = keys.ofScanner(head.scannerId);
  const at = request.at.toISOString();
  const base = head.revision - 1;
  const condition =
    base === 0
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : { ConditionExpression: 'revision = :base', ExpressionAttributeValues: { ':base': base } };
  const audit = {
    at,
    actor: request.actor.name,
    requestId: request.actor.requestId,
    operation: request.operation,
    scannerId: head.scannerId,
    revision: head.revision,
    before,
    after: head.configuration,
    ...details,
  };
  return [
    { Put: { TableName: tableName(), Item: { pk, sk: sortKeys.head, ...head, format }, ...condition } },
    putNew({
      pk,
      sk: keys.revision(head.revision),
      ...head,
      operation: request.operation,
      at,
      by: request.actor.name,
    }),
    putNew({ pk, sk: keys.audit(head.revision), ...audit }),
  ];
};

const attempts = 12;

/** Head, revision and audit come first; what the caller adds follows. */
const ownItems = 3;

const pause = (attempt: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(500, 10 * 2 ** attempt)));

const assertHolds = (head: Head, request: ChangeRequest<unknown>): void => {
  if (stillHolds(head, request.part, request.ifMatch)) return;
  throw new AppError(
    'REVISION_CONFLICT',
    `The present revision is ${head.revision}; read it and decide again.`,
    {
      data: { revision: head.revision },
    },
  );
};

/** One try: null when another write moved the head meanwhile. */
const tryChange = async <T>(request: ChangeRequest<T>): Promise<Changed<T> | null> => {
  const head = await readHead(request.scannerId);
  assertHolds(head, request);
  const change = await request.compute(head);
  if (changedParts(head.configuration, change.configuration).length === 0)
    return { head, changed: false, result: change.result };
  const next = nextHead(head, change.configuration, request.actor.name, request.at.toISOString());
  const items = [
    ...revisionItems(next, head.configuration, request, change.audit),
    ...(change.transact?.(next) ?? []),
  ];
  const outcome = await transact(items);
  if (outcome.kind === 'committed') return { head: next, changed: true, result: change.result };
  if (outcome.kind === 'raced' || outcome.index < ownItems) return null;
  throw new AppError('SUPERSEDED', 'Something that this change depends on has changed.');
};

/**
 * Makes the next revision of a Scanner in one transaction: head, revision, audit and what the change adds, all or
 * none. Losing the race reads and computes again; `If-Match` is asked each time, so a change it forbids is REVISION_CONFLICT.
 * SUPERSEDED when a condition of the caller's own items fails.
 */
export const changeConfiguration = async <T>(request: ChangeRequest<T>): Promise<Changed<T>> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const done = await tryChange(request);
    if (done) return done;
    await pause(attempt);
  }
  throw new AppError('THROTTLED', 'Too many writes on this Scanner at once.');
};
