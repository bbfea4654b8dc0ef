import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv6, maskIpv6 } from '../../../../shared/domain/lists/addresses.ts';
import { buildColumns } from '../../../../shared/domain/lists/build-columns.ts';
import { readCanonical } from '../../../../shared/domain/lists/canonical-bytes.ts';
import { accessFormat, buildList } from '../../../../shared/domain/lists/chunks.ts';
import {
  ColumnStore,
  type Columns,
  changesOf,
  columnsOf,
  entriesOf,
} from '../../../../shared/domain/lists/columns.ts';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { valueOfKey } from '../../../../shared/domain/lists/key-text.ts';
import { KeyStore } from '../../../../shared/domain/lists/keys.ts';
import { type EntryChange, mergeEntries } from '../../../../shared/domain/lists/merge.ts';
import { mergeColumns } from '../../../../shared/domain/lists/merge-columns.ts';
import { type ListEntry, sortEntries } from '../../../../shared/domain/lists/order.ts';
import { appendChunk } from '../../../../shared/domain/lists/stored-columns.ts';
import { sha256Lanes } from '../../../../shared/domain/sha256-lanes.ts';
import { entryOf, hash, list, value } from './pieces.ts';

const digest = (bytes: Uint8Array) => hash(Buffer.from(bytes).toString());
const hashings = [
  { hash, digest, lanes: sha256Lanes() },
  { hash, digest, lanes: null },
];

const name = fc
  .tuple(
    fc.constantFrom('', '.'),
    fc.array(fc.constantFrom('a', 'same', 'x'.repeat(63), 'a-b', '_dmarc', '9'), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([dot, labels]) => `${dot}${labels.join('.')}.com`);
const anyValue = fc.oneof(value, name);

const comment = fc.option(fc.constantFrom('', 'Lyon', 'é😀', '# a'), { nil: undefined });
const said = fc
  .record({ enabled: fc.option(fc.boolean(), { nil: undefined }), comment })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined)));

const plain = ({ key: _, ...entry }: ListEntry) => entry;
const commented = fc
  .tuple(list, fc.array(comment, { maxLength: 60 }))
  .map(([entries, comments]) =>
    entries.map((entry, index) => ({ ...entry, ...(comments[index] ? { comment: comments[index] } : {}) })),
  );

const changes = fc.array(fc.tuple(anyValue, said), { maxLength: 80 }).map((given) =>
  given.map(([text, more]): EntryChange => {
    const { enabled: _, ...entry } = entryOf(text);
    return { ...entry, ...more };
  }),
);

const settled = (given: readonly EntryChange[]): ColumnStore => {
  const columns = new ColumnStore();
  for (const { value: text, kind, enabled, comment: words } of given)
    columns.append(
      { value: text, kind },
      {
        ...(enabled === undefined ? {} : { enabled }),
        ...(words === undefined ? {} : { comment: words }),
      },
    );
  columns.settle();
  return columns;
};

const lastOfEach = (given: readonly EntryChange[]) =>
  sortEntries([...new Map(given.map((change) => [change.value, change])).values()] as ListEntry[]);

const stored = (columns: Columns, hashing: (typeof hashings)[number]) => {
  const { chunks, ...built } = buildColumns(columns, hashing);
  return {
    ...built,
    chunks: chunks.map(({ text, ...chunk }) => ({ ...chunk, text: Buffer.from(text).toString() })),
  };
};

describe('entries in columns', () => {
  it('are sorted as lists are, and of the same value the last stays', () => {
    fc.assert(
      fc.property(changes, (given) => {
        expect(changesOf(settled(given))).toEqual(lastOfEach(given));
        const columns = settled([...given, ...given]);
        expect(changesOf(columns)).toEqual(lastOfEach(given));
      }),
    );
  });

  it('are sorted by every byte, however many begin alike', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'ab', 'www'), { minLength: 1, maxLength: 30 });
    const names = fc.array(
      text.map((parts) => `${parts.join('').slice(0, 60)}.example.com`),
      {
        minLength: 100,
        maxLength: 400,
      },
    );
    fc.assert(
      fc.property(names, (given) => {
        const all = given.map((one): EntryChange => ({ value: one, kind: 'domain', key: one }));
        expect(changesOf(settled(all)).map((one) => one.value)).toEqual([...new Set(given)].sort());
      }),
      { numRuns: 30 },
    );
    const addresses = Array.from({ length: 70_000 }, (_, at) => (at * 2_654_435_761) >>> 0).map((number) =>
      entryOf([number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.')),
    );
    expect(changesOf(settled(addresses)).map((one) => one.value)).toEqual(
      sortEntries([...addresses]).map((one) => one.value),
    );
  });

  it('take in a file as objects do, in every mode', () => {
    fc.assert(
      fc.property(
        commented,
        changes,
        fc.constantFrom('merge', 'replace', 'remove'),
        (entries, given, mode) => {
          const expected = mergeEntries(entries, lastOfEach(given), mode);
          const { columns, counts } = mergeColumns(columnsOf(entries), settled(given), mode);
          expect(counts).toEqual(expected.counts);
          expect(entriesOf(columns)).toEqual(expected.entries.map(plain));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are stored as objects are, to the byte, and read back', () => {
    fc.assert(
      fc.property(commented, (entries) => {
        const expected = buildList(entries, accessFormat, hash);
        for (const hashing of hashings) expect(stored(columnsOf(entries), hashing)).toEqual(expected);
        const back = new ColumnStore();
        for (const { text } of expected.chunks) appendChunk(Buffer.from(text), back);
        expect(entriesOf(back)).toEqual(entries.map(plain));
      }),
    );
  });

  it('are cut where objects are', () => {
    const entries = sortEntries(
      Array.from({ length: 15_000 }, (_, at) =>
        entryOf(
          at % 3 === 0
            ? `10.${at >> 8}.${at & 255}.0/24`
            : at % 3 === 1
              ? `2001:db8::${at.toString(16)}`
              : `${'n'.repeat(at % 58)}${at}.example.com`,
          { enabled: at % 7 > 0 },
        ),
      ),
    );
    const expected = buildList(entries, accessFormat, hash);

    expect(expected.chunks.length).toBeGreaterThan(4);
    for (const hashing of hashings) expect(stored(columnsOf(entries), hashing)).toEqual(expected);
  });
});

describe('an entry in its one form', () => {
  const group = fc.oneof(
    fc.constant(0),
    fc.constant(0),
    fc.constantFrom(1, 0xff, 0xfff, 0xffff),
    fc.nat(0xffff),
  );
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });

  const read = (text: string): string | null => {
    const store = new KeyStore();
    const end = readCanonical(Buffer.from(`${text}\n`), 0, store.bytes, 0);
    if (end !== text.length) return null;
    const entry = parseEntry(text);
    store.take(
      entry.ok && entry.kind.startsWith('ipv4') ? 6 : entry.ok && entry.kind === 'domain' ? end + 1 : 18,
    );
    return valueOfKey(store, 0);
  };

  it('is written from its key as it is from its groups', () => {
    fc.assert(
      fc.property(groups, fc.nat(128), (all, prefix) => {
        const base = maskIpv6(all, prefix);
        const text = `${formatIpv6(base)}${prefix === 128 ? '' : `/${prefix}`}`;
        expect(valueOfKey(columnsOf([entryOf(text)]).keys, 0)).toBe(text);
        if (prefix >= 16 && !text.includes('.')) expect(read(text)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('is all that is read from bytes: what the table of forms changes or refuses is left alone', () => {
    const characters = fc.constantFrom(...'0123456789abcdefgxyzAF.:/-_*%"\u00e9');
    const parts = fc.oneof(
      anyValue,
      fc.constantFrom(
        '1.2.3.4',
        '255.',
        '256',
        '00',
        '0',
        '::',
        ':1',
        '/32',
        '/24',
        '/128',
        '/7',
        'xn--',
        'a.',
        '.',
      ),
      characters,
    );
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 6 }), (given) => {
        const text = given.join('');
        const entry = parseEntry(text);
        const found = read(text);
        if (found !== null) expect([entry.ok, found]).toEqual([true, text]);
        if (found !== null && entry.ok) expect(entry.value).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });
});
