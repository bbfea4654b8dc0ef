import type { AccessEntry } from '../../schemas/lists.ts';
import { entryOfStored, type ParsedEntry } from './entry.ts';
import { valueOfKey } from './key-text.ts';
import { appendEntry, compareKeys, KeyStore, type Keys, kindOfKey } from './keys.ts';
import type { EntryChange } from './merge.ts';
import type { ListEntry } from './order.ts';
import { isSorted, type Sorted, sortedKeys } from './sort-keys.ts';

/** What a file or a list says of an entry besides its value. Of a list, what is not said is: enabled, without comment. */
export interface Said {
  enabled?: boolean;
  comment?: string;
}

/** Numbers everything that is said of entries: what is said of many has one number, and 0 is nothing. It only grows. */
export class SaidTable {
  readonly said: Said[] = [{}];
  private readonly codes = new Map<string, number>([['', 0]]);

  codeOf({ enabled, comment }: Said): number {
    const text = `${enabled === undefined ? '' : Number(enabled)}${comment === undefined ? '' : `=${comment}`}`;
    const known = this.codes.get(text);
    if (known !== undefined) return known;
    this.codes.set(text, this.said.length);
    return (
      this.said.push({
        ...(enabled === undefined ? {} : { enabled }),
        ...(comment === undefined ? {} : { comment }),
      }) - 1
    );
  }

  at(code: number): Said {
    return this.said[code] ?? {};
  }
}

/** What a list says of an entry, in the one form in which it is numbered. */
export const saidOfList = ({ enabled, comment }: Said): Said => ({
  ...(enabled === false ? { enabled } : {}),
  ...(comment ? { comment } : {}),
});

/** Entries in columns: their keys, and for each the number of what is said of it; all 0 where `codes` is null. */
export interface Columns {
  keys: Keys;
  codes: Uint32Array | null;
  table: SaidTable;
}

export const codeAt = ({ codes }: Columns, index: number): number => codes?.[index] ?? 0;

/** Columns that grow at their end. */
export class ColumnStore implements Columns {
  keys = new KeyStore();
  codes: Uint32Array | null = null;
  readonly table: SaidTable;

  constructor(table = new SaidTable()) {
    this.table = table;
  }

  /** Appends an entry in its one form. */
  append(entry: Pick<ParsedEntry, 'kind' | 'value'>, said: Said): void {
    appendEntry(this.keys, entry);
    this.say(this.table.codeOf(said));
  }

  /** Appends an entry of other columns. */
  copy(from: Keys, index: number, code: number): void {
    this.keys.copy(from, index);
    this.say(code);
  }

  /** Sets the number of what is said of the last entry. */
  say(code: number): void {
    if (code === 0) return;
    const { count } = this.keys;
    if (!this.codes || this.codes.length < count) {
      const codes = new Uint32Array(Math.max(count, this.keys.starts.length - 1));
      if (this.codes) codes.set(this.codes);
      this.codes = codes;
    }
    this.codes[count - 1] = code;
  }

  /** Gives back the memory that was kept for more. */
  trim(): void {
    this.keys.trim();
    if (this.codes) this.codes = this.codes.slice(0, this.keys.count);
  }

  /** Sorts, and of entries with the same value keeps the last. Answers how many went. */
  settle(): number {
    if (isSorted(this.keys)) return 0;
    const { keys, codes } = this;
    const sorted = sortedKeys(keys);
    this.keys = new KeyStore(keys.count, keys.used);
    this.codes = null;
    this.takeIpv4(sorted, codes);
    this.takeOthers(keys, sorted, codes);
    return keys.count - this.keys.count;
  }

  /** These need not be looked up where they were: what they were sorted by is all of them. */
  private takeIpv4({ order, ipv4, high, low }: Sorted, codes: Uint32Array | null): void {
    for (let row = 0; row < ipv4; row++) {
      const [first, second] = [high[row] as number, low[row] as number];
      if (row + 1 < ipv4 && high[row + 1] === first && low[row + 1] === second) continue;
      this.keys.appendIpv4(first, second);
      if (codes) this.say(codes[order[row] as number] ?? 0);
    }
  }

  private takeOthers(keys: Keys, { order, ipv4 }: Sorted, codes: Uint32Array | null): void {
    for (let row = ipv4; row < order.length; row++) {
      const index = order[row] as number;
      const isLast =
        row + 1 === order.length || compareKeys(keys, index, keys, order[row + 1] as number) !== 0;
      if (isLast) this.copy(keys, index, codes?.[index] ?? 0);
    }
  }
}

/** The entries of a file, as an edit has them. */
export const changesOf = (columns: Columns): EntryChange[] =>
  Array.from({ length: columns.keys.count }, (_, index) => {
    const { ok: _ok, ...parsed } = entryOfStored(valueOfKey(columns.keys, index));
    return { ...parsed, ...columns.table.at(codeAt(columns, index)) };
  });

/** The entries of a list. */
export const entriesOf = (columns: Columns): AccessEntry[] =>
  Array.from({ length: columns.keys.count }, (_, index) => {
    const { enabled, comment } = columns.table.at(codeAt(columns, index));
    const [value, kind] = [valueOfKey(columns.keys, index), kindOfKey(columns.keys, index)];
    return { value, kind, enabled: enabled ?? true, ...(comment ? { comment } : {}) };
  });

/** A list in columns. */
export const columnsOf = (entries: readonly (AccessEntry | ListEntry)[]): ColumnStore => {
  const columns = new ColumnStore();
  for (const entry of entries) columns.append(entry, saidOfList(entry));
  return columns;
};
