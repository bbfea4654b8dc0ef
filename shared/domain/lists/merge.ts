import type { AccessEntry, ImportMode } from '../../schemas/lists.ts';
import type { ParsedEntry } from './entry.ts';
import { compareEntries, type ListEntry } from './order.ts';

/** What an edit or a file says of one value: attributes it does not carry are kept. */
export interface EntryChange extends Pick<ParsedEntry, 'value' | 'kind' | 'key'> {
  enabled?: boolean;
  comment?: string;
  /** The value is taken out; one that is not there counts as unchanged. */
  gone?: true;
}

export interface MergeCounts {
  added: number;
  removed: number;
  changed: number;
  unchanged: number;
}

export interface Merged {
  entries: ListEntry[];
  counts: MergeCounts;
}

const created = (change: EntryChange): ListEntry => ({
  value: change.value,
  kind: change.kind,
  key: change.key,
  enabled: change.enabled ?? true,
  ...(change.comment ? { comment: change.comment } : {}),
});

const sameAttributes = (one: AccessEntry, other: AccessEntry): boolean =>
  one.enabled === other.enabled && (one.comment ?? '') === (other.comment ?? '');

const updated = (entry: ListEntry, change: EntryChange): ListEntry => {
  const { comment: kept, ...rest } = entry;
  const comment = change.comment ?? kept;
  return { ...rest, enabled: change.enabled ?? entry.enabled, ...(comment ? { comment } : {}) };
};

/** Decides each pair of the two sorted lists: `null` means not in the result. */
interface Rules {
  onlyBase: (entry: ListEntry) => ListEntry | null;
  onlyChange: (change: EntryChange) => ListEntry | null;
  both: (entry: ListEntry, change: EntryChange) => ListEntry | null;
}

const rules: Record<ImportMode, Rules> = {
  merge: {
    onlyBase: (entry) => entry,
    onlyChange: (change) => (change.gone ? null : created(change)),
    both: (entry, change) => (change.gone ? null : updated(entry, change)),
  },
  replace: { onlyBase: () => null, onlyChange: created, both: updated },
  remove: { onlyBase: (entry) => entry, onlyChange: () => null, both: () => null },
};

const tally = (
  before: ListEntry | undefined,
  after: ListEntry | null,
  asked: boolean,
  counts: MergeCounts,
): void => {
  if (!before) counts[after ? 'added' : 'unchanged'] += 1;
  else if (!after) counts.removed += 1;
  else if (!sameAttributes(before, after)) counts.changed += 1;
  else if (asked) counts.unchanged += 1;
};

/**
 * Takes changes into a list; both sorted and without doubles. `merge` adds (and takes out what a change says is gone), `replace` makes the set of values equal the changes,
 * `remove` takes their values out. Counts are of the values asked for, plus what a replace removes; removing an absent value
 * counts as unchanged (DESIGN 4).
 */
export const mergeEntries = (
  base: readonly ListEntry[],
  changes: readonly EntryChange[],
  mode: ImportMode,
): Merged => {
  const { onlyBase, onlyChange, both } = rules[mode];
  const entries: ListEntry[] = [];
  const counts: MergeCounts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  let left = 0;
  let right = 0;
  while (left < base.length || right < changes.length) {
    const entry = base[left];
    const change = changes[right];
    const order = !entry ? 1 : !change ? -1 : compareEntries(entry, change);
    const after =
      order < 0
        ? onlyBase(entry as ListEntry)
        : order > 0
          ? onlyChange(change as EntryChange)
          : both(entry as ListEntry, change as EntryChange);
    tally(order > 0 ? undefined : entry, after, order >= 0, counts);
    if (after) entries.push(after);
    if (order <= 0) left += 1;
    if (order >= 0) right += 1;
  }
  return { entries, counts };
};

/**
 * True when an import would empty a list or take out more than half of it, or more than `maxRemovals` where that is given: it
 * then waits to be confirmed. Merging never removes.
 */
export const needsConfirmation = (
  before: number,
  result: { removed: number; after: number },
  maxRemovals: number | undefined,
): boolean => {
  if (result.removed === 0) return false;
  return result.after === 0 || result.removed > (maxRemovals ?? before / 2);
};
