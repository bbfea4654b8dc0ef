import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessFormat, buildList } from '../../../../shared/domain/lists/chunks.ts';
import { asWritten, inert } from '../../../../shared/domain/lists/csv-inert.ts';
import { isValidComment } from '../../../../shared/domain/lists/entry.ts';
import { type ExportFormat, written } from '../../../../shared/domain/lists/export.ts';
import { readImportFile } from '../../../../shared/domain/lists/import-file.ts';
import { mergeEntries } from '../../../../shared/domain/lists/merge.ts';
import type { ListEntry } from '../../../../shared/domain/lists/order.ts';
import { hash, list } from './pieces.ts';

async function* groups(entries: readonly ListEntry[], size: number) {
  for (let from = 0; from < entries.length; from += size)
    yield entries.slice(from, from + size).map(({ key: _, ...entry }) => entry);
}

const textOf = async (entries: readonly ListEntry[], format: ExportFormat, size = 3): Promise<string> => {
  let text = '';
  for await (const piece of written(groups(entries, size), format)) text += piece;
  return text;
};

const imported = (text: string, over: readonly ListEntry[], mode: 'merge' | 'replace') => {
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: true, maxEntries: 1000 });
  reader.push(Buffer.from(text));
  const { changes, problems } = reader.end();
  expect(problems).toEqual([]);
  return buildList(mergeEntries(over, changes, mode).entries, accessFormat, hash).root;
};

const comment = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.stringMatching(/^['=+@"\-;,\t#＝ ]{1,6}[a-z]{0,4}$/),
    fc.stringMatching(/^[' \u00a0\ufeff]{1,4}[=+-]1$/),
    fc.constantFrom('sep=;', 'address,enabled,comment', '', '=HYPERLINK("http://x","y")', '\ufeff=1'),
  )
  .filter((text) => isValidComment(text));

const commented = fc.tuple(list, fc.infiniteStream(comment)).map(([entries, comments]) =>
  entries.map((entry) => {
    const text = comments.next().value as string;
    return text === '' ? entry : { ...entry, comment: text };
  }),
);

describe('an exported list', () => {
  it('as csv is imported to the same root, into nothing and over any other list', async () => {
    await fc.assert(
      fc.asyncProperty(commented, list, fc.integer({ min: 1, max: 9 }), async (entries, other, size) => {
        const text = await textOf(entries, 'csv', size);
        const { root } = buildList(entries, accessFormat, hash);
        expect(imported(text, [], 'merge')).toBe(root);
        expect(imported(text, other, 'replace')).toBe(root);
      }),
      { numRuns: 300 },
    );
  });

  it('as csv is imported to the same root where it is empty, and has been through a spreadsheet', async () => {
    const text = await textOf([], 'csv');
    const { root } = buildList([], accessFormat, hash);
    for (const file of [
      text,
      text.replaceAll(',', ';'),
      `sep=,\r\n${text}`,
      text.trim(),
      `\ufeff${text}\r\n`,
    ])
      await fc.assert(
        fc.asyncProperty(list, async (other) => {
          expect(imported(file, other, 'replace')).toBe(root);
          expect(imported(file, other, 'merge')).toBe(buildList(other, accessFormat, hash).root);
        }),
        { numRuns: 20 },
      );
  });

  it('as csv has no field that a spreadsheet computes', async () => {
    await fc.assert(
      fc.asyncProperty(commented, async (entries) => {
        for (const row of (await textOf(entries, 'csv')).split('\r\n').slice(1, -1))
          for (const field of [row, /^[^,]*,[^,]*,"?(.*)$/u.exec(row)?.[1] ?? ''])
            expect(field).not.toMatch(/^\s*[=+\-@＝＋－＠]/u);
      }),
      { numRuns: 300 },
    );
  });

  it('as txt is imported to its enabled values: the same root where no entry is disabled or commented', async () => {
    await fc.assert(
      fc.asyncProperty(commented, async (entries) => {
        const enabled = entries.filter((entry) => entry.enabled).map(({ comment: _, ...entry }) => entry);
        const text = await textOf(entries, 'txt');
        if (enabled.length === 0)
          expect(() => imported(text, entries, 'replace')).toThrow(
            expect.objectContaining({ code: 'FILE_EMPTY' }),
          );
        else expect(imported(text, [], 'merge')).toBe(buildList(enabled, accessFormat, hash).root);
      }),
      { numRuns: 300 },
    );
  });

  it('as json is the entries, whatever pieces they come in', async () => {
    await fc.assert(
      fc.asyncProperty(commented, fc.integer({ min: 1, max: 9 }), async (entries, size) => {
        expect(JSON.parse(await textOf(entries, 'json', size))).toEqual(
          entries.map(({ key: _, ...entry }) => entry),
        );
      }),
    );
  });
});

describe('an apostrophe before a formula', () => {
  it('is taken away again, and nothing else is', () => {
    fc.assert(
      fc.property(fc.oneof(comment, fc.string()), (text) => {
        expect(asWritten(inert(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['=1', "'=1"],
    ["'=1", "''=1"],
    ['＠x', "'＠x"],
    [' \u00a0=1', "' \u00a0=1"],
    ["'quiet", "'quiet"],
    ['1=1', '1=1'],
  ])('%s is written as %s', (text, wanted) => {
    expect(inert(text)).toBe(wanted);
  });
});
