import { blockBytes } from '../sha256-code.ts';
import { type Lanes, longestMessage } from '../sha256-lanes.ts';
import {
  type BuiltList,
  type Chunk,
  type CutKeys,
  cutEnds,
  cutKeyOf,
  type Hash,
  manifestOf,
  referenceOf,
} from './chunks.ts';
import { type Columns, codeAt } from './columns.ts';
import { longestValue, valueOfKey, writeValue } from './key-text.ts';
import { type Keys, kindIndex, kinds } from './keys.ts';

/** How a list in columns is hashed. */
export interface Hashing {
  hash: Hash;
  /** sha-256 of bytes in lower-case hex. */
  digest: (bytes: Uint8Array) => string;
  /** Null where the platform has none: each value is then hashed alone. */
  lanes: Lanes | null;
}

/** Bytes of a list's text; each chunk is one object. */
export type ChunkBytes = Chunk<Uint8Array>;

const scratch = new Uint8Array(longestValue);

/** Puts the keys of values `from` to `to` by the cut's rule into the columns; those too long for a block are hashed alone. */
const hashSome = (keys: Keys, from: number, to: number, cut: CutKeys, lanes: Lanes, hash: Hash): void => {
  const long: number[] = [];
  for (let index = from; index < to; index++) {
    const end = writeValue(keys, index, scratch, 0);
    if (end > longestMessage) {
      long.push(index);
      continue;
    }
    const slot = (index - from) * blockBytes;
    for (let at = 0; at < end; at++) lanes.blocks[slot + at] = scratch[at] as number;
    lanes.finish(index - from, end);
  }
  lanes.digest(to - from, cut.highs, cut.lows, from);
  for (const index of long) hashOne(keys, index, cut, hash);
};

const hashOne = (keys: Keys, index: number, cut: CutKeys, hash: Hash): void => {
  const [high, low] = cutKeyOf(valueOfKey(keys, index), hash);
  cut.highs[index] = high;
  cut.lows[index] = low;
};

/** What decides where a list is cut. */
const cutKeysOf = (keys: Keys, { hash, lanes }: Hashing): CutKeys => {
  const { count } = keys;
  const value = (index: number) => valueOfKey(keys, index);
  const cut = { highs: new Uint32Array(count), lows: new Uint32Array(count), value };
  if (!lanes) for (let index = 0; index < count; index++) hashOne(keys, index, cut, hash);
  else
    for (let from = 0; from < count; from += lanes.capacity)
      hashSome(keys, from, Math.min(count, from + lanes.capacity), cut, lanes, hash);
  return cut;
};

const [lf, hashSign] = [10, 35];
const encoder = new TextEncoder();
const commentStart = encoder.encode('\t# ');
/** Value, `#`, comment of 255 characters, what stands around it. */
const longestLine = longestValue + 255 * 3 + 8;

/** Lines that grow at their end; one after another for all chunks of a list. */
class Lines {
  private bytes = new Uint8Array(1 << 18);
  private used = 0;

  append(columns: Columns, index: number): void {
    if (this.used + longestLine > this.bytes.length) this.grow();
    const code = codeAt(columns, index);
    const { enabled, comment } = columns.table.at(code);
    if (enabled === false) this.bytes[this.used++] = hashSign;
    this.used = writeValue(columns.keys, index, this.bytes, this.used);
    if (comment) this.comment(comment);
    this.bytes[this.used++] = lf;
  }

  /** What was appended since the last time. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.used);
    this.used = 0;
    return taken;
  }

  private comment(text: string): void {
    this.bytes.set(commentStart, this.used);
    this.used += commentStart.length;
    this.used += encoder.encodeInto(text, this.bytes.subarray(this.used)).written;
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2);
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

const countKinds = (counted: Uint32Array): Chunk['kinds'] =>
  Object.fromEntries(kinds.map((kind, index) => [kind, counted[index]]).filter(([, count]) => count));

const chunkOf = (
  columns: Columns,
  from: number,
  to: number,
  lines: Lines,
  { digest }: Hashing,
): ChunkBytes => {
  const counted = new Uint32Array(kinds.length);
  let enabled = 0;
  for (let index = from; index < to; index++) {
    lines.append(columns, index);
    const kind = kindIndex(columns.keys, index);
    counted[kind] = (counted[kind] as number) + 1;
    if (columns.table.at(codeAt(columns, index)).enabled !== false) enabled += 1;
  }
  const text = lines.take();
  return {
    text,
    sha256: digest(text),
    first: valueOfKey(columns.keys, from),
    entries: to - from,
    enabled,
    kinds: countKinds(counted),
  };
};

/** The stored form of a sorted list in columns: that of `buildList`, to the byte. */
export const buildColumns = (columns: Columns, hashing: Hashing): BuiltList<Uint8Array> => {
  const lines = new Lines();
  let from = 0;
  const chunks = cutEnds(cutKeysOf(columns.keys, hashing)).map((end) => {
    const chunk = chunkOf(columns, from, end, lines, hashing);
    from = end;
    return chunk;
  });
  return { ...manifestOf(chunks.map(referenceOf), hashing.hash), chunks };
};
