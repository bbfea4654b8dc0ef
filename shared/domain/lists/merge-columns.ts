import type { ImportMode } from '../../schemas/lists.ts';
import { ColumnStore, type Columns, codeAt, saidOfList } from './columns.ts';
import { compareKeys } from './keys.ts';
import type { MergeCounts } from './merge.ts';

/** A list after a file. */
export interface MergedColumns {
  columns: Columns;
  counts: MergeCounts;
}

/** Numbers in the list's table of what it says of an entry after the file; pairs that come again are not thought about again. */
const sayer = (base: Columns, changes: Columns) => {
  const created = new Map<number, number>();
  const updated = new Map<number, Map<number, number>>();
  const remembered = (known: Map<number, number>, code: number, of: () => number): number => {
    const found = known.get(code) ?? of();
    known.set(code, found);
    return found;
  };
  const after = (before: number, code: number): number => {
    const said = { ...base.table.at(before), ...changes.table.at(code) };
    return base.table.codeOf(saidOfList(said));
  };
  return {
    created: (code: number) => (code === 0 ? 0 : remembered(created, code, () => after(0, code))),
    updated(before: number, code: number): number {
      if (code === 0) return before;
      const known = updated.get(code) ?? new Map<number, number>();
      updated.set(code, known);
      return remembered(known, before, () => after(before, code));
    },
  };
};

/** The file is the list. */
const whole = ({ table }: Columns, { keys }: Columns): MergedColumns => ({
  columns: { keys, codes: null, table },
  counts: { added: keys.count, removed: 0, changed: 0, unchanged: 0 },
});

/** Takes the entries of a file into a list, as `mergeEntries` does with the same: both sorted and without doubles, the same counts. */
export const mergeColumns = (base: Columns, changes: Columns, mode: ImportMode): MergedColumns => {
  const [old, given] = [base.keys, changes.keys];
  if (old.count === 0 && mode !== 'remove' && !changes.codes) return whole(base, changes);
  const says = sayer(base, changes);
  const counts: MergeCounts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  const columns = new ColumnStore(base.table);

  const onlyBase = (index: number) => {
    if (mode === 'replace') counts.removed += 1;
    else columns.copy(old, index, codeAt(base, index));
  };
  const onlyChange = (index: number) => {
    counts[mode === 'remove' ? 'unchanged' : 'added'] += 1;
    if (mode !== 'remove') columns.copy(given, index, says.created(codeAt(changes, index)));
  };
  const both = (left: number, right: number) => {
    if (mode === 'remove') {
      counts.removed += 1;
      return;
    }
    const before = codeAt(base, left);
    const after = says.updated(before, codeAt(changes, right));
    counts[before === after ? 'unchanged' : 'changed'] += 1;
    columns.copy(old, left, after);
  };

  let left = 0;
  let right = 0;
  while (left < old.count || right < given.count) {
    const order = left === old.count ? 1 : right === given.count ? -1 : compareKeys(old, left, given, right);
    if (order < 0) onlyBase(left++);
    else if (order > 0) onlyChange(right++);
    else both(left++, right++);
  }
  return { columns, counts };
};
