import { isActive, type JudgedEdit, relayVerdict, withList } from '../../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../../shared/domain/configuration.ts';
import type { Manifest } from '../../../shared/domain/lists/chunks.ts';
import type { EditedList } from '../../../shared/domain/lists/local-edit.ts';
import { emptyListVerdict } from '../../../shared/domain/settings.ts';
import { AppError, type Problem, type Warning } from '../../../shared/errors.ts';
import type { Acknowledgement } from '../../../shared/schemas/common.ts';
import type { AccessListName, ListReference } from '../../../shared/schemas/lists.ts';
import { limits } from '../../../shared/tables.ts';
import { type Answer, invalid } from '../../lib/http.ts';
import type { Change } from '../../stores/heads.ts';
import { editOf, readManifest, writeList } from '../../stores/lists.ts';
import { acknowledgedBy, type WriteCall, writeConfiguration } from '../write.ts';

export interface ListCall extends WriteCall {
  params: { scannerId: string; list: AccessListName };
}

/** What an edit is, decided on the list as it is now; runs again when the race for the head is lost. */
export type Plan = (present: Manifest) => JudgedEdit | Promise<JudgedEdit>;

/** What was asked, and the list that comes of it. */
export interface Planned {
  edit: Pick<JudgedEdit, 'pointers' | 'duplicates' | 'normalized' | 'problems'>;
  edited: EditedList;
}

interface EditResult {
  counts: EditedList['counts'];
  edit: Pick<JudgedEdit, 'duplicates' | 'normalized'>;
  warnings: Warning[];
}

/** Values that an audit record keeps of an edit (DESIGN 2). */
export const auditedValues = 20;

/** What it means for everybody if a list that decides is left without an enabled entry (DESIGN 3), as far as this list goes. */
export const emptyVerdict = (
  { smtp, lists }: Configuration,
  list: AccessListName,
  acknowledged: Acknowledgement[],
): { problems: Problem[]; warnings: Warning[] } => {
  if (!isActive(smtp, list)) return { problems: [], warnings: [] };
  const { problems, warnings } = emptyListVerdict(smtp, lists, acknowledged);
  return {
    problems: problems.filter((problem) => problem.pointer.startsWith(`/${list}/`)),
    warnings: warnings.filter((warning) => warning.pointer.startsWith(`/${list}`)),
  };
};

export const referenceTo = ({ root, manifest }: EditedList['built']): ListReference => ({
  root,
  entries: manifest.entries,
  enabled: manifest.enabled,
});

/** The configuration with the list, if nothing that is known of the two forbids it; else everything that does. */
export const judged = (
  { params, ...call }: ListCall,
  head: Head,
  reference: ListReference,
  known: { problems: Problem[]; warnings: Warning[] },
): { next: Configuration; warnings: Warning[] } => {
  if (reference.entries > limits.listEntries)
    throw new AppError('TOO_MANY_ENTRIES', `A list has at most ${limits.listEntries} entries.`);
  const next = withList(head.configuration, params.list, reference);
  const empty = emptyVerdict(next, params.list, acknowledgedBy(call));
  const problems = [...known.problems, ...empty.problems];
  if (problems.length > 0) throw invalid(problems);
  return { next, warnings: [...known.warnings, ...empty.warnings] };
};

/** Judges the list after the edit and says what must be stored of it; the head is moved by the caller's transaction. */
const changeOf = (
  call: ListCall,
  head: Head,
  base: Manifest,
  { edit, edited }: Planned,
): Change<EditResult> => {
  const { built, counts, touched } = edited;
  const relay = relayVerdict(call.params.list, touched, edit.pointers, acknowledgedBy(call));
  const problems = [...edit.problems, ...relay.problems];
  if (edit.problems.length > 0) throw invalid(problems);
  const { next, warnings } = judged(call, head, referenceTo(built), relay);
  return {
    configuration: next,
    prepare: () => writeList(built, base),
    audit: { counts: { ...counts }, values: touched.slice(0, auditedValues).map(({ value }) => value) },
    result: { counts, edit, warnings },
  };
};

/** Makes one revision of a change of a list, or none where it changes nothing. */
export const changeList = (
  call: ListCall,
  operation: string,
  plan: (present: Manifest) => Promise<Planned>,
): Promise<Answer> =>
  writeConfiguration<EditResult>(call, {
    operation,
    part: `lists.${call.params.list}`,
    compute: async (head) => {
      const base = await readManifest(head.configuration.lists[call.params.list].root);
      return changeOf(call, head, base, await plan(base));
    },
    body: (head, { counts, edit, warnings }) => ({
      revision: head.revision,
      ...counts,
      unchanged: counts.unchanged + edit.duplicates,
      normalized: edit.normalized,
      warnings,
    }),
  });

/**
 * Makes one revision of an edit of a list: all of it or nothing. An edit that changes nothing makes no revision; one that loses
 * the race to another write is planned again on the new list.
 */
export const editList = (call: ListCall, operation: string, plan: Plan): Promise<Answer> =>
  changeList(call, operation, async (present) => {
    const edit = await plan(present);
    return { edit, edited: await editOf(present, edit.changes) };
  });
