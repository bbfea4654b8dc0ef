import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ImportFileOptions,
  type ParsedFile,
  readImportFile,
} from '../../../../shared/domain/lists/import-file.ts';
import { AppError } from '../../../../shared/errors.ts';

const defaults: ImportFileOptions = { refuseOpenRelay: false, reportShared: false, maxEntries: 1_000_000 };

const read = (
  body: string | Uint8Array,
  options: Partial<ImportFileOptions> = {},
  piece = 1 << 20,
): ParsedFile => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const reader = readImportFile({ ...defaults, ...options });
  for (let from = 0; from < bytes.length; from += piece) reader.push(bytes.subarray(from, from + piece));
  return reader.end();
};

const values = (body: string | Uint8Array, options?: Partial<ImportFileOptions>) =>
  read(body, options).changes.map((change) => change.value);

const places = (body: string) =>
  read(body).problems.map(({ line, column, token, code }) => `${line}:${column} ${token} ${code}`);

describe('tokens of plain text', () => {
  it('are split by any run of comma, semicolon, space, tab, CR and LF', () => {
    expect(values('192.0.2.4,192.0.2.3;192.0.2.2 \t 192.0.2.1\r\n,;192.0.2.5\r192.0.2.6')).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.3',
      '192.0.2.4',
      '192.0.2.5',
      '192.0.2.6',
    ]);
  });

  it('end where a comment begins, and only at the start of a token', () => {
    expect(values('192.0.2.1 # 192.0.2.2, 192.0.2.3\n#192.0.2.4\n192.0.2.5')).toEqual([
      '192.0.2.1',
      '192.0.2.5',
    ]);
    expect(places('192.0.2.1#x\n192.0.2.2')).toEqual(['1:1 192.0.2.1#x DOMAIN_INVALID']);
  });

  it('lose one pair of double quotes, and no single ones', () => {
    expect(values('"192.0.2.1","192.0.2.2"')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(places("'192.0.2.1' 192.0.2.2")).toEqual(["1:1 '192.0.2.1' DOMAIN_INVALID"]);
  });

  it('do not include a byte order mark or a one-word header', () => {
    expect(values('\ufeff192.0.2.1')).toEqual(['192.0.2.1']);
    for (const header of ['Domain', 'ip', 'ADDRESS', '"prefix"', 'network'])
      expect(values(`${header}\r\nexample.com\n`)).toEqual(['example.com']);
    expect(places('192.0.2.1\nDomain\n')).toEqual(['2:1 Domain DOMAIN_SINGLE_LABEL']);
  });

  it('are placed by line and column from 1, in characters, whatever ends the lines', () => {
    expect(places('a\r\n b\r  c\n\td é😀 e 192.0.2.1')).toEqual([
      '1:1 a DOMAIN_SINGLE_LABEL',
      '2:2 b DOMAIN_SINGLE_LABEL',
      '3:3 c DOMAIN_SINGLE_LABEL',
      '4:2 d DOMAIN_SINGLE_LABEL',
      '4:4 é😀 DOMAIN_SINGLE_LABEL',
      '4:7 e DOMAIN_SINGLE_LABEL',
    ]);
  });

  it('behind a semicolon suggest # when they are bad', () => {
    const [problem] = read('192.0.2.1 ; comment\n').problems;

    expect(problem?.suggestion).toContain('#');
    expect(read('192.0.2.1 comment\n').problems[0]?.suggestion).toBeUndefined();
  });

  it('that are far too long are cut in the report, and the rest goes on', () => {
    const { problems, counts } = read(`${'x'.repeat(100_000)} 192.0.2.1`, {}, 1000);

    expect(counts).toMatchObject({ tokens: 2, invalid: 1 });
    expect(problems[0]).toMatchObject({ code: 'TOKEN_TOO_LONG', column: 1 });
    expect(problems[0]?.token.length).toBeLessThan(100);
  });

  it('are shown with nothing that a terminal would act on', () => {
    const [problem] = read('a\u001b[31mb\u202e\u0007 192.0.2.1').problems;

    expect(problem?.token).toBe('a\\u001b[31mb\\u202e\\u0007');
  });
});

describe('CSV, by its header', () => {
  it('takes quotes, doubled quotes, line ends in quotes, and the columns that are there', () => {
    const { changes } = read(
      'address,enabled,comment\r\n192.0.2.1,false,"a ""b"", c"\r\n"192.0.2.2",true,\n\n192.0.2.3,,x\n',
    );

    expect(changes.map(({ value, enabled, comment }) => ({ value, enabled, comment }))).toEqual([
      { value: '192.0.2.1', enabled: false, comment: 'a "b", c' },
      { value: '192.0.2.2', enabled: true, comment: '' },
      { value: '192.0.2.3', enabled: undefined, comment: 'x' },
    ]);
  });

  it('takes semicolons and tabs, any case, and a sep= line', () => {
    expect(values('Address;Comment\n192.0.2.1;x y\n')).toEqual(['192.0.2.1']);
    expect(values('"ADDRESS"\t"enabled"\n192.0.2.1\tfalse\n')).toEqual(['192.0.2.1']);
    expect(values('sep=;\r\naddress;enabled\r\n192.0.2.1;1\r\n')).toEqual(['192.0.2.1']);
  });

  it('refuses a row whose enabled or comment is none, where that column begins', () => {
    const { problems } = read(
      'address,enabled,comment\n192.0.2.1,maybe,\n192.0.2.2,true,"a\nb"\n192.0.2.3,true,ok\n',
    );

    expect(problems.map(({ line, column, token, code }) => [line, column, token, code])).toEqual([
      [2, 11, 'maybe', 'VALUE_INVALID'],
      [3, 16, expect.stringContaining('a'), 'COMMENT_INVALID'],
    ]);
  });

  it('is not what any other first line means', () => {
    expect(values('192.0.2.1,192.0.2.2')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(read('address,name\n192.0.2.1').problems.map((problem) => problem.token)).toEqual([
      'address',
      'name',
    ]);
  });
});

describe('a file that is no list', () => {
  const files: [string, Uint8Array, string][] = [
    ['UTF-16 with its mark', Buffer.from('\ufeff192.0.2.1', 'utf16le'), 'FILE_NOT_UTF8'],
    ['UTF-16 without', Buffer.from('192.0.2.1', 'utf16le'), 'FILE_NOT_UTF8'],
    ['Latin-1', Buffer.from([0x61, 0xe9, 0x0a]), 'FILE_NOT_UTF8'],
    ['cut in a character', Buffer.from('192.0.2.1 é').subarray(0, -1), 'FILE_NOT_UTF8'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), 'FILE_COMPRESSED'],
    ['zip', Buffer.from('PK\u0003\u0004......'), 'FILE_COMPRESSED'],
    ['binary', Buffer.from('192.0.2.1\n\0\n'), 'FILE_BINARY'],
    ['empty', Buffer.from(''), 'FILE_EMPTY'],
    ['nothing but a mark', Buffer.from('\ufeff'), 'FILE_EMPTY'],
    ['nothing but one column of a header', Buffer.from('address\n'), 'FILE_EMPTY'],
    ['nothing but two columns of a header', Buffer.from('address,enabled\n'), 'FILE_EMPTY'],
    ['delimiters behind a whole header', Buffer.from('address,enabled,comment\n,,\n'), 'FILE_EMPTY'],
    [
      'comments behind a whole header',
      Buffer.from('address,enabled,comment\n#192.0.2.1,true,\n'),
      'FILE_EMPTY',
    ],
    ['nothing but delimiters and comments', Buffer.from(' ,;\t\r\n# x\n""'), 'FILE_EMPTY'],
  ];

  it.each(files)('%s', (_name, bytes, code) => {
    for (const piece of [1, 3, 1000])
      expect(() => read(bytes, {}, piece)).toThrow(expect.objectContaining({ code }));
  });

  it('with more entries than a list may have', () => {
    expect(() => read('192.0.2.1 192.0.2.2 192.0.2.1 192.0.2.3', { maxEntries: 2 })).toThrow(AppError);
    expect(values('192.0.2.1 192.0.2.2 192.0.2.1', { maxEntries: 2 })).toHaveLength(2);
  });
});

describe('what is counted and reported', () => {
  it('duplicates are tokens beyond the first of their value, and the last wins', () => {
    const { counts, changes } = read('address,enabled\n192.0.2.1,true\n192.0.2.1/32,false\n192.0.2.1,\n');

    expect(counts).toEqual({ tokens: 3, duplicates: 2, normalized: 1, invalid: 0 });
    expect(changes).toEqual([expect.objectContaining({ value: '192.0.2.1' })]);
    expect(changes[0]?.enabled).toBeUndefined();
  });

  it('accepted tokens on the line of a bad one are told, before and after it, and on no other line', () => {
    const { problems } = read('192.0.2.1 bad 192.0.2.2\n192.0.2.3\nbad', { reportShared: true });

    expect(problems.map(({ token, code }) => `${token} ${code}`)).toEqual([
      'bad DOMAIN_SINGLE_LABEL',
      '192.0.2.1 SHARES_LINE_WITH_INVALID',
      '192.0.2.2 SHARES_LINE_WITH_INVALID',
      'bad DOMAIN_SINGLE_LABEL',
    ]);
  });

  it('a hundred problems are kept, and all are handed on', () => {
    const all: unknown[] = [];
    const result = read('bad '.repeat(250), { onProblem: (problem) => all.push(problem) });

    expect(result.problems).toHaveLength(100);
    expect(result.problemsTotal).toBe(250);
    expect(all).toHaveLength(250);
  });

  it('networks that may make an open relay are bad where that is asked for', () => {
    expect(read('0.0.0.0/0 192.0.2.1', { refuseOpenRelay: true }).problems[0]?.code).toBe('OPEN_RELAY');
    expect(values('0.0.0.0/0')).toEqual(['0.0.0.0/0']);
  });
});

describe('any file', () => {
  const piece = fc.constantFrom(
    '192.0.2.1',
    '10.0.0.0/8',
    '2001:db8::1',
    'Example.com',
    'bad',
    'é😀',
    '"x.example"',
    ' ',
    ',',
    ';',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '#',
    '# c',
    '"',
    'address,enabled,comment\n',
    'sep=,\n',
  );

  it('says the same whatever the pieces it comes in', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
        const body = parts.join('');
        const attempt = (length: number) => {
          try {
            return read(body, { reportShared: true }, length);
          } catch (error) {
            return (error as AppError).code;
          }
        };
        expect(attempt(size)).toEqual(attempt(1 << 20));
      }),
      { numRuns: 1000 },
    );
  });
});

const folder = join('..', 'shared', 'data');
const files = existsSync(folder)
  ? readdirSync(folder).filter((name) => existsSync(join(folder, `${name}.expected`)))
  : [];
if (files.length === 0) console.log('skipped: the folder of real lists is not beside this checkout');

const lines = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];

describe('real lists', () => {
  it('the sample that the repository holds gives what an independent implementation gives', () => {
    const { changes } = read(readFileSync('samples/partner-networks.txt'));

    expect(changes.map((change) => change.value)).toEqual(lines('test/data/partner-networks.expected'));
  });

  it.each(files)('%s', (name) => {
    const file = join(folder, name);
    const byRule = lines(`${file}.policy`)
      .map((line) => line.split('\t'))
      .filter(([reason]) => reason === 'underscore' || reason === 'xn-label-not-idna2008')
      .map(([, , value]) => value);

    const got = read(readFileSync(file)).changes.map((change) => change.value);

    expect(new Set(got)).toEqual(new Set([...lines(`${file}.expected`), ...byRule]));
    if (byRule.length === 0) expect(got).toEqual(lines(`${file}.expected`));
  });
});
