/**
 * The canonical table of DESIGN 4 once more, written as plainly as it reads and without a line of the code under test: strings, regular
 * expressions and BigInt. Slow, and meant to be.
 */
export type Judged = { value: string; rank: [number, bigint | string, number] } | null;

const ipv4 = (text: string): bigint | null => {
  if (!/^(?:\d+\.){3}\d+$/.test(text)) return null;
  let number = 0n;
  for (const part of text.split('.')) {
    if ((part.length > 1 && part[0] === '0') || BigInt(part) > 255n) return null;
    number = number * 256n + BigInt(part);
  }
  return number;
};

const ipv4Text = (number: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => ((number >> shift) & 255n).toString()).join('.');

const wholeGroups = (text: string): string[] | null => {
  const groups = text === '' ? [] : text.split(':');
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? groups : null;
};

/** RFC 4291, section 2.2: eight groups, one `::` for a run of zeros, the last two groups perhaps as an IPv4 address. */
const ipv6 = (given: string): bigint | null => {
  let text = given.toLowerCase();
  const dotted = /^(.*:)([^:]*\..*)$/.exec(text);
  if (dotted) {
    const low = ipv4(dotted[2] ?? '');
    if (low === null) return null;
    text = `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [left, right] = [
    wholeGroups(halves[0] ?? ''),
    halves.length === 2 ? wholeGroups(halves[1] ?? '') : [],
  ];
  if (!left || !right) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...left, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...right];
  return groups.reduce((number, group) => number * 65536n + BigInt(`0x${group}`), 0n);
};

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
const ipv6Text = (number: bigint): string => {
  if (number >> 32n === 0xffffn) return `::ffff:${ipv4Text(number & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((number >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  for (let length = 8; length >= 2; length--)
    for (let from = 0; from + length <= 8; from++)
      if (groups.slice(from, from + length).every((group) => group === '0'))
        return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`;
  return groups.join(':');
};

const network = (number: bigint, bits: 32 | 128, prefix: number): Judged => {
  const host = BigInt(bits - prefix);
  const base = (number >> host) << host;
  const text = bits === 32 ? ipv4Text(base) : ipv6Text(base);
  return { value: prefix === bits ? text : `${text}/${prefix}`, rank: [bits === 32 ? 0 : 1, base, prefix] };
};

const address = (text: string): { number: bigint; bits: 32 | 128 } | null => {
  const four = ipv4(text);
  if (four !== null) return { number: four, bits: 32 };
  const six = text.includes(':') ? ipv6(text) : null;
  return six === null ? null : { number: six, bits: 128 };
};

/** ASCII names only: what UTS 46 does to others is not for a reference to repeat. */
const domain = (token: string): Judged => {
  const below = token.startsWith('*.') ? 2 : token.startsWith('.') ? 1 : 0;
  const name = token.slice(below).replace(/\.$/, '').toLowerCase();
  const labels = name.split('.');
  const good = labels.every(
    (part) => /^[a-z0-9_-]{1,63}$/.test(part) && !part.startsWith('-') && !part.endsWith('-'),
  );
  const last = labels.at(-1) ?? '';
  if (!good || labels.length < 2 || name.length > 253 || /^\d+$|^0x[0-9a-f]*$/.test(last)) return null;
  const value = below > 0 ? `.${name}` : name;
  return { value, rank: [2, value, 0] };
};

export const referenceEntry = (token: string): Judged => {
  const [text = '', prefixText, ...more] = token.split('/');
  if (more.length > 0) return null;
  const found = address(text);
  if (prefixText === undefined) return found ? network(found.number, found.bits, found.bits) : domain(token);
  if (!found || !/^(?:0|[1-9]\d{0,2})$/.test(prefixText) || Number(prefixText) > found.bits) return null;
  return network(found.number, found.bits, Number(prefixText));
};

const compare = <T extends bigint | string | number>(one: T, other: T): number =>
  one === other ? 0 : one < other ? -1 : 1;

/** All IPv4 by address then prefix, then all IPv6 likewise, then domains. */
export const inOrder = (found: readonly NonNullable<Judged>[]): string[] =>
  [...found]
    .sort(
      ({ rank: one }, { rank: other }) =>
        compare(one[0], other[0]) || compare(one[1], other[1] as never) || compare(one[2], other[2]),
    )
    .map(({ value }) => value);

export interface ReferenceFile {
  values: string[];
  tokens: number;
  invalid: number;
  duplicates: number;
  normalized: number;
}

/** A plain text file by the words of DESIGN 4, "Imports". */
export const referenceFile = (given: string): ReferenceFile => {
  const lines = given.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  if (/^"?(?:domain|ip|address|prefix|network)"?$/i.test((lines[0] ?? '').trim())) lines.shift();
  const tokens = lines.flatMap((line) => {
    const words = line.split(/[,; \t]+/).filter((word) => word !== '');
    const comment = words.findIndex((word) => word.startsWith('#'));
    return (comment < 0 ? words : words.slice(0, comment))
      .map((word) => (/^".*"$/.test(word) && word.length >= 2 ? word.slice(1, -1) : word))
      .filter((word) => word !== '');
  });
  const judged = tokens.map((token) => ({ token, entry: referenceEntry(token) }));
  const good = judged.filter((one) => one.entry !== null);
  const unique = new Map(good.map(({ entry }) => [entry?.value ?? '', entry as NonNullable<Judged>]));
  return {
    values: inOrder([...unique.values()]),
    tokens: tokens.length,
    invalid: tokens.length - good.length,
    duplicates: good.length - unique.size,
    normalized: good.filter(({ token, entry }) => entry?.value !== token).length,
  };
};
