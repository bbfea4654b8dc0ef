/** A file that is made while it is sent. */
export interface MadeFile {
  bytes: number;
  pieces(): Generator<Buffer>;
}

const pieceBytes = 1_000_000;

const made = (texts: () => Generator<string>, bytes: number): MadeFile => ({
  bytes,
  *pieces() {
    for (const text of texts()) yield Buffer.from(text);
  },
});

const sizeOf = (texts: () => Generator<string>): number => {
  let bytes = 0;
  for (const text of texts()) bytes += Buffer.byteLength(text);
  return bytes;
};

const batches = (count: number, line: (index: number) => string) =>
  function* () {
    for (let from = 0; from < count; from += 20_000)
      yield Array.from({ length: Math.min(20_000, count - from) }, (_, index) => line(from + index)).join('');
  };

/** Files made to break whoever reads them, of any size; the same in every run. */
export const hostileFiles = {
  /** One line without a delimiter. A whole number of megabytes. */
  oneToken: (bytes: number): MadeFile =>
    made(function* () {
      for (let sent = 0; sent < bytes; sent += pieceBytes) yield 'a'.repeat(pieceBytes);
    }, bytes),
  /** Values of which none is an entry and no two are equal, one a line. */
  badTokens: (count: number): MadeFile => {
    const texts = batches(count, (index) => `bad_${index}!\n`);
    return made(texts, sizeOf(texts));
  },
  /** Comments of about 60 KB, with one name behind each. A whole number of megabytes; says how many names. */
  comments(bytes: number): MadeFile & { names: number } {
    const each = 50_000;
    const names = bytes / each;
    const line = (index: number) => {
      const name = `a-name-that-is-long-enough-${index}.example.com\n`;
      return `#${'-'.repeat(each - name.length - 2)}\n${name}`;
    };
    const texts = function* () {
      for (let index = 0; index < names; index++) yield line(index);
    };
    return { ...made(texts, bytes), names };
  },
};
