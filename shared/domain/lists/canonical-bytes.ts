import { writeKeyText } from './key-text.ts';
import { family, ipv4Length, ipv6Length } from './keys.ts';

/**
 * Entries that are written in their one form already, read from bytes. What is not one for sure is left to `parseEntry`, which knows all forms
 * and all that can be wrong: none of these functions says that something is no entry.
 */

const [dot, slash, colon, hyphen, zero, smallA, smallX] = [46, 47, 58, 45, 48, 97, 120];

const isDigit = (code: number) => code >= zero && code <= 57;

/** Networks wider than this are left to the slow way, which knows where they are refused. */
const widestIpv4 = 8;
const widestIpv6 = 16;

/** Reads a prefix length of up to `digits` digits, without leading zero and less than `whole`; as `end * 256 + prefix`, or -1. */
const readPrefix = (text: Uint8Array, at: number, whole: number): number => {
  if (text[at] === zero) return -1;
  let prefix = 0;
  while (isDigit(text[at] as number) && prefix < whole) prefix = prefix * 10 + (text[at++] as number) - zero;
  return prefix < whole ? at * 256 + prefix : -1;
};

/** An octet without leading zero at `at`, as `end * 256 + octet`, or -1. */
const readOctet = (text: Uint8Array, at: number): number => {
  const first = text[at] as number;
  if (!isDigit(first)) return -1;
  let value = first - zero;
  let end = at + 1;
  if (value === 0) return isDigit(text[end] as number) ? -1 : end * 256;
  if (isDigit(text[end] as number)) value = value * 10 + (text[end++] as number) - zero;
  if (isDigit(text[end] as number)) value = value * 10 + (text[end++] as number) - zero;
  return value > 255 ? -1 : end * 256 + value;
};

/** An IPv4 address or network: its key is written to `out` from `to` on. Answers where its text ends, or -1. */
const readIpv4 = (text: Uint8Array, at: number, out: Uint8Array, to: number): number => {
  let address = 0;
  for (let octet = 1; octet <= 4; octet++) {
    const read = readOctet(text, at);
    if (read < 0) return -1;
    at = Math.floor(read / 256);
    const value = read % 256;
    out[to + octet] = value;
    address = (address << 8) | value;
    if (octet < 4 && text[at++] !== dot) return -1;
  }
  out[to] = family.ipv4;
  out[to + 5] = 32;
  if (text[at] !== slash) return at;
  const read = readPrefix(text, at + 1, 32);
  const prefix = read % 256;
  if (read < 0 || prefix < widestIpv4 || (address & (0xffffffff >>> prefix)) !== 0) return -1;
  out[to + 5] = prefix;
  return Math.floor(read / 256);
};

const hexValue = (code: number): number =>
  isDigit(code) ? code - zero : code >= smallA && code < smallA + 6 ? code - smallA + 10 : -1;

const groups = new Uint16Array(8);

/** Reads groups and at most one `::` into `groups`; answers where they end, or -1. How many digits each has is checked by writing them again. */
const readGroups = (text: Uint8Array, at: number): number => {
  let count = 0;
  let gap = -1;
  if (text[at] === colon && text[at + 1] === colon) {
    gap = 0;
    at += 2;
  }
  while (count < 8 && hexValue(text[at] as number) >= 0) {
    let group = 0;
    for (let digit = hexValue(text[at] as number); digit >= 0; digit = hexValue(text[++at] as number)) {
      if (group > 0xfff) return -1;
      group = group * 16 + digit;
    }
    groups[count++] = group;
    if (text[at] !== colon) break;
    at += 1;
    if (text[at] === colon) {
      if (gap >= 0) return -1;
      gap = count;
      at += 1;
    }
  }
  if (count === 8 ? gap >= 0 : gap < 0) return -1;
  if (gap >= 0) spread(count, gap);
  return at;
};

/** Moves the groups behind the gap to the end, and fills the gap with zeros. */
const spread = (count: number, gap: number): void => {
  groups.copyWithin(8 - (count - gap), gap, count);
  groups.fill(0, gap, 8 - (count - gap));
};

const isMasked = (bytes: Uint8Array, from: number, prefix: number): boolean => {
  const whole = prefix >> 3;
  if (((bytes[from + whole] as number) & (255 >> (prefix & 7))) !== 0) return false;
  for (let index = whole + 1; index < 16; index++) if (bytes[from + index] !== 0) return false;
  return true;
};

const again = new Uint8Array(64);

/** True where the key that was read is written exactly as it was found. */
const isWrittenSo = (text: Uint8Array, at: number, end: number, out: Uint8Array, to: number): boolean => {
  if (writeKeyText(out, to, to + ipv6Length, again, 0) !== end - at) return false;
  for (let index = at; index < end; index++) if (text[index] !== again[index - at]) return false;
  return true;
};

/** An IPv6 address or network, as `readIpv4`. */
const readIpv6 = (text: Uint8Array, at: number, out: Uint8Array, to: number): number => {
  let end = readGroups(text, at);
  if (end < 0) return -1;
  out[to] = family.ipv6;
  for (let index = 0; index < 8; index++) {
    out[to + 1 + index * 2] = (groups[index] as number) >> 8;
    out[to + 2 + index * 2] = groups[index] as number;
  }
  out[to + 17] = 128;
  if (text[end] === slash) {
    const read = readPrefix(text, end + 1, 128);
    const prefix = read % 256;
    if (read < 0 || prefix < widestIpv6 || !isMasked(out, to + 1, prefix)) return -1;
    out[to + 17] = prefix;
    end = Math.floor(read / 256);
  }
  return isWrittenSo(text, at, end, out, to) ? end : -1;
};

const inLabel = new Uint8Array(256);
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-_') inLabel[character.charCodeAt(0)] = 1;

/** A label of a name: not one that is an A-label, for whether such a one decodes is a longer question. */
const isLabel = (text: Uint8Array, from: number, to: number): boolean => {
  if (to === from || to - from > 63) return false;
  if (text[from] === hyphen || text[to - 1] === hyphen) return false;
  return !(text[from] === smallX && text[from + 2] === hyphen && text[from + 3] === hyphen);
};

/** A last label that begins with a digit may read as a number. */
const endsName = (text: Uint8Array, from: number, labels: number): boolean =>
  labels >= 2 && !isDigit(text[from] as number);

/** A name of two labels or more, a dot before it or not, as `readIpv4`. */
const readDomain = (text: Uint8Array, at: number, out: Uint8Array, to: number): number => {
  const start = text[at] === dot ? at + 1 : at;
  let label = start;
  let labels = 0;
  let end = start;
  for (; end - start <= 253; end++) {
    const code = text[end] as number;
    if (inLabel[code] === 1) continue;
    if (!isLabel(text, label, end)) return -1;
    labels += 1;
    if (code !== dot) break;
    label = end + 1;
  }
  if (end - start > 253 || !endsName(text, label, labels)) return -1;
  out[to] = family.domain;
  for (let index = at; index < end; index++) out[to + 1 + index - at] = text[index] as number;
  return end;
};

/**
 * Reads the entry in its one form that begins at `at`: writes its key to `out` from `to` on, and answers where its text ends, or -1 where there may be
 * none. What follows it is not judged. `text` has, somewhere behind it, a byte that is in no entry.
 */
export const readCanonical = (text: Uint8Array, at: number, out: Uint8Array, to: number): number => {
  const ipv4 = readIpv4(text, at, out, to);
  if (ipv4 >= 0 && inLabel[text[ipv4] as number] !== 1 && text[ipv4] !== dot) return ipv4;
  const ipv6 = hexValue(text[at] as number) >= 0 || text[at] === colon ? readIpv6(text, at, out, to) : -1;
  return ipv6 >= 0 ? ipv6 : readDomain(text, at, out, to);
};

/** Length of the key that `readCanonical` wrote for a text of `length` bytes. */
export const keyLength = (out: Uint8Array, to: number, length: number): number => {
  const kind = out[to];
  return kind === family.ipv4 ? ipv4Length : kind === family.ipv6 ? ipv6Length : length + 1;
};
