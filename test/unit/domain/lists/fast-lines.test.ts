import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../../../shared/domain/lists/columns.ts';
import { longestToken, parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { readImportFile } from '../../../../shared/domain/lists/import-file.ts';
import type { EntryChange } from '../../../../shared/domain/lists/merge.ts';
import { type ListEntry, sortEntries } from '../../../../shared/domain/lists/order.ts';
import type { Token } from '../../../../shared/domain/lists/plain-tokens.ts';
import { fileTokens } from '../../../../shared/domain/lists/tokens.ts';
import { AppError } from '../../../../shared/errors.ts';

/** What a file of plain text says, by the tokens of its whole text and the table of forms alone. */
const slowly = (body: string) => {
  const found = new Map<string, EntryChange>();
  const counts = { tokens: 0, duplicates: 0, normalized: 0, invalid: 0 };
  const problems: string[] = [];
  const lines: Token[][] = [[]];
  const tokens = fileTokens({
    token: (token) => lines.at(-1)?.push(token),
    lineEnd: () => lines.push([]),
  });
  tokens.push(body);
  tokens.end();
  for (const line of lines) {
    let accepted: Token[] = [];
    let bad = false;
    const shared = (token: Token) => problems.push(`${token.line}:${token.column} SHARES_LINE_WITH_INVALID`);
    for (const token of line) {
      counts.tokens += 1;
      const entry = parseEntry(token.text);
      if (!entry.ok) {
        counts.invalid += 1;
        problems.push(`${token.line}:${token.column} ${entry.code}`);
        accepted.forEach(shared);
        accepted = [];
        bad = true;
        continue;
      }
      if (found.has(entry.value)) counts.duplicates += 1;
      if (entry.value !== token.text) counts.normalized += 1;
      const { ok: _, ...change } = entry;
      found.set(entry.value, change);
      if (bad) shared(token);
      else accepted.push(token);
    }
  }
  return { changes: sortEntries([...found.values()] as ListEntry[]), counts, problems };
};

const quickly = (body: Buffer, piece: number) => {
  const problems: string[] = [];
  const reader = readImportFile({
    refuseOpenRelay: false,
    reportShared: true,
    maxEntries: 1_000_000,
    onProblem: ({ line, column, code }) => problems.push(`${line}:${column} ${code}`),
  });
  for (let from = 0; from < body.length; from += piece) reader.push(body.subarray(from, from + piece));
  const { columns, counts } = reader.end();
  return { changes: changesOf(columns), counts, problems };
};

const good = fc.oneof(
  fc.ipV4(),
  fc.tuple(fc.nat(255), fc.integer({ min: 0, max: 33 })).map(([octet, prefix]) => `${octet}.0.0.0/${prefix}`),
  fc.ipV6(),
  fc.constantFrom(
    '2001:db8::1',
    '::',
    '::1',
    '2001:db8::/32',
    '::ffff:192.0.2.1',
    'fe80::/10',
    '2001:DB8::1',
  ),
  fc.domain(),
  fc.constantFrom('.example.com', '*.example.com', 'Example.com', 'xn--mnchen-3ya.de', 'm\u00fcnchen.de'),
);
const bad = fc.constantFrom(
  '1.2.3',
  '010.0.0.1',
  '1.2.3.4/33',
  '1.2.3.4-1.2.3.9',
  'x',
  "'1.2.3.4'",
  '"',
  '1.2.3.4#x',
  'a..b',
  'xn--a.de',
  '1.2.3.4:25',
  '\u00e9\ud83d\ude00',
  'y'.repeat(longestToken + 200),
);
const between = fc.constantFrom(
  '\n',
  '\n',
  '\r\n',
  '\r',
  ' ',
  ',',
  ';',
  '\t',
  ', ',
  '\n\n',
  '\r\r\n',
  '\n\r',
);
const remark = fc.constantFrom(
  '# x, y',
  '#',
  '# caf\u00e9',
  '#1.2.3.4',
  '# a\rb',
  '"1.2.3.4"',
  '"a.example"',
);
const piece = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: bad }, { weight: 1, arbitrary: remark }),
    between,
  )
  .map((both) => both.join(''));

describe('lines that are read from their bytes', () => {
  it('say what the tokens of the text say: the same entries, counts and problems at the same places', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 400 }),
        (parts, size) => {
          const body = parts.join('');
          const expected = slowly(body);
          fc.pre(expected.counts.tokens > 0);
          expect(quickly(Buffer.from(body), size)).toEqual(expected);
          expect(quickly(Buffer.from(body), body.length * 4 + 1)).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('do not hide a byte that is none of UTF-8, wherever a piece ends', () => {
    const body = Buffer.concat([
      Buffer.from('192.0.2.1\n192.0.2.2\n'),
      Buffer.from([0xc3]),
      Buffer.from('192.0.2.3\n'),
      Buffer.from([0xa9, 0x0a]),
    ]);
    for (let size = 1; size <= body.length; size++) {
      const read = () => quickly(body, size);
      expect(read).toThrow(AppError);
      expect(read).toThrow(/UTF-8/);
    }
  });

  it('count entries of a file beyond the most that a list has', () => {
    const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 3 });
    reader.push(Buffer.from('192.0.2.1\n192.0.2.2\n192.0.2.2\n192.0.2.3\n192.0.2.4\n'));

    expect(() => reader.end()).toThrow('more than 3 entries');
  });
});
