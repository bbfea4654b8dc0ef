import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  compareSequencers,
  mostAttempts,
  openStates,
  type StoredJob,
  workableStates,
} from '../../shared/domain/import-job.ts';
import { AppError } from '../../shared/errors.ts';
import type { ImportState } from '../../shared/schemas/lists.ts';
import { keys } from '../../shared/tables.ts';
import { dynamo, format, getItem, queryListed, type TransactItem, tableName } from './dynamo.ts';
import { calling } from './faults.ts';

const refused = (error: Error) => error.name === 'ConditionalCheckFailedException';

const keyOf = (importId: string) => ({ pk: keys.ofImport(importId), sk: keys.import });

/** Stores a job unless one with its id is there; answers the one that is there then. */
export const createJob = async (job: StoredJob): Promise<StoredJob> => {
  const listed = { listPk: keys.listedImports(job.scannerId), listSk: `${job.createdAt}#${job.importId}` };
  const put = new PutCommand({
    TableName: tableName(),
    Item: { ...keyOf(job.importId), ...listed, ...job, format },
    ConditionExpression: 'attribute_not_exists(pk)',
  });
  const answer = await calling<object | 'there'>(dynamo.send(put), (error) =>
    refused(error) ? 'there' : undefined,
  );
  return answer === 'there' ? await getJob(job.importId) : job;
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
  const answer = await calling<{ Attributes?: unknown } | 'refused'>(dynamo.send(command), (error) =>
    refused(error) ? 'refused' : undefined,
  );
  return answer === 'refused' ? null : (answer.Attributes as StoredJob);
};

/** The upload of a job has arrived. Null when one had arrived before: the first counts. */
export const markUploaded = (importId: string, source: StoredJob['source']): Promise<StoredJob | null> =>
  update(importId, { states: ['created'] }, { state: 'uploaded', source });

/** Begins work under a new attempt; null when the job is not to be worked on. Who worked on it before is overtaken. */
export const beginWork = (importId: string): Promise<StoredJob | null> =>
  update(importId, { states: workableStates }, { state: 'processing' }, true);

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

/** Lets a job that waits for confirmation go on; its change in the table wakes the worker. */
export const confirmJob = async (importId: string, at: string): Promise<StoredJob> => {
  const confirmed = await update(
    importId,
    { states: ['awaiting-confirmation'] },
    { state: 'uploaded', confirmedAt: at },
  );
  if (!confirmed) throw stateError(await getJob(importId), 'awaiting-confirmation');
  return confirmed;
};

/** Ends a job that has not ended; a worker that is on it stops at its next write. */
export const cancelJob = async (importId: string, at: string): Promise<StoredJob> => {
  const cancelled = await update(importId, { states: openStates }, { state: 'cancelled', finishedAt: at });
  if (!cancelled) throw stateError(await getJob(importId), openStates.join(' or '));
  return cancelled;
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
    const put = new PutCommand({
      TableName: tableName(),
      Item: { pk, sk: keys.drop, ...drop, format },
      ConditionExpression: present ? 'sequencer = :sequencer' : 'attribute_not_exists(pk)',
      ...(present ? { ExpressionAttributeValues: { ':sequencer': present.sequencer } } : {}),
    });
    const answer = await calling<object | 'moved'>(dynamo.send(put), (error) =>
      refused(error) ? 'moved' : undefined,
    );
    if (answer !== 'moved') return true;
  }
};
