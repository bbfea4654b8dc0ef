import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  compareSequencers,
  mostAttempts,
  openStates,
  orderedSequencer,
  type StoredJob,
  workableStates,
} from '../../shared/domain/import-job.ts';
import { AppError } from '../../shared/errors.ts';
import type { ImportState } from '../../shared/schemas/lists.ts';
import { keys } from '../../shared/tables.ts';
import { type Asked, auditItem } from './audit.ts';
import {
  dynamo,
  format,
  getItem,
  onCondition,
  putNew,
  queryListed,
  type TransactItem,
  tableName,
  transact,
  transactBeside,
} from './dynamo.ts';

const keyOf = (importId: string) => ({ pk: keys.ofImport(importId), sk: keys.import });

const jobItem = (job: StoredJob): TransactItem => {
  const listed = { listPk: keys.listedImports(job.scannerId), listSk: `${job.createdAt}#${job.importId}` };
  return putNew({ ...keyOf(job.importId), ...listed, ...job });
};

/** Stores a job unless one with its id is there; answers the one that is there then. */
export const createJob = async (job: StoredJob): Promise<StoredJob> => {
  const outcome = await transact([jobItem(job)]);
  return outcome.kind === 'committed' ? job : await getJob(job.importId);
};

/** What the audit says of a job. */
const auditOf = ({ importId, list, mode, onInvalid, dryRun, activate, acknowledge, state }: StoredJob) => ({
  importId,
  list,
  mode,
  onInvalid,
  dryRun,
  activate,
  acknowledge,
  state,
});

/** Commits items that a person asked for, with their audit. SUPERSEDED when something asked for beside them is refused. */
const commitAsked = (own: TransactItem, more: TransactItem[]): Promise<boolean> =>
  transactBeside([own], more);

/** Stores a job that a person asked for. */
export const beginJob = async (job: StoredJob, asked: Asked, remember: TransactItem[]): Promise<void> => {
  const audit = auditItem(job.scannerId, asked, {
    before: null,
    after: auditOf(job),
    importId: job.importId,
  });
  if (!(await commitAsked(jobItem(job), [audit, ...remember])))
    throw new AppError('THROTTLED', 'The import could not be stored; try again.');
};

export const findJob = (importId: string): Promise<StoredJob | undefined> =>
  getItem<StoredJob>(keys.ofImport(importId), keys.import);

/** NOT_FOUND where there is no such job. */
export const getJob = async (importId: string): Promise<StoredJob> => {
  const job = await findJob(importId);
  if (!job) throw new AppError('NOT_FOUND', `There is no import ${importId}.`);
  return job;
};

/** Jobs of a Scanner, newest first. The filter on the state may give short pages. */
export const listJobs = (
  scannerId: string,
  options: { limit: number; cursor?: string | undefined; state?: ImportState | undefined },
) =>
  queryListed<StoredJob>(keys.listedImports(scannerId), {
    ...options,
    newestFirst: true,
    ...(options.state
      ? {
          filter: {
            FilterExpression: '#state = :state',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: { ':state': options.state },
          },
        }
      : {}),
  });

interface Condition {
  states: readonly ImportState[];
  attempt?: number;
}

const conditionOf = ({ states, attempt }: Condition) => ({
  expression: `#state IN (${states.map((_, index) => `:in${index}`).join(', ')})${attempt === undefined ? '' : ' AND #attempt = :attempt'}`,
  values: {
    ...Object.fromEntries(states.map((state, index) => [`:in${index}`, state])),
    ...(attempt === undefined ? {} : { ':attempt': attempt }),
  },
});

type Members = Partial<Omit<StoredJob, 'importId' | 'attempt'>>;

/** An update of members of a job on a condition, as it goes into a command or a transaction. */
const updateOf = (importId: string, condition: Condition, members: Members, begin = false) => {
  const { expression, values } = conditionOf(condition);
  const set = Object.keys(members).map((name) => `#${name} = :${name}`);
  const names = [...new Set([...Object.keys(members), 'state', 'attempt'])];
  return {
    TableName: tableName(),
    Key: keyOf(importId),
    UpdateExpression: `SET ${[...set, ...(begin ? ['#attempt = #attempt + :one'] : [])].join(', ')}`,
    ConditionExpression: expression,
    ExpressionAttributeNames: Object.fromEntries(
      names
        .filter((name) => name in members || name === 'state' || begin || condition.attempt !== undefined)
        .map((name) => [`#${name}`, name]),
    ),
    ExpressionAttributeValues: {
      ...values,
      ...Object.fromEntries(Object.entries(members).map(([name, value]) => [`:${name}`, value])),
      ...(begin ? { ':one': 1 } : {}),
    },
  };
};

/** Changes a job on a condition; null when the condition does not hold. */
const update = async (...args: Parameters<typeof updateOf>): Promise<StoredJob | null> => {
  const command = new UpdateCommand({ ...updateOf(...args), ReturnValues: 'ALL_NEW' });
  const answer = await onCondition(dynamo.send(command));
  return answer && (answer.Attributes as StoredJob);
};

/** The upload of a job has arrived. Null when one had arrived before: the first counts. */
export const markUploaded = (
  importId: string,
  source: StoredJob['source'],
  at: Date,
): Promise<StoredJob | null> =>
  update(importId, { states: ['created'] }, { state: 'uploaded', source, uploadedAt: at.toISOString() });

/** Begins work under a new attempt; null when the job is not to be worked on. Who worked on it before is overtaken. */
export const beginWork = (importId: string, at: Date = new Date()): Promise<StoredJob | null> =>
  update(importId, { states: workableStates }, { state: 'processing', begunAt: at.toISOString() }, true);

/** Sends a job that was lost to a worker again: its change in the table wakes one. Null when somebody works on it after all. */
export const wakeJob = ({ importId, attempt }: StoredJob, at: Date): Promise<StoredJob | null> =>
  update(importId, { states: workableStates, attempt }, { state: 'uploaded', wokenAt: at.toISOString() });

/** Writes of the worker that holds `attempt`; null when it was overtaken or the job was cancelled. */
export const updateWork = (job: StoredJob, members: Members): Promise<StoredJob | null> =>
  update(job.importId, { states: ['processing'], attempt: job.attempt }, members);

/** The same write as part of a transaction. */
export const updateWorkItem = (job: StoredJob, members: Members): TransactItem => ({
  Update: updateOf(job.importId, { states: ['processing'], attempt: job.attempt }, members),
});

export const givenUp = (job: StoredJob): boolean => job.attempt > mostAttempts;

const stateError = (job: StoredJob, wanted: string) =>
  new AppError('IMPORT_STATE', `The import is ${job.state}; only one that is ${wanted} can do this.`);

interface Move {
  from: readonly ImportState[];
  /** Where it must be, in words. */
  wanted: string;
  members: Members;
}

/** Moves a job on because a person asks for it. IMPORT_STATE when it is not where that can be done. */
const moveJob = async (
  importId: string,
  asked: Asked & { dryRun?: boolean },
  { from, wanted, members }: Move,
  remember?: (job: StoredJob) => TransactItem,
): Promise<StoredJob> => {
  const present = await getJob(importId);
  if (!from.includes(present.state)) throw stateError(present, wanted);
  const next = { ...present, ...members };
  if (asked.dryRun) return next;
  const details = { before: auditOf(present), after: auditOf(next), importId };
  const moved = await commitAsked({ Update: updateOf(importId, { states: [present.state] }, members) }, [
    auditItem(present.scannerId, asked, details),
    ...(remember ? [remember(next)] : []),
  ]);
  return moved ? next : moveJob(importId, asked, { from, wanted, members }, remember);
};

/** Lets a job that waits for confirmation go on; its change in the table wakes the worker. */
export const confirmJob = (
  importId: string,
  asked: Asked & { dryRun?: boolean },
  remember?: (job: StoredJob) => TransactItem,
): Promise<StoredJob> => {
  const at = asked.at.toISOString();
  const members = { state: 'uploaded', confirmedAt: at, wokenAt: at } as const;
  const move: Move = { from: ['awaiting-confirmation'], wanted: 'awaiting-confirmation', members };
  return moveJob(importId, asked, move, remember);
};

/** Ends a job that has not ended; a worker that is on it stops at its next write. */
export const cancelJob = (
  importId: string,
  asked: Asked & { dryRun?: boolean },
  remember?: (job: StoredJob) => TransactItem,
): Promise<StoredJob> => {
  const members = { state: 'cancelled', finishedAt: asked.at.toISOString() } as const;
  const move: Move = { from: openStates, wanted: openStates.join(' or '), members };
  return moveJob(importId, asked, move, remember);
};

interface Drop {
  sequencer: string;
  importId: string;
}

/**
 * Notes that an upload was taken for a drop's key. False when one with a later sequencer was taken before: events
 * come out of order, and the older file must not win.
 */
export const takeDrop = async (objectKey: string, drop: Drop): Promise<boolean> => {
  const pk = keys.ofDrop(objectKey);
  for (;;) {
    const present = await getItem<Drop>(pk, keys.drop);
    if (present && compareSequencers(drop.sequencer, present.sequencer) < 0) return false;
    const take = new UpdateCommand({
      TableName: tableName(),
      Key: { pk, sk: keys.drop },
      UpdateExpression: 'SET sequencer = :sequencer, importId = :importId, #format = :format',
      ConditionExpression: present ? 'sequencer = :present' : 'attribute_not_exists(sequencer)',
      ExpressionAttributeNames: { '#format': 'format' },
      ExpressionAttributeValues: {
        ':sequencer': drop.sequencer,
        ':importId': drop.importId,
        ':format': format,
        ...(present ? { ':present': present.sequencer } : {}),
      },
    });
    if (await onCondition(dynamo.send(take))) return true;
  }
};

/**
 * For the transaction that takes a file into its list: no later upload of the same key has been taken into it. However long a
 * file took to be read, it does not undo what came after it.
 */
export const appliedDropItem = ({ source, sequencer }: StoredJob): TransactItem[] =>
  sequencer === undefined
    ? []
    : [
        {
          Update: {
            TableName: tableName(),
            Key: { pk: keys.ofDrop(source.key), sk: keys.drop },
            UpdateExpression: 'SET applied = :own',
            ConditionExpression: 'attribute_not_exists(applied) OR applied <= :own',
            ExpressionAttributeValues: { ':own': orderedSequencer(sequencer) },
          },
        },
      ];
