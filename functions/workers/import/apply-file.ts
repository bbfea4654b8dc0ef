import { canActivate, isActive, notActive, withList } from '../../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../../shared/domain/configuration.ts';
import { assertOfRegistration, type StoredJob } from '../../../shared/domain/import-job.ts';
import type { BuiltList, Manifest } from '../../../shared/domain/lists/chunks.ts';
import type { ParsedFile } from '../../../shared/domain/lists/import-file.ts';
import { valueOfKey } from '../../../shared/domain/lists/key-text.ts';
import { needsConfirmation } from '../../../shared/domain/lists/merge.ts';
import { type MergedColumns, mergeColumns } from '../../../shared/domain/lists/merge-columns.ts';
import { emptyListVerdict } from '../../../shared/domain/settings.ts';
import { AppError } from '../../../shared/errors.ts';
import type { AccessListName, ImportCounts, ImportState } from '../../../shared/schemas/lists.ts';
import { limits } from '../../../shared/tables.ts';
import type { TransactItem } from '../../stores/dynamo.ts';
import { type Change, changeConfiguration } from '../../stores/heads.ts';
import { appliedDropItem, updateWork, updateWorkItem } from '../../stores/imports.ts';
import { buildOfColumns, readColumns, readManifest, writeList } from '../../stores/lists.ts';

/** How a job ends, or where it stops to wait. */
export interface Outcome {
  state: Extract<ImportState, 'completed' | 'awaiting-confirmation'>;
  counts: ImportCounts;
  revision?: number;
}

const countsOf = (file: ParsedFile, merged: MergedColumns): ImportCounts => ({
  ...file.counts,
  ...merged.counts,
});

/** The first values of a file, for the audit. */
const firstValues = ({ columns: { keys } }: ParsedFile): string[] =>
  Array.from({ length: Math.min(20, keys.count) }, (_, index) => valueOfKey(keys, index));

const assertActive = (job: StoredJob, list: AccessListName, { smtp }: Configuration): void => {
  const takes = isActive(smtp, list) || (job.activate && canActivate(smtp, list));
  if (!takes) throw notActive(smtp, list);
};

const assertNotEmpty = (job: StoredJob, list: AccessListName, next: Configuration): void => {
  const { problems } = emptyListVerdict(next.smtp, next.lists, job.acknowledge);
  const own = problems.find((problem) => problem.pointer.startsWith(`/${list}/`));
  if (own) throw new AppError('LIST_EMPTY', own.message);
};

/** The list after the file, for one list before it. */
interface Made {
  root: string;
  before: Manifest;
  merged: MergedColumns;
  built: BuiltList<Uint8Array>;
  /** Stores its objects, once. */
  store(): Promise<unknown>;
}

const make = async (job: StoredJob, file: ParsedFile, root: string): Promise<Made> => {
  const before = await readManifest(root);
  const merged = mergeColumns(await readColumns(before), file.columns, job.mode);
  if (merged.columns.keys.count > limits.listEntries)
    throw new AppError('TOO_MANY_ENTRIES', `A list has at most ${limits.listEntries} entries.`);
  const built = buildOfColumns(merged.columns);
  let stored: Promise<unknown> | undefined;
  return {
    root,
    before,
    merged,
    built,
    store() {
      stored ??= writeList(built, before);
      return stored;
    },
  };
};

/** Merges the file into a list; again only when the list is another one: a write of something else on the Scanner costs nothing. */
const maker = (job: StoredJob, file: ParsedFile) => {
  let last: Made | undefined;
  return async (root: string): Promise<Made> => {
    if (last?.root !== root) {
      last = undefined;
      last = await make(job, file, root);
    }
    return last;
  };
};

const mustWait = (job: StoredJob, before: number, { counts, columns }: MergedColumns): boolean =>
  !job.dryRun &&
  job.confirmedAt === undefined &&
  needsConfirmation(before, { removed: counts.removed, after: columns.keys.count }, job.maxRemovals);

/** What is to be done with a parsed file. */
interface Application {
  job: StoredJob;
  file: ParsedFile;
  bytes: number;
  at: Date;
  made: (root: string) => Promise<Made>;
}

/** What the transaction holds besides the revision: the end of the job, and that no later file of its key was faster. */
const endItems = (application: Application, outcome: Outcome): TransactItem[] => {
  const { job, file, bytes, at } = application;
  return [updateWorkItem(job, ending(file, bytes, outcome, at)), ...appliedDropItem(job)];
};

/** Computes the list after the file, and says what the transaction is to be. */
const computeImport = async (application: Application, head: Head): Promise<Change<Outcome>> => {
  const { job, file, made } = application;
  const list = job.list as AccessListName;
  const { configuration } = head;
  assertOfRegistration(job, head);
  assertActive(job, list, configuration);
  const { before, merged, built, store } = await made(configuration.lists[list].root);
  const counts = countsOf(file, merged);
  if (mustWait(job, before.entries, merged))
    return { configuration, result: { state: 'awaiting-confirmation', counts } };
  const { entries, enabled } = built.manifest;
  const next = withList(configuration, list, { root: built.root, entries, enabled }, job.activate);
  assertNotEmpty(job, list, next);
  const result = { state: 'completed', counts } as const;
  if (job.dryRun) return { configuration, result };
  return {
    configuration: next,
    prepare: store,
    audit: {
      importId: job.importId,
      counts,
      values: firstValues(file),
    },
    transact: ({ revision }) => endItems(application, { ...result, revision }),
    settle: endItems(application, result),
    result,
  };
};

/** What the job's item says when work on it stops. */
export const ending = (
  file: Pick<ParsedFile, 'problems' | 'problemsTotal'>,
  bytes: number,
  outcome: Pick<Outcome, 'state' | 'counts' | 'revision'>,
  at: Date,
) => ({
  state: outcome.state,
  counts: outcome.counts,
  problems: file.problems,
  problemsTotal: file.problemsTotal,
  progress: { bytesRead: bytes, bytesTotal: bytes },
  ...(outcome.revision === undefined ? {} : { revision: outcome.revision }),
  ...(outcome.state === 'completed' ? { finishedAt: at.toISOString() } : {}),
});

/** Losing the race is cheap where the list is the same, and must not fail the import where it is not. */
const tries = 200;

/**
 * Takes a parsed file into its list: one transaction makes the revision and ends the job. Losing the race to an edit redoes only
 * the merge; the parsed file is kept. A job that waits, and a dry run, is written by itself. SUPERSEDED when the job is no longer this
 * worker's, or a later file of the same key was faster.
 */
export const applyFile = async (
  job: StoredJob,
  file: ParsedFile,
  bytes: number,
  at: Date,
): Promise<Outcome> => {
  const application = { job, file, bytes, at, made: maker(job, file) };
  const { result, head, changed } = await changeConfiguration({
    scannerId: job.scannerId,
    part: `lists.${job.list as AccessListName}`,
    operation: 'import',
    actor: { name: job.createdBy, requestId: job.requestId ?? job.importId },
    at,
    tries,
    compute: (present) => computeImport(application, present),
  });
  const alone = result.state === 'awaiting-confirmation' || job.dryRun;
  if (alone) await updateWork(job, ending(file, bytes, result, at));
  return changed && !alone ? { ...result, revision: head.revision } : result;
};
