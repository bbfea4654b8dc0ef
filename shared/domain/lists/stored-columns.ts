import { keyLength, readCanonical } from './canonical-bytes.ts';
import { entryOfLine } from './chunks.ts';
import { type ColumnStore, saidOfList } from './columns.ts';
import { entryOfStored } from './entry.ts';

const [lf, hash] = [10, 35];
const decoder = new TextDecoder();

/** Appends an enabled entry without comment whose line begins at `at`; answers where the next line begins, or -1 where it may be another. */
const appendPlain = (text: Uint8Array, at: number, to: ColumnStore): number => {
  const { keys } = to;
  keys.reserve();
  const end = text[at] === hash ? -1 : readCanonical(text, at, keys.bytes, keys.used);
  if (end < 0 || text[end] !== lf) return -1;
  keys.take(keyLength(keys.bytes, keys.used, end - at));
  return end + 1;
};

const appendAny = (text: Uint8Array, at: number, to: ColumnStore): number => {
  const end = text.indexOf(lf, at);
  const entry = entryOfLine(decoder.decode(text.subarray(at, end)));
  to.append(entryOfStored(entry.value), saidOfList(entry));
  return end + 1;
};

/** Appends the entries of a chunk's text. */
export const appendChunk = (text: Uint8Array, to: ColumnStore): void => {
  for (let at = 0; at < text.length; ) {
    const next = appendPlain(text, at, to);
    at = next < 0 ? appendAny(text, at, to) : next;
  }
};
