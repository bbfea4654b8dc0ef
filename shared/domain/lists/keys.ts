import type { EntryKind } from '../../schemas/lists.ts';
import { parseIpv4, parseIpv6 } from './addresses.ts';
import type { ParsedEntry } from './entry.ts';

/**
 * Entries as bytes, one behind another, that order as lists do (`order.ts`): the family, then address and prefix length, or the name. A million
 * addresses are 10 MB, where objects would be 100.
 */
export interface Keys {
  bytes: Uint8Array;
  /** Key `n` is from `starts[n]` (inclusive) to `starts[n + 1]` (exclusive). */
  starts: Uint32Array;
  count: number;
}

export const family = { ipv4: 0, ipv6: 1, domain: 2 } as const;
/** Family, four or sixteen bytes of address, prefix length. */
export const ipv4Length = 6;
export const ipv6Length = 18;
/** A name of 253 characters with a leading dot, behind its family. */
export const longestKey = 255;

const larger = <T extends Uint8Array | Uint32Array>(from: T, Type: new (length: number) => T): T => {
  const to = new Type(from.length * 2 + 2 * longestKey);
  to.set(from);
  return to;
};

/** Keys that grow at their end. */
export class KeyStore implements Keys {
  bytes: Uint8Array;
  starts: Uint32Array;
  count = 0;
  used = 0;

  constructor(keys = 1024, bytes = keys * 8) {
    this.bytes = new Uint8Array(bytes + longestKey);
    this.starts = new Uint32Array(keys + 1);
  }

  /** Makes room for one more key: it is then written to `bytes` from `used` on. */
  reserve(): void {
    if (this.used + longestKey > this.bytes.length) this.bytes = larger<Uint8Array>(this.bytes, Uint8Array);
    if (this.count + 2 > this.starts.length) this.starts = larger<Uint32Array>(this.starts, Uint32Array);
  }

  /** Takes what was written, of this length, as the next key. */
  take(length: number): void {
    this.used += length;
    this.count += 1;
    this.starts[this.count] = this.used;
  }

  /** Forgets the keys from `count` on. */
  cut(count: number): void {
    this.count = count;
    this.used = this.starts[count] as number;
  }

  /** Ends what grows; gives back the memory that was kept for more, where it is much. */
  trim(): void {
    const cut = <T extends Uint8Array | Uint32Array>(from: T, length: number) =>
      (from.length > length * 1.25 ? from.slice(0, length) : from.subarray(0, length)) as T;
    this.bytes = cut(this.bytes, this.used);
    this.starts = cut(this.starts, this.count + 1);
  }

  /** Appends an IPv4 key whose first four bytes are `high`, and the two that follow the upper half of `low`. */
  appendIpv4(high: number, low: number): void {
    this.reserve();
    const { bytes, used } = this;
    bytes[used] = high >>> 24;
    bytes[used + 1] = high >>> 16;
    bytes[used + 2] = high >>> 8;
    bytes[used + 3] = high;
    bytes[used + 4] = low >>> 24;
    bytes[used + 5] = low >>> 16;
    this.take(ipv4Length);
  }

  /** Appends a key of other keys. */
  copy(from: Keys, index: number): void {
    this.reserve();
    const start = from.starts[index] as number;
    const length = (from.starts[index + 1] as number) - start;
    for (let at = 0; at < length; at++) this.bytes[this.used + at] = from.bytes[start + at] as number;
    this.take(length);
  }
}

const prefixOf = (value: string, whole: number): number =>
  value.includes('/') ? Number(value.slice(value.indexOf('/') + 1)) : whole;

const addressOf = (value: string): string => value.split('/')[0] ?? '';

/** Writes the key of an entry to `bytes` from `at` on; answers its length. */
const writeKey = (
  { kind, value }: Pick<ParsedEntry, 'kind' | 'value'>,
  bytes: Uint8Array,
  at: number,
): number => {
  if (kind === 'domain') {
    bytes[at] = family.domain;
    for (let index = 0; index < value.length; index++) bytes[at + 1 + index] = value.charCodeAt(index);
    return 1 + value.length;
  }
  const ipv4 = kind === 'ipv4' || kind === 'ipv4-network';
  const address = parseIpv4(addressOf(value)) ?? 0;
  const groups = ipv4 ? [address >>> 16, address & 0xffff] : (parseIpv6(addressOf(value)) ?? []);
  bytes[at] = ipv4 ? family.ipv4 : family.ipv6;
  groups.forEach((group, index) => {
    bytes[at + 1 + index * 2] = group >> 8;
    bytes[at + 2 + index * 2] = group;
  });
  const length = 2 + groups.length * 2;
  bytes[at + length - 1] = prefixOf(value, ipv4 ? 32 : 128);
  return length;
};

/** Appends an entry in its one form. */
export const appendEntry = (store: KeyStore, entry: Pick<ParsedEntry, 'kind' | 'value'>): void => {
  store.reserve();
  store.take(writeKey(entry, store.bytes, store.used));
};

/** The order of two keys, from byte `skip` of both on: below zero, zero or above. */
export const compareKeys = (one: Keys, index: number, other: Keys, otherIndex: number, skip = 0): number => {
  const [start, otherStart] = [one.starts[index] as number, other.starts[otherIndex] as number];
  const length = (one.starts[index + 1] as number) - start;
  const otherLength = (other.starts[otherIndex + 1] as number) - otherStart;
  const common = Math.min(length, otherLength);
  for (let at = skip; at < common; at++) {
    const difference = (one.bytes[start + at] as number) - (other.bytes[otherStart + at] as number);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
};

export const kinds = ['ipv4', 'ipv4-network', 'ipv6', 'ipv6-network', 'domain'] as const;

/** Position among `kinds` of the kind of a key. */
export const kindIndex = ({ bytes, starts }: Keys, index: number): number => {
  const prefix = bytes[(starts[index + 1] as number) - 1] as number;
  switch (bytes[starts[index] as number]) {
    case family.ipv4:
      return prefix === 32 ? 0 : 1;
    case family.ipv6:
      return prefix === 128 ? 2 : 3;
    default:
      return 4;
  }
};

export const kindOfKey = (keys: Keys, index: number): EntryKind => kinds[kindIndex(keys, index)] ?? 'domain';
