import { closeSync, openSync, writeSync } from 'node:fs';

/** Numbers below 2^32 that are the same in every run (Marsaglia's xorshift, 32 bits). */
export const numbers = (seed: number) => () => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
};

const dotted = (address: number) =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');

/** Nine addresses to one network. */
const ipv4 = (next: () => number): string => {
  const address = next();
  if (next() % 10 > 0) return dotted(address);
  const prefix = 16 + (next() % 15);
  return `${dotted((address >>> (32 - prefix)) << (32 - prefix))}/${prefix}`;
};

const group = (number: number) => (number & 0xffff).toString(16);

/** Nine addresses to one network of /48. */
const ipv6 = (next: () => number): string => {
  const start = `2${group(next() & 0xfff).padStart(3, '0')}:${group(next() | 1)}:${group(next() | 1)}`;
  if (next() % 10 === 0) return `${start}::/48`;
  return `${start}:${group(next() | 1)}::${group(next() | 1)}`;
};

const words = ['mail', 'news', 'shop', 'cloud', 'data', 'post', 'web', 'media', 'group', 'north'];
const endings = ['com', 'net', 'org', 'de', 'fr', 'co.uk', 'io', 'example'];
const oneOf = (from: readonly string[], number: number) => from[number % from.length] ?? '';

const domain = (next: () => number): string =>
  `${oneOf(words, next())}${next().toString(36)}.${next() % 3 > 0 ? '' : `${oneOf(words, next())}.`}${oneOf(endings, next())}`;

/** Six in ten IPv4, two IPv6, two domains; some lines as a person writes them: two values, a remark, capitals. */
const mixed = (next: () => number): string => {
  const kind = next() % 10;
  const value = kind < 6 ? ipv4(next) : kind < 8 ? ipv6(next) : domain(next);
  const manner = next() % 50;
  if (manner === 0) return `${value}, ${ipv4(next)}`;
  if (manner === 1) return `${value} # seen ${next() % 1000} times`;
  return manner === 2 ? value.toUpperCase() : value;
};

export const lineKinds = { ipv4, ipv6, domains: domain, mixed };
export type LineKind = keyof typeof lineKinds;

const linesToPiece = 50_000;

/** Writes a file of so many lines, in no order, few of them twice. It is never in memory as a whole. */
export const writeLines = (path: string, kind: LineKind, lines: number): void => {
  const next = numbers(20_261_124);
  const file = openSync(path, 'w');
  for (let left = lines; left > 0; left -= linesToPiece) {
    const piece = Array.from({ length: Math.min(left, linesToPiece) }, () => lineKinds[kind](next));
    writeSync(file, `${piece.join('\n')}\n`);
  }
  closeSync(file);
};
