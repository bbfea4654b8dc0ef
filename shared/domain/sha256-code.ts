/**
 * A WebAssembly module, made when it is first asked for, that computes the sha-256 (FIPS 180-4) of four messages of one block at a time, one in each lane of
 * a 128-bit vector. It writes the first 8 bytes of each digest alone, and leaves the blocks zero for the next messages.
 */

type Code = readonly (number | Code)[];

/** Messages to a call of the module. */
export const laneCapacity = 1024;
export const blockBytes = 64;

/** Where things stand in the memory of the module: first the blocks. */
const highsAt = laneCapacity * blockBytes;
const lowsAt = highsAt + laneCapacity * 4;
const constantsAt = lowsAt + laneCapacity * 4;
export const layout = { highsAt, lowsAt, constantsAt };

const isPrime = (value: number): boolean => {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
};

const primes = (count: number): number[] => {
  const found: number[] = [];
  for (let value = 2; found.length < count; value++) if (isPrime(value)) found.push(value);
  return found;
};

/** The first 32 bits of the fraction of a root of a prime, by whole numbers alone: no platform rounds them otherwise. */
const fractionOfRoot = (prime: number, degree: 2n | 3n): number => {
  const scaled = BigInt(prime) << (32n * degree);
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** degree <= scaled) root += bit;
  return Number(root & 0xffffffffn);
};

export const roundConstants = (): number[] => primes(64).map((prime) => fractionOfRoot(prime, 3n));
const initialState = (): number[] => primes(8).map((prime) => fractionOfRoot(prime, 2n));

const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
const signed = (value: number): number[] => {
  const last = value >= -64 && value < 64;
  return last ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
};

const i32 = (value: number): Code => [0x41, signed(value | 0)];
const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [value, 0x21, local];
const vector = (operation: number): Code => [0xfd, unsigned(operation)];
const alignment = 0;
const at = (offset: number): Code => [alignment, unsigned(offset)];

const both = (operation: number) => (one: Code, other: Code) => [one, other, vector(operation)];
const or = both(0x50);
const xor = both(0x51);
const add = both(0xae);
const choose = (ones: Code, zeros: Code, mask: Code): Code => [ones, zeros, mask, vector(0x52)];
const left = (value: Code, bits: number): Code => [value, i32(bits), vector(0xab)];
const right = (value: Code, bits: number): Code => [value, i32(bits), vector(0xad)];
const rotated = (value: Code, bits: number): Code => or(right(value, bits), left(value, 32 - bits));
const everywhere = (value: number): Code => [i32(value), vector(0x11)];
const sum = (first: Code, ...rest: Code[]): Code => rest.reduce((total, next) => add(total, next), first);

/** Locals: the two arguments, the place in the constants, then vectors: working variables, message words, and one for what a round uses twice. */
const [block, end, constant] = [0, 1, 2];
const state = 3;
const words = 11;
const saved = 27;
const vectors = 25;

const bigSigma = (value: Code, [a, b, c]: readonly [number, number, number]): Code =>
  xor(xor(rotated(value, a), rotated(value, b)), rotated(value, c));
const smallSigma = (value: Code, [a, b, c]: readonly [number, number, number]): Code =>
  xor(xor(rotated(value, a), rotated(value, b)), right(value, c));

/** One round; the working variables move by being named anew, so that after each eight rounds they are where they began. */
const round = (index: number): Code => {
  const variable = (name: number) => state + ((name - index) & 7);
  const [a, b, c, d, e, f, g, h] = Array.from({ length: 8 }, (_, name) => variable(name)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const factor: Code = [get(constant), vector(0x09), at(constantsAt + index * 4)];
  return [
    set(
      saved,
      sum(
        get(h),
        bigSigma(get(e), [6, 11, 25]),
        choose(get(f), get(g), get(e)),
        add(factor, get(words + index)),
      ),
    ),
    set(d, add(get(d), get(saved))),
    set(h, sum(get(saved), bigSigma(get(a), [2, 13, 22]), choose(get(c), get(a), xor(get(a), get(b))))),
  ];
};

const nextWord = (index: number): Code => {
  const word = (distance: number) => get(words + ((index - distance) & 15));
  return set(
    words + index,
    sum(word(16), smallSigma(word(15), [7, 18, 3]), word(7), smallSigma(word(2), [17, 19, 10])),
  );
};

const sixteen = Array.from({ length: 16 }, (_, index) => index);

const reversedBytes = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

/** Word `index` of four blocks that lie one after another, as numbers. */
const loadWord = (index: number): Code => {
  const lane = (code: Code, number: number): Code => [
    get(block),
    code,
    vector(0x56),
    at(number * blockBytes + index * 4),
    number,
  ];
  const gathered = [1, 2, 3].reduce<Code>(lane, [get(block), vector(0x5c), at(index * 4)]);
  return set(words + index, [gathered, gathered, vector(0x0d), reversedBytes]);
};

const clear = (part: number): Code => [get(block), everywhere(0), vector(0x0b), at(part * 16)];

/** Each block takes 64 bytes and its results 4: a sixteenth of a block's place is that of its results. */
const store = (where: number, value: Code): Code => [
  [get(block), i32(4), 0x76],
  value,
  vector(0x0b),
  at(where),
];

const loop = (body: Code, next: Code): Code => [0x03, 0x40, body, next, 0x0d, 0, 0x0b];
const advance = (local: number, by: number): Code => [get(local), i32(by), 0x6a, 0x22, local];
const below = (limit: Code): Code => [limit, 0x48];

const main = (): Code => {
  const [first = 0, second = 0] = initialState();
  return [
    loop(
      [
        sixteen.map(loadWord),
        sixteen.map(clear),
        initialState().map((value, name) => set(state + name, everywhere(value))),
        set(constant, i32(0)),
        sixteen.map(round),
        loop(
          [advance(constant, 64), 0x1a, sixteen.map((index) => [nextWord(index), round(index)])],
          [get(constant), below(i32(192))],
        ),
        store(highsAt, add(get(state), everywhere(first))),
        store(lowsAt, add(get(state + 1), everywhere(second))),
      ],
      [advance(block, 4 * blockBytes), below(get(end))],
    ),
  ];
};

const flat = (code: Code): number[] => (code as never[]).flat(Number.POSITIVE_INFINITY);
const sized = (content: Code): number[] => {
  const bytes = flat(content);
  return [...unsigned(bytes.length), ...bytes];
};
const section = (id: number, content: Code): Code => [id, sized(content)];
const name = (text: string): Code => sized([...text].map((character) => character.charCodeAt(0)));

const [i32Type, v128Type] = [0x7f, 0x7b];

/** The module: it exports `memory` and `digest(0, end of the blocks)`. The blocks come in fours. */
export const sha256Code = (): Uint8Array<ArrayBuffer> => {
  const locals = [2, 1, i32Type, vectors, v128Type];
  return new Uint8Array(
    flat([
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [1, 0x60, 2, i32Type, i32Type, 0]),
      section(3, [1, 0]),
      section(5, [1, 0, unsigned(Math.ceil((constantsAt + 256) / 65_536))]),
      section(7, [2, name('memory'), 2, 0, name('digest'), 0, 0]),
      section(10, [1, sized([locals, main(), 0x0b])]),
    ]),
  );
};
