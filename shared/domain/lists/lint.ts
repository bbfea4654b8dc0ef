import type { AccessEntry, AccessListName } from '../../schemas/lists.ts';
import { formatIpv4, formatIpv6, mappedIpv4, parseIpv4, parseIpv6 } from './addresses.ts';
import { bogons } from './bogons.ts';

export const lintCodes = ['COVERED', 'MERGEABLE', 'NOT_PUBLIC', 'MATCHES_EVERYTHING'] as const;
export type LintCode = (typeof lintCodes)[number];

/** One thing worth knowing about an enabled entry; it decides nothing. */
export interface Finding {
  code: LintCode;
  value: string;
  message: string;
  /** The entry that covers it, or the range that it lies in. */
  by?: string;
  /** What could stand in its place. */
  suggestion?: string;
}

/** Addresses `base` to `end` of one family. */
interface Span {
  value: string;
  base: bigint;
  end: bigint;
  prefix: number;
  bits: 32 | 128;
}

/** Networks that together are one, so far. */
interface Run extends Omit<Span, 'value'> {
  first: string;
  count: number;
}

const numberOf = (groups: readonly number[]): bigint =>
  BigInt(`0x${groups.map((group) => group.toString(16).padStart(4, '0')).join('')}`);

const groupsOf = (number: bigint): number[] =>
  Array.from({ length: 8 }, (_, index) => Number((number >> BigInt(112 - index * 16)) & 0xffffn));

/** The addresses that an entry means, or null for a domain. */
export const spanOf = (value: string): Span | null => {
  const [address = '', prefixText] = value.split('/');
  const ipv4 = parseIpv4(address);
  const groups = ipv4 === null && address.includes(':') ? parseIpv6(address) : null;
  if (ipv4 === null && groups === null) return null;
  const bits = ipv4 === null ? 128 : 32;
  const prefix = Number(prefixText ?? bits);
  const base = ipv4 === null ? numberOf(groups ?? []) : BigInt(ipv4);
  return { value, base, end: base + (1n << BigInt(bits - prefix)) - 1n, prefix, bits };
};

const networkText = ({ base, prefix, bits }: Pick<Run, 'base' | 'prefix' | 'bits'>): string =>
  `${bits === 32 ? formatIpv4(Number(base)) : formatIpv6(groupsOf(base))}/${prefix}`;

type Tell = (finding: Finding) => void;

const isRightHalf = ({ base, prefix, bits }: Run): boolean =>
  prefix > 0 && ((base >> BigInt(bits - prefix)) & 1n) === 1n;

/**
 * Gathers networks that stand beside each other, in order and apart, into the largest networks that they make. Only left halves whose
 * right half may still come are kept, one of each size, so memory does not grow with the list.
 */
const gathering = (tell: Tell) => {
  let runs: Run[] = [];

  const flush = () => {
    for (const run of runs)
      if (run.count > 1)
        tell({
          code: 'MERGEABLE',
          value: run.first,
          message: `This and the ${run.count - 1} after it that touch it are one network.`,
          suggestion: networkText(run),
        });
    runs = [];
  };

  const join = () => {
    for (;;) {
      const [left, right] = runs.slice(-2);
      if (!left || !right || left.prefix !== right.prefix || isRightHalf(left)) return;
      runs.splice(-2, 2, {
        ...left,
        end: right.end,
        prefix: left.prefix - 1,
        count: left.count + right.count,
      });
    }
  };

  return {
    add({ value, ...span }: Span) {
      const before = runs.at(-1);
      if (before && (before.bits !== span.bits || before.end + 1n !== span.base)) flush();
      runs.push({ ...span, first: value, count: 1 });
      join();
      const last = runs.at(-1);
      if (last && (isRightHalf(last) || last.prefix === 0)) flush();
    },
    flush,
  };
};

/** Tells in which of some ranges (apart, in order) each of many spans lies, which come in order, too. */
const within = (ranges: readonly (Span & { name: string })[]) => {
  let at = 0;
  return ({ base, end }: Pick<Span, 'base' | 'end'>) => {
    while (at < ranges.length && (ranges[at]?.end ?? 0n) < base) at += 1;
    const range = ranges[at];
    return range && range.base <= base && end <= range.end ? range : null;
  };
};

const mappedBase = 0xffffn << 32n;

/** A span of IPv4-mapped addresses as the IPv4 addresses that it means (RFC 4291, 2.5.5.2). */
const unmapped = (span: Span): Span | null =>
  span.bits === 128 && span.prefix >= 96 && mappedIpv4(groupsOf(span.base)) !== null
    ? {
        ...span,
        base: span.base - mappedBase,
        end: span.end - mappedBase,
        prefix: span.prefix - 96,
        bits: 32,
      }
    : null;

const judge = (list: AccessListName, tell: Tell) => {
  const ranges = bogons.map(([network, name]) => ({ ...(spanOf(network) as Span), name }));
  const ipv4 = ranges.filter(({ bits }) => bits === 32);
  const ofKind = {
    ipv4: within(ipv4),
    mapped: within(ipv4),
    ipv6: within(ranges.filter((one) => one.bits === 128)),
  };
  return (span: Span) => {
    const inner = unmapped(span);
    if ((inner ?? span).prefix === 0)
      tell({ code: 'MATCHES_EVERYTHING', value: span.value, message: 'Every address is in this network.' });
    if (list !== 'inbound') return;
    const range = inner ? ofKind.mapped(inner) : span.bits === 32 ? ofKind.ipv4(span) : ofKind.ipv6(span);
    if (range)
      tell({
        code: 'NOT_PUBLIC',
        value: span.value,
        message: `No client from the Internet has such an address: ${range.name}.`,
        by: range.value,
      });
  };
};

const coveredBy = (value: string, by: string): Finding => ({
  code: 'COVERED',
  value,
  message: `${by} lets in all that this entry does.`,
  by,
});

/** The widest domain among `enabled` that covers this one, or null. A few look-ups, whatever the number of domains. */
export const coveringDomain = (value: string, enabled: ReadonlySet<string>): string | null => {
  const start = value.startsWith('.') ? 1 : 0;
  let dot = value.lastIndexOf('.', value.lastIndexOf('.') - 1);
  for (;;) {
    const at = Math.max(dot + 1, start);
    const domain = value.slice(at);
    if (domain !== value && enabled.has(domain)) return domain;
    if (at === start) return null;
    const below = value.slice(dot);
    if (enabled.has(below)) return below;
    dot = value.lastIndexOf('.', dot - 1);
  }
};

/**
 * Looks through the entries of a list, in its order, once, and tells what it finds of those that are enabled. Takes time in proportion to their
 * number, and memory that does not grow with it but for `domains`: all enabled domains of the list.
 */
export const linter = (list: AccessListName, domains: ReadonlySet<string>, tell: Tell) => {
  let around: Span[] = [];
  const runs = gathering(tell);
  const judgeSpan = judge(list, tell);

  const address = (span: Span) => {
    const contains = (one: Span) => one.bits === span.bits && one.end >= span.base;
    around = around.filter(contains);
    const [widest] = around;
    judgeSpan(span);
    if (widest) tell(coveredBy(span.value, widest.value));
    else runs.add(span);
    if (span.prefix < span.bits) around.push(span);
  };

  return {
    entry({ value, enabled }: AccessEntry) {
      if (!enabled) return;
      const span = spanOf(value);
      if (span) return address(span);
      const by = coveringDomain(value, domains);
      if (by) tell(coveredBy(value, by));
    },
    end: runs.flush,
  };
};
