import { keyLength, readCanonical } from './canonical-bytes.ts';
import type { KeyStore } from './keys.ts';

const [lf, cr, hash] = [10, 13, 35];

/** 1: comma, semicolon, space and tab; 2: CR and LF. */
const delimiters = new Uint8Array(256);
for (const code of [44, 59, 32, 9]) delimiters[code] = 1;
for (const code of [lf, cr]) delimiters[code] = 2;

/** Where the LF of a comment is, or -1 where its text may be none, or where a line may end in it. */
const endOfComment = (text: Uint8Array, at: number): number => {
  for (; text[at] !== lf; at++) {
    const code = text[at] as number;
    if (code === 0 || code >= 0x80 || (code === cr && text[at + 1] !== lf)) return -1;
  }
  return at;
};

/** Reads the line that begins at `at`; answers where the next one begins, or -1 where it is not plain. */
const readLine = (text: Uint8Array, at: number, into: KeyStore): number => {
  for (;;) {
    const code = text[at] as number;
    if (code === lf) return at + 1;
    if (code === cr && text[at + 1] !== lf) return -1;
    if (delimiters[code] !== 0) at += 1;
    else if (code === hash) {
      at = endOfComment(text, at);
      if (at < 0) return -1;
    } else {
      into.reserve();
      const end = readCanonical(text, at, into.bytes, into.used);
      if (end < 0 || delimiters[text[end] as number] === 0) return -1;
      into.take(keyLength(into.bytes, into.used, end - at));
      at = end;
    }
  }
};

/**
 * Reads whole lines of plain text (`plainTokens`) as long as every token is an entry in its one form: appends their keys, and answers where the first
 * other line begins, and how many lines were read. That line has added nothing. `text` is read from `from`, where a line begins, up
 * to `to`, before which an LF stands.
 */
export const readPlainLines = (
  text: Uint8Array,
  from: number,
  to: number,
  into: KeyStore,
): { at: number; lines: number } => {
  let at = from;
  let lines = 0;
  while (at < to) {
    const before = into.count;
    const next = readLine(text, at, into);
    if (next < 0) {
      into.cut(before);
      break;
    }
    at = next;
    lines += 1;
  }
  return { at, lines };
};
