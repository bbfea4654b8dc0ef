import {
  isActive,
  type JudgedEdit,
  openRelayVerdict,
  withList,
} from '../../../shared/domain/access-lists.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { mergeEntries } from '../../../shared/domain/lists/merge.ts';
import { emptyListVerdict } from '../../../shared/domain/settings.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Acknowledgement } from '../../../shared/schemas/common.ts';
import type { AccessListName, ImportMode } from '../../../shared/schemas/lists.ts';
import { limits } from '../../../shared/tables.ts';
import { type Answer, invalid } from '../../lib/http.ts';
import type { Change } from '../../stores/heads.ts';
import { build, readList, readManifest, writeList } from '../../stores/lists.ts';
import { acknowledgedBy, type WriteCall, writeConfiguration } from '../write.ts';

interface EditRequest extends WriteCall {
  params: { scannerId: string; list: AccessListName };
}

type EditResult = Pick<ReturnType<typeof mergeEntries>, 'counts'> & Pick<JudgedEdit, 'warnings'>;

const auditedValues = 20;

const guarded = (
  head: Head,
  list: AccessListName,
  acknowledged: Acknowledgement[],
): JudgedEdit['warnings'] => {
  const { smtp, lists } = head.configuration;
  const { problems, warnings } = emptyListVerdict(smtp, lists, acknowledged);
  const ofThisList = problems.filter((problem) => problem.pointer.startsWith(`/${list}/`));
  if (ofThisList.length > 0) throw invalid(ofThisList);
  return warnings.filter((warning) => warning.pointer.startsWith(`/${list}`));
};

/** Computes and stores the list after the edit; the head is moved by the caller's transaction. */
const computeEdit = async (
  head: Head,
  list: AccessListName,
  mode: ImportMode,
  edit: JudgedEdit,
  acknowledged: Acknowledgement[],
): Promise<Change<EditResult>> => {
  const present = head.configuration.lists[list];
  const manifest = await readManifest(present.root);
  const { entries, counts } = mergeEntries(await readList(manifest), edit.changes, mode);
  if (entries.length > limits.listEntries)
    throw new AppError('TOO_MANY_ENTRIES', `A list has at most ${limits.listEntries} entries.`);
  const built = build(entries);
  const enabled = built.manifest.enabled;
  const next = withList(head.configuration, list, { root: built.root, entries: entries.length, enabled });
  const locks = mode === 'remove' || enabled < present.enabled;
  const warnings =
    locks && isActive(next.smtp, list) ? guarded({ ...head, configuration: next }, list, acknowledged) : [];
  return {
    configuration: next,
    prepare: () => writeList(built, manifest),
    audit: {
      counts: { ...counts },
      values: edit.changes.slice(0, auditedValues).map((change) => change.value),
    },
    result: { counts, warnings },
  };
};

/**
 * Makes one revision of an edit of a list: all of it or nothing. An edit that changes nothing makes no revision; one that loses
 * the race to another write is computed again on the new list.
 */
export const editList = async (
  request: EditRequest,
  operation: string,
  mode: ImportMode,
  edit: JudgedEdit,
): Promise<Answer> => {
  const { list } = request.params;
  const acknowledged = acknowledgedBy(request);
  const relay =
    mode === 'remove' ? { problems: [], warnings: [] } : openRelayVerdict(list, edit.changes, acknowledged);
  const problems = [...edit.problems, ...relay.problems];
  if (problems.length > 0) throw invalid(problems);
  return writeConfiguration<EditResult>(request, {
    operation,
    part: `lists.${list}`,
    compute: (present) => computeEdit(present, list, mode, edit, acknowledged),
    body: (head, { counts, warnings }) => ({
      revision: head.revision,
      ...counts,
      unchanged: counts.unchanged + edit.duplicates,
      normalized: edit.normalized,
      warnings: [...relay.warnings, ...warnings],
    }),
  });
};
