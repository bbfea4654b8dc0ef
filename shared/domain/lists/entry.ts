import type { ErrorCode } from '../../errors.ts';
import type { EntryKind } from '../../schemas/lists.ts';
import { formatIpv4, formatIpv6, mappedIpv4, maskIpv4, maskIpv6, parseIpv4, parseIpv6 } from './addresses.ts';
import { parseDomain } from './domains.ts';

/** A valid entry: its one form, and the key by which its kind is ordered (`order.ts`). */
export interface ParsedEntry {
  ok: true;
  value: string;
  kind: EntryKind;
  key: number | string;
}

export interface EntryProblem {
  ok: false;
  code: ErrorCode;
  message: string;
  suggestion?: string;
}

/** A name of 253 characters with a leading `*.`, and room for names that get shorter by their A-label form. */
export const longestToken = 300;

/** What is suggested is an entry in its one form, or nothing is. */
const problem = (code: ErrorCode, message: string, suggestion?: string | null): EntryProblem => {
  const exact = suggestion ? parseEntry(suggestion) : null;
  return { ok: false, code, message, ...(exact?.ok ? { suggestion: exact.value } : {}) };
};

/** IPv4 order: by address, then by prefix length; 38 bits, exact in a number. */
const ipv4Key = (address: number, prefix: number): number => address * 64 + prefix;

/** IPv6 order as text: eight groups and the prefix length, one code unit each, so that `<` compares numerically. */
const ipv6Key = (groups: readonly number[], prefix: number): string => String.fromCharCode(...groups, prefix);

const ipv4Entry = (address: number, prefix: number): ParsedEntry => {
  const base = maskIpv4(address, prefix);
  const text = formatIpv4(base);
  return prefix === 32
    ? { ok: true, value: text, kind: 'ipv4', key: ipv4Key(base, prefix) }
    : { ok: true, value: `${text}/${prefix}`, kind: 'ipv4-network', key: ipv4Key(base, prefix) };
};

const ipv6Entry = (groups: readonly number[], prefix: number): ParsedEntry => {
  const base = maskIpv6(groups, prefix);
  const text = formatIpv6(base);
  return prefix === 128
    ? { ok: true, value: text, kind: 'ipv6', key: ipv6Key(base, prefix) }
    : { ok: true, value: `${text}/${prefix}`, kind: 'ipv6-network', key: ipv6Key(base, prefix) };
};

/** The prefix length of a contiguous netmask or of a wildcard mask (its complement), or null. */
const prefixOfMask = (text: string): number | null => {
  const mask = parseIpv4(text);
  if (mask === null) return null;
  const ones = (value: number) => (value === 0 ? 0 : 32 - Math.log2(2 ** 32 - value));
  const candidates = [ones(mask), ones((~mask >>> 0) >>> 0)];
  return candidates.find((prefix) => Number.isInteger(prefix)) ?? null;
};

const maskProblem = (address: string, mask: string): EntryProblem => {
  const prefix = prefixOfMask(mask);
  const base = parseIpv4(address);
  const exact = prefix !== null && base !== null ? `${formatIpv4(maskIpv4(base, prefix))}/${prefix}` : null;
  return problem(
    'NETMASK_NOT_SUPPORTED',
    'A network is written with a prefix length, not with a mask.',
    exact,
  );
};

/** The prefix length of `text` for addresses of `bits` bits, or what is wrong with it. */
const parsePrefix = (address: string, text: string, bits: number): number | EntryProblem => {
  if (text.includes('.')) return maskProblem(address, text);
  if (!/^\d{1,3}$/.test(text) || Number(text) > bits)
    return problem('PREFIX_INVALID', `The prefix length is a number from 0 to ${bits}.`);
  if (text.length > 1 && text.startsWith('0'))
    return problem('PREFIX_INVALID', 'The prefix length has a leading zero.', `${address}/${Number(text)}`);
  return Number(text);
};

/** The network whose first and last address these are exactly, or null. */
const rangeAsNetwork = (first: number, last: number): string | null => {
  const prefix = 32 - Math.log2(last - first + 1);
  const exact = Number.isInteger(prefix) && prefix >= 0 && maskIpv4(first, prefix) === first;
  return exact ? ipv4Entry(first, prefix).value : null;
};

const rangeProblem = (token: string): EntryProblem | null => {
  const [from = '', to = '', ...more] = token.split('-');
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  const ipv6 = parseIpv6(from) !== null && parseIpv6(to) !== null;
  if (more.length > 0 || !(ipv6 || (first !== null && last !== null))) return null;
  const exact = first !== null && last !== null ? rangeAsNetwork(first, last) : null;
  return problem('RANGE_NOT_SUPPORTED', 'A range is written as one or more networks.', exact);
};

const octets = /^\d+(?:\.\d+)*\.?$/;

const withoutLeadingZeros = (text: string): string | null => {
  const plain = text.replace(/(^|\.)0+(?=\d)/g, '$1');
  return parseIpv4(plain) === null ? null : plain;
};

/** `10/8` and `192.168/16` mean the network with the missing octets zero; no other short form has one reading. */
const shortNetwork = (text: string, prefix: string | undefined): string | null => {
  const parts = text.split('.');
  if (prefix === undefined || Number(prefix) > parts.length * 8) return null;
  const whole = [...parts, '0', '0', '0'].slice(0, 4).join('.');
  return parseIpv4(whole) === null ? null : `${whole}/${prefix}`;
};

/** What is wrong with text that is made of digits and dots alone and is no IPv4 address. */
const ipv4Problem = (text: string, prefix?: string): EntryProblem => {
  const parts = text.split('.');
  if (parts.length <= 4 && parts.some((part) => /^0\d/.test(part))) {
    const plain = withoutLeadingZeros(text);
    const exact = plain === null ? null : prefix === undefined ? plain : `${plain}/${prefix}`;
    return problem(
      'IPV4_LEADING_ZERO',
      'An octet has a leading zero, which some programs read as octal.',
      exact,
    );
  }
  if (parts.length < 4 && parts.every((part) => part !== ''))
    return problem('IPV4_SHORT_FORM', 'An IPv4 address has four octets.', shortNetwork(text, prefix));
  return problem('NOT_AN_ENTRY', 'Not an IPv4 address: four octets from 0 to 255.');
};

const hexForm = /^0x[0-9a-f]+(?:\.(?:0x[0-9a-f]+|\d+)){0,3}$/i;

const networkOf = (address: string, prefixText: string): ParsedEntry | EntryProblem => {
  const ipv4 = parseIpv4(address);
  const groups = ipv4 === null ? parseIpv6(address) : null;
  if (ipv4 === null && groups === null)
    return octets.test(address) && /^\d+$/.test(prefixText)
      ? ipv4Problem(address, prefixText)
      : problem('NOT_AN_ENTRY', 'Only an address can have a prefix length.');
  const prefix = parsePrefix(address, prefixText, ipv4 === null ? 128 : 32);
  if (typeof prefix === 'object') return prefix;
  return ipv4 === null ? ipv6Entry(groups ?? [], prefix) : ipv4Entry(ipv4, prefix);
};

const subdomainsOnly = /^(?:\*\.|\.)/;

const domainEntry = (token: string): ParsedEntry | EntryProblem => {
  const below = subdomainsOnly.test(token);
  const parsed = parseDomain(below ? token.replace(subdomainsOnly, '') : token);
  if (!parsed.ok) return problem(parsed.code, parsed.message);
  const value = below ? `.${parsed.name}` : parsed.name;
  return { ok: true, value, kind: 'domain', key: value };
};

const wildcardNetwork = (token: string): string | null => {
  const match = /^((?:\d{1,3}\.){1,3})\*(?:\.\*)*$/.exec(token);
  return match?.[1]
    ? shortNetwork(match[1].slice(0, -1), String((match[1].split('.').length - 1) * 8))
    : null;
};

/**
 * Judges one token by the canonical table (DESIGN 4): its one form, or why it is no entry, with what to write instead where
 * exactly one thing can be meant.
 */
export const parseEntry = (token: string): ParsedEntry | EntryProblem => {
  if (token.length > longestToken)
    return problem('TOKEN_TOO_LONG', `An entry has at most ${longestToken} characters.`);
  const ipv4 = parseIpv4(token);
  if (ipv4 !== null) return ipv4Entry(ipv4, 32);
  if (token.includes('%') && token.includes(':'))
    return problem('IPV6_ZONE', 'An entry has no zone: it would mean something only on one host.');
  const range = token.includes('-') ? rangeProblem(token) : null;
  if (range) return range;
  const [address = '', prefix, ...more] = token.split('/');
  if (more.length > 0) return problem('NOT_AN_ENTRY', 'Not an address, a network or a domain.');
  if (prefix !== undefined) return networkOf(address, prefix);
  if (token.includes(':')) {
    const groups = parseIpv6(token);
    return groups ? ipv6Entry(groups, 128) : problem('NOT_AN_ENTRY', 'Not an IPv6 address.');
  }
  if (octets.test(token)) return ipv4Problem(token.endsWith('.') ? token.slice(0, -1) : token);
  if (hexForm.test(token)) return problem('IPV4_SHORT_FORM', 'An IPv4 address is four decimal octets.');
  const wildcard = wildcardNetwork(token);
  return wildcard
    ? problem('NOT_AN_ENTRY', 'A network is written with a prefix length.', wildcard)
    : domainEntry(token);
};

/** First and last key of what lies in a network (or is an address), itself included; null for a domain. */
export const keysWithin = (
  entry: Pick<ParsedEntry, 'value' | 'kind' | 'key'>,
): [string, string] | [number, number] | null => {
  const [address = '', prefixText] = entry.value.split('/');
  if (typeof entry.key === 'number') {
    const size = 2 ** (32 - Number(prefixText ?? 32));
    return [entry.key, ipv4Key((parseIpv4(address) ?? 0) + size - 1, 32)];
  }
  const groups = entry.kind === 'domain' ? null : parseIpv6(address);
  if (!groups) return null;
  const mask = maskIpv6(Array(8).fill(0xffff), Number(prefixText ?? 128));
  return [
    entry.key,
    ipv6Key(
      groups.map((group, index) => group | (~(mask[index] ?? 0) & 0xffff)),
      128,
    ),
  ];
};

/** The kind and order key of a value that is canonical already, as stored lists hold it. */
export const entryOfStored = (value: string): ParsedEntry => {
  const parsed = parseEntry(value);
  if (!parsed.ok) throw new TypeError(`A stored list holds "${value}", which is no entry.`);
  return parsed;
};

/** Up to 255 characters without control characters (they would break the line that holds the entry). */
export const isValidComment = (comment: string): boolean =>
  comment.length <= 255 &&
  comment.isWellFormed() &&
  !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(comment);

/** Networks on the outbound list that may make an open relay (DESIGN 4): wider than /8, /16 for IPv6, /104 when mapped. */
export const mayOpenRelay = (entry: { value: string; kind: EntryKind }): boolean => {
  const [address = '', prefixText = ''] = entry.value.split('/');
  const prefix = Number(prefixText);
  if (entry.kind === 'ipv4-network') return prefix < 8;
  if (entry.kind !== 'ipv6-network') return false;
  const groups = parseIpv6(address) ?? [];
  return prefix < (prefix >= 96 && mappedIpv4(groups) !== null ? 104 : 16);
};
