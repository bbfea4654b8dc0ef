import ipaddr from 'ipaddr.js';

const dot = 46;
const zero = 48;
const nine = 57;

/**
 * An IPv4 address as a number, or null for anything but four decimal octets without leading zeros. No library is
 * asked: those that accept `127.1` or `010.0.0.1` let in what a mail server would read as another address.
 */
export const parseIpv4 = (text: string): number | null => {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? dot : text.charCodeAt(index);
    if (code === dot) {
      if (octet < 0 || octets === 4) return null;
      value = value * 256 + octet;
      octets += 1;
      octet = -1;
    } else {
      if (code < zero || code > nine || octet === 0) return null;
      octet = octet < 0 ? code - zero : octet * 10 + code - zero;
      if (octet > 255) return null;
    }
  }
  return octets === 4 ? value : null;
};

export const formatIpv4 = (value: number): string =>
  `${Math.floor(value / 2 ** 24)}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

/** The address with the host bits of a network cleared. */
export const maskIpv4 = (value: number, prefix: number): number =>
  prefix === 0 ? 0 : (value & (0xffffffff << (32 - prefix))) >>> 0;

const ipv6Characters = /^[0-9a-f:.]{2,45}$/i;

/**
 * The text with its last 32 bits, where they are written as an IPv4 address, as two groups; null where that address is not a strict one. The library
 * is not given the other form: it reads `::192.0.2.1` as `::ffff:192.0.2.1`, which is another address (RFC 4291, 2.5.5).
 */
const inGroups = (text: string): string | null => {
  if (!text.includes('.')) return text;
  const at = text.lastIndexOf(':') + 1;
  const embedded = parseIpv4(text.slice(at));
  if (embedded === null) return null;
  return `${text.slice(0, at)}${(embedded >>> 16).toString(16)}:${(embedded & 0xffff).toString(16)}`;
};

/**
 * Eight groups of an IPv6 address in any RFC 4291 text form without zone, or null. An embedded IPv4 part has to
 * be a strict one.
 */
export const parseIpv6 = (text: string): number[] | null => {
  if (!ipv6Characters.test(text) || !text.includes(':')) return null;
  const groups = inGroups(text);
  return groups !== null && ipaddr.IPv6.isValid(groups) ? ipaddr.IPv6.parse(groups).parts : null;
};

const isMapped = (groups: readonly number[]): boolean =>
  groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);

/** The IPv4 address in an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), or null. */
export const mappedIpv4 = (groups: readonly number[]): number | null =>
  isMapped(groups) ? (groups[6] ?? 0) * 65536 + (groups[7] ?? 0) : null;

/** RFC 5952 text; an IPv4-mapped address in mixed notation (its section 5). */
export const formatIpv6 = (groups: readonly number[]): string => {
  const mapped = mappedIpv4(groups);
  return mapped === null ? new ipaddr.IPv6([...groups]).toRFC5952String() : `::ffff:${formatIpv4(mapped)}`;
};

/** The groups with the host bits of a network cleared. */
export const maskIpv6 = (groups: readonly number[], prefix: number): number[] =>
  groups.map((group, index) => {
    const bits = Math.min(16, Math.max(0, prefix - index * 16));
    return group & (0xffff << (16 - bits)) & 0xffff;
  });

/** The one form of an IPv4 address, or null. */
export const canonicalIpv4 = (text: string): string | null => (parseIpv4(text) === null ? null : text);

/** The one form of an IPv6 address (RFC 5952), or null. */
export const canonicalIpv6 = (text: string): string | null => {
  const groups = parseIpv6(text);
  return groups ? formatIpv6(groups) : null;
};
