import { formatIpv6 } from './addresses.ts';
import { family, type Keys } from './keys.ts';

/** An entry's one form has at most this many bytes; a name, and a dot before it. */
export const longestValue = 254;

const [dot, slash, colon, zero, smallA] = [46, 47, 58, 48, 97];

/** Writes a number below 1000 in decimal; answers where it ends. */
const writeDecimal = (value: number, out: Uint8Array, at: number): number => {
  if (value >= 100) out[at++] = zero + ((value / 100) | 0);
  if (value >= 10) out[at++] = zero + (((value / 10) | 0) % 10);
  out[at++] = zero + (value % 10);
  return at;
};

const writePrefix = (prefix: number, whole: number, out: Uint8Array, at: number): number => {
  if (prefix === whole) return at;
  out[at] = slash;
  return writeDecimal(prefix, out, at + 1);
};

const writeIpv4 = (bytes: Uint8Array, from: number, out: Uint8Array, at: number): number => {
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0) out[at++] = dot;
    at = writeDecimal(bytes[from + octet] as number, out, at);
  }
  return writePrefix(bytes[from + 4] as number, 32, out, at);
};

const writeHex = (group: number, out: Uint8Array, at: number): number => {
  for (let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    const digit = (group >> shift) & 15;
    out[at++] = digit < 10 ? zero + digit : smallA + digit - 10;
  }
  return at;
};

const groups = new Uint16Array(8);

/**
 * First group and number of groups of the only run of two or more zero groups, as `first * 16 + number`; 0 where there is none, and -1 where there are
 * several, or where the address begins with four zero groups: how such are written has more rules.
 */
const zeroRun = (): number => {
  let found = 0;
  let length = 0;
  for (let index = 0; index <= 8; index++) {
    if (index < 8 && groups[index] === 0) length += 1;
    else {
      if (length > 1 && found !== 0) return -1;
      if (length > 1) found = (index - length) * 16 + length;
      length = 0;
    }
  }
  return found >= 4 && found < 16 ? -1 : found;
};

const writeGroups = (out: Uint8Array, at: number, run: number): number => {
  const first = run === 0 ? 8 : run >> 4;
  const behind = first + (run & 15);
  for (let index = 0; index < 8; index++) {
    if (index === first) out[at++] = colon;
    if (index >= first && index < behind) continue;
    if (index > 0) out[at++] = colon;
    at = writeHex(groups[index] as number, out, at);
  }
  if (behind === 8 && run !== 0) out[at++] = colon;
  return at;
};

const writeText = (text: string, out: Uint8Array, at: number): number => {
  for (let index = 0; index < text.length; index++) out[at + index] = text.charCodeAt(index);
  return at + text.length;
};

const writeIpv6 = (bytes: Uint8Array, from: number, out: Uint8Array, at: number): number => {
  for (let index = 0; index < 8; index++)
    groups[index] = ((bytes[from + index * 2] as number) << 8) | (bytes[from + index * 2 + 1] as number);
  const run = zeroRun();
  const end = run < 0 ? writeText(formatIpv6([...groups]), out, at) : writeGroups(out, at, run);
  return writePrefix(bytes[from + 16] as number, 128, out, end);
};

/** Writes the one form of a key that begins at `from` and ends before `to`; answers where it ends. `out` has room for 254 bytes. */
export const writeKeyText = (
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): number => {
  const kind = bytes[from];
  if (kind === family.ipv4) return writeIpv4(bytes, from + 1, out, at);
  if (kind === family.ipv6) return writeIpv6(bytes, from + 1, out, at);
  for (let index = from + 1; index < to; index++) out[at++] = bytes[index] as number;
  return at;
};

/** Writes the one form of key `index`; answers where it ends. */
export const writeValue = ({ bytes, starts }: Keys, index: number, out: Uint8Array, at: number): number =>
  writeKeyText(bytes, starts[index] as number, starts[index + 1] as number, out, at);

const scratch = new Uint8Array(longestValue);
const decoder = new TextDecoder();

/** The one form of key `index`. */
export const valueOfKey = (keys: Keys, index: number): string =>
  decoder.decode(scratch.subarray(0, writeValue(keys, index, scratch, 0)));
