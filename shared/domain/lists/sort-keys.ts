import { compareKeys, family, type Keys } from './keys.ts';

/** Below this many keys, moving each to its place is faster than counting digits. */
const few = 48;
/** From this many keys on, digits of sixteen bits are worth their 65,536 counters. */
const many = 1 << 15;
/** Bytes of a key that are compared as two numbers. */
const step = 8;

/** What is sorted: positions of keys, with eight bytes of each. */
interface Rows {
  order: Uint32Array;
  high: Uint32Array;
  low: Uint32Array;
}

const rowsOf = (length: number): Rows => ({
  order: new Uint32Array(length),
  high: new Uint32Array(length),
  low: new Uint32Array(length),
});

const counters = new Uint32Array(1 << 16);

/** Four bytes as a number; bytes behind the end of a key are zero, which no name has. */
const wordAt = (bytes: Uint8Array, at: number, end: number): number => {
  if (at + 4 <= end)
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  let word = 0;
  for (let index = at; index < at + 4; index++)
    word = word * 256 + (index < end ? (bytes[index] as number) : 0);
  return word;
};

const load = (
  { bytes, starts }: Keys,
  { order, high, low }: Rows,
  from: number,
  to: number,
  depth: number,
) => {
  for (let row = from; row < to; row++) {
    const key = order[row] as number;
    const at = (starts[key] as number) + depth;
    const end = starts[key + 1] as number;
    high[row] = wordAt(bytes, at, end);
    low[row] = wordAt(bytes, at + 4, end);
  }
};

/** Counts a digit of rows, and makes of the counts where rows with it begin. False when all rows have the same. */
const countDigits = (words: Uint32Array, from: number, to: number, shift: number, mask: number): boolean => {
  counters.fill(0, 0, mask + 1);
  for (let row = from; row < to; row++) {
    const digit = ((words[row] as number) >>> shift) & mask;
    counters[digit] = (counters[digit] as number) + 1;
  }
  if (counters[((words[from] as number) >>> shift) & mask] === to - from) return false;
  let start = from;
  for (let digit = 0; digit <= mask; digit++) {
    const count = counters[digit] as number;
    counters[digit] = start;
    start += count;
  }
  return true;
};

const moveByDigit = (
  words: Uint32Array,
  rows: Rows,
  to: Rows,
  range: readonly [number, number],
  shift: number,
  mask: number,
): void => {
  for (let row = range[0]; row < range[1]; row++) {
    const digit = ((words[row] as number) >>> shift) & mask;
    const place = counters[digit] as number;
    counters[digit] = place + 1;
    to.order[place] = rows.order[row] as number;
    to.high[place] = rows.high[row] as number;
    to.low[place] = rows.low[row] as number;
  }
};

/** Sorts rows by their eight bytes, least digits first; rows with the same bytes stay in their order. Answers which rows have the result. */
const radix = (rows: Rows, spare: Rows, from: number, to: number): Rows => {
  const bits = to - from < many ? 8 : 16;
  const mask = 2 ** bits - 1;
  let [source, target] = [rows, spare];
  for (const word of ['low', 'high'] as const)
    for (let shift = 0; shift < 32; shift += bits)
      if (countDigits(source[word], from, to, shift, mask)) {
        moveByDigit(source[word], source, target, [from, to], shift, mask);
        [source, target] = [target, source];
      }
  return source;
};

const insert = (keys: Keys, order: Uint32Array, from: number, to: number, depth: number): void => {
  for (let row = from + 1; row < to; row++) {
    const key = order[row] as number;
    let place = row;
    while (place > from && compareKeys(keys, order[place - 1] as number, keys, key, depth) > 0) {
      order[place] = order[place - 1] as number;
      place -= 1;
    }
    order[place] = key;
  }
};

/** Length of the longest key of some rows. */
const longestOf = ({ starts }: Keys, order: Uint32Array, from: number, to: number): number => {
  let longest = 0;
  for (let row = from; row < to; row++) {
    const key = order[row] as number;
    longest = Math.max(longest, (starts[key + 1] as number) - (starts[key] as number));
  }
  return longest;
};

/** Sorts each run of rows that the bytes before `depth` do not tell apart by the bytes that follow, where there are any. */
const sortRuns = (keys: Keys, rows: Rows, spare: Rows, from: number, to: number, depth: number): void => {
  const { order, high, low } = rows;
  let start = from;
  for (let row = from + 1; row <= to; row++) {
    if (row < to && high[row] === high[start] && low[row] === low[start]) continue;
    const isRun = row - start > 1 && longestOf(keys, order, start, row) > depth;
    if (isRun) sortRange(keys, rows, spare, start, row, depth);
    start = row;
  }
};

const sortRange = (keys: Keys, rows: Rows, spare: Rows, from: number, to: number, depth: number): void => {
  if (to - from < few) {
    insert(keys, rows.order, from, to, depth);
    return;
  }
  load(keys, rows, from, to, depth);
  const sorted = radix(rows, spare, from, to);
  if (sorted === spare)
    for (const column of ['order', 'high', 'low'] as const)
      rows[column].set(spare[column].subarray(from, to), from);
  sortRuns(keys, rows, spare, from, to, depth + step);
};

/** Keys in their order. */
export interface Sorted {
  /** Their positions; equal keys stay in the order in which they came. */
  order: Uint32Array;
  /** How many of them are IPv4: they are the first. */
  ipv4: number;
  /** The bytes of those: the first four, and the two that follow, in the upper half. */
  high: Uint32Array;
  low: Uint32Array;
}

const countIpv4 = ({ bytes, starts, count }: Keys): number => {
  let found = 0;
  for (let key = 0; key < count; key++) if (bytes[starts[key] as number] === family.ipv4) found += 1;
  return found;
};

export const sortedKeys = (keys: Keys): Sorted => {
  const rows = rowsOf(keys.count);
  for (let key = 0; key < keys.count; key++) rows.order[key] = key;
  sortRange(keys, rows, rowsOf(keys.count), 0, keys.count, 0);
  if (keys.count < few) load(keys, rows, 0, keys.count, 0);
  return { ...rows, ipv4: countIpv4(keys) };
};

/** True where each key is greater than the one before it. */
export const isSorted = (keys: Keys): boolean => {
  for (let key = 1; key < keys.count; key++) if (compareKeys(keys, key - 1, keys, key) >= 0) return false;
  return true;
};
