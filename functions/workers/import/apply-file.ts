import { canActivate, isActive, withList } from '../../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../../shared/domain/configuration.ts';
import type { StoredJob } from '../../../shared/domain/import-job.ts';
import type { ParsedFile } from '../../../shared/domain/lists/import-file.ts';
import { type Merged, mergeEntries, needsConfirmation } from '../../../shared/domain/lists/merge.ts';
import { emptyListVerdict } from '../../../shared/domain/settings.ts';
import { AppError } from '../../../shared/errors.ts';
import type { AccessListName, ImportCounts, ImportState } from '../../../shared/schemas/lists.ts';
import { limits } from '../../../shared/tables.ts';
import { type Change, changeConfiguration } from '../../stores/heads.ts';
import { updateWorkItem } from '../../stores/imports.ts';
import { build, readList, readManifest, writeList } from '../../stores/lists.ts';

/** How a job ends, or where it stops to wait. */
export interface Outcome {
  state: Extract<ImportState, 'completed' | 'awaiting-confirmation'>;
  counts: ImportCounts;
  revision?: number;
  /** True when the job's item was written in the transaction of its revision. */
  written: boolean;
}

const countsOf = (file: ParsedFile, merged: Merged): ImportCounts => ({ ...file.counts, ...merged.counts });

const assertActive = (job: StoredJob, list: AccessListName, { smtp }: Configuration): void => {
  const takes = isActive(smtp, list) || (job.activate && canActivate(smtp, list));
  if (!takes)
    throw new AppError(
      'LIST_NOT_ACTIVE',
      `The ${list} section does not accept only listed clients; import with activate to switch it.`,
    );
};

const assertNotEmpty = (job: StoredJob, list: AccessListName, next: Configuration): void => {
  const { problems } = emptyListVerdict(next.smtp, next.lists, job.acknowledge);
  const own = problems.find((problem) => problem.pointer.startsWith(`/${list}/`));
  if (own) throw new AppError('LIST_EMPTY', own.message);
};

const mergedInto = async (job: StoredJob, file: ParsedFile, head: Head, list: AccessListName) => {
  const manifest = await readManifest(head.configuration.lists[list].root);
  const merged = mergeEntries(await readList(manifest), file.changes, job.mode);
  if (merged.entries.length > limits.listEntries)
    throw new AppError('TOO_MANY_ENTRIES', `A list has at most ${limits.listEntries} entries.`);
  return { manifest, merged };
};

const mustWait = (job: StoredJob, before: number, { counts, entries }: Merged): boolean =>
  !job.dryRun &&
  job.confirmedAt === undefined &&
  needsConfirmation(before, { removed: counts.removed, after: entries.length }, job.maxRemovals);

/** Computes the list after the file, stores its chunks, and says what the transaction is to be. */
const computeImport = async (
  job: StoredJob,
  file: ParsedFile,
  bytes: number,
  at: Date,
  head: Head,
): Promise<Change<Omit<Outcome, 'written' | 'revision'>>> => {
  const list = job.list as AccessListName;
  assertActive(job, list, head.configuration);
  const { manifest, merged } = await mergedInto(job, file, head, list);
  const counts = countsOf(file, merged);
  const unchanged = { configuration: head.configuration };
  if (mustWait(job, manifest.entries, merged))
    return { ...unchanged, result: { state: 'awaiting-confirmation', counts } };
  const built = build(merged.entries);
  const reference = { root: built.root, entries: built.manifest.entries, enabled: built.manifest.enabled };
  const next = withList(head.configuration, list, reference, job.activate);
  assertNotEmpty(job, list, next);
  if (job.dryRun) return { ...unchanged, result: { state: 'completed', counts } };
  return {
    configuration: next,
    prepare: () => writeList(built, manifest),
    audit: {
      importId: job.importId,
      counts,
      values: file.changes.slice(0, 20).map((change) => change.value),
    },
    transact: ({ revision }) => [
      updateWorkItem(job, ending(file, bytes, { state: 'completed', counts, revision }, at)),
    ],
    result: { state: 'completed', counts },
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

/**
 * Takes a parsed file into its list: one transaction makes the revision and ends the job. Losing the race to an edit redoes only
 * the merge; the parsed file is kept.
 */
export const applyFile = async (
  job: StoredJob,
  file: ParsedFile,
  bytes: number,
  at: Date,
): Promise<Outcome> => {
  const { head, changed, result } = await changeConfiguration({
    scannerId: job.scannerId,
    part: `lists.${job.list as AccessListName}`,
    operation: 'import',
    actor: { name: job.createdBy, requestId: job.importId },
    at,
    compute: (present) => computeImport(job, file, bytes, at, present),
  });
  return { ...result, written: changed, ...(changed ? { revision: head.revision } : {}) };
};
