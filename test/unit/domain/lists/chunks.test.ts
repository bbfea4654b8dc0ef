import { hash as digest } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accessFormat,
  buildList,
  countKinds,
  decodeChunk,
  enabledLines,
  encodeChunk,
  type Manifest,
  partition,
  slicesOf,
} from '../../../../shared/domain/lists/chunks.ts';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { readImportFile } from '../../../../shared/domain/lists/import-file.ts';
import { type EntryChange, mergeEntries, needsConfirmation } from '../../../../shared/domain/lists/merge.ts';
import { type ListEntry, sortEntries } from '../../../../shared/domain/lists/order.ts';

const hash = (text: string) => digest('sha256', text);

const entryOf = (value: string, attributes: Partial<ListEntry> = {}): ListEntry => {
  const entry = parseEntry(value);
  if (!entry.ok) throw new TypeError(value);
  const { ok: _, ...parsed } = entry;
  return { ...parsed, enabled: true, ...attributes };
};

const valuesOf = (entries: readonly ListEntry[]) => entries.map((entry) => entry.value);

const address = (index: number) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
const numbered = (count: number, step = 1): ListEntry[] =>
  Array.from({ length: count }, (_, index) => entryOf(address(index * step)));

/** The rule of DESIGN 4 as it is written, without any cleverness. */
const naivePartition = (entries: ListEntry[]): number[] => {
  const keys = entries.map((entry) => `${hash(entry.value).slice(0, 16)} ${entry.value}`);
  const ends = keys.flatMap((key, index) => {
    if (index < 1000 || index + 1000 >= keys.length) return [];
    const around = [...keys.slice(index - 1000, index), ...keys.slice(index + 1, index + 1001)];
    return around.every((other) => key < other) ? [index + 1] : [];
  });
  return entries.length === 0 ? [] : [...ends, entries.length];
};

describe('the cut of a list', () => {
  it('is after each entry whose key is less than those of 1,000 entries to each side', () => {
    const entries = numbered(12_000, 3);

    const ends = partition(valuesOf(entries), hash);

    expect(ends).toEqual(naivePartition(entries));
    expect(ends.length).toBeGreaterThan(3);
  });

  it('keeps pieces between 1,000 and 16,000 entries, but for a list that is shorter', () => {
    const entries = numbered(60_000);
    const ends = partition(valuesOf(entries), hash);
    const sizes = ends.map((end, index) => end - (ends[index - 1] ?? 0));

    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(17_000);
    expect(partition(valuesOf(numbered(999)), hash)).toEqual([999]);
    expect(partition(valuesOf([]), hash)).toEqual([]);
  });

  it('cuts a stretch without boundaries every 16,000 entries, and a short remainder joins the piece before', () => {
    const rising = (text: string) =>
      (Number.parseInt(text.slice(3), 10) || 0).toString(16).padStart(16, '0').padEnd(64, '0');
    const entries = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...entryOf(address(index)), value: `10.${index}` }));

    expect(partition(valuesOf(entries(33_500)), rising)).toEqual([16_000, 32_000, 33_500]);
    expect(partition(valuesOf(entries(32_500)), rising)).toEqual([16_000, 32_500]);
  });

  it('is local: an insert makes one or two new chunks', () => {
    const before = numbered(30_000, 2);
    const known = new Set(buildList(before, accessFormat, hash).chunks.map((chunk) => chunk.sha256));
    for (const index of [1, 7_001, 30_001, 59_999]) {
      const after = sortEntries([...before, entryOf(address(index))]);
      const fresh = buildList(after, accessFormat, hash).chunks.filter((chunk) => !known.has(chunk.sha256));
      expect(fresh.length).toBeGreaterThanOrEqual(1);
      expect(fresh.length).toBeLessThanOrEqual(3);
    }
  });
});

describe('a stored list', () => {
  const value = fc.constantFrom(
    ...Array.from({ length: 60 }, (_, index) => address(index)),
    'a.example',
    '.b.example',
    '::1',
  );
  const attributes = fc.record({
    enabled: fc.boolean(),
    comment: fc.option(fc.stringMatching(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,20}$/u), {
      nil: undefined,
    }),
  });

  it('reads back as it was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(value), attributes, (list, given) => {
        const entries = sortEntries(
          list.map((text) =>
            entryOf(text, { enabled: given.enabled, ...(given.comment ? { comment: given.comment } : {}) }),
          ),
        );
        const plain = entries.map(({ key: _, ...entry }) => entry);
        expect(decodeChunk(encodeChunk(entries))).toEqual(plain);
      }),
    );
  });

  it('is a safe import file: its enabled entries come in, its disabled ones do not', () => {
    const entries = [
      entryOf('10.0.0.1', { comment: 'a, b' }),
      entryOf('10.0.0.2', { enabled: false, comment: 'no' }),
    ];
    const text = encodeChunk(entries);
    const reader = readImportFile({ refuseOpenRelay: false, reportShared: true, maxEntries: 10 });
    reader.push(Buffer.from(text));

    expect(reader.end().changes.map((change) => change.value)).toEqual(['10.0.0.1']);
    expect(enabledLines(text)).toBe('10.0.0.1\n');
    expect(text).toBe('10.0.0.1\t# a, b\n#10.0.0.2\t# no\n');
  });

  it('has a root that depends on the set alone', () => {
    const entries = numbered(5000);
    const shuffled = sortEntries([...entries].reverse());

    expect(buildList(shuffled, accessFormat, hash).root).toBe(buildList(entries, accessFormat, hash).root);
    expect(buildList(entries.slice(1), accessFormat, hash).root).not.toBe(
      buildList(entries, accessFormat, hash).root,
    );
  });

  it('has a manifest whose counts are right, and a root when it is empty', () => {
    const entries = sortEntries([
      entryOf('10.0.0.1'),
      entryOf('10.0.0.0/8', { enabled: false }),
      entryOf('a.example'),
    ]);
    const { manifest, root, manifestText } = buildList(entries, accessFormat, hash);

    expect(manifest).toMatchObject({
      format: 1,
      entries: 3,
      enabled: 2,
      chunks: [{ first: '10.0.0.0/8', entries: 3, enabled: 2 }],
    });
    expect(countKinds(manifest)).toEqual({
      ipv4: 1,
      'ipv4-network': 1,
      ipv6: 0,
      'ipv6-network': 0,
      domain: 1,
    });
    expect(root).toBe(hash(manifestText));
    expect(buildList([], accessFormat, hash).manifest).toEqual({
      format: 1,
      entries: 0,
      enabled: 0,
      chunks: [],
    });
  });
});

describe('a page of a list', () => {
  const manifest = (sizes: number[]): Manifest => ({
    format: 1,
    entries: sizes.reduce((sum, size) => sum + size, 0),
    enabled: 0,
    chunks: sizes.map((entries, index) => ({
      sha256: String(index),
      first: '',
      entries,
      enabled: 0,
      kinds: {},
    })),
  });

  it('lies in at most two chunks for up to 1,000 entries', () => {
    const list = manifest([1000, 2500, 1000, 4000]);
    for (let from = 0; from < list.entries; from += 137)
      expect(slicesOf(list, from, Math.min(list.entries, from + 1000)).length).toBeLessThanOrEqual(2);
  });

  it('is exactly the entries asked for', () => {
    const list = manifest([10, 20, 30]);

    expect(slicesOf(list, 5, 12)).toEqual([
      { sha256: '0', from: 5, to: 10 },
      { sha256: '1', from: 0, to: 2 },
    ]);
    expect(slicesOf(list, 0, 0)).toEqual([]);
  });
});

const changeOf = (value: string, attributes: Partial<EntryChange> = {}): EntryChange => {
  const { enabled: _, ...entry } = entryOf(value);
  return { ...entry, ...attributes };
};

describe('taking changes into a list', () => {
  const base = [entryOf('10.0.0.1', { enabled: false, comment: 'kept' }), entryOf('10.0.0.2')];

  it('merge adds and sets only the attributes given', () => {
    const changes = [changeOf('10.0.0.1', { comment: 'new' }), changeOf('10.0.0.2'), changeOf('10.0.0.3')];
    const { entries, counts } = mergeEntries(base, changes, 'merge');

    expect(entries.map(({ value, enabled, comment }) => ({ value, enabled, comment }))).toEqual([
      { value: '10.0.0.1', enabled: false, comment: 'new' },
      { value: '10.0.0.2', enabled: true, comment: undefined },
      { value: '10.0.0.3', enabled: true, comment: undefined },
    ]);
    expect(counts).toEqual({ added: 1, removed: 0, changed: 1, unchanged: 1 });
  });

  it('replace makes the values those of the changes and never enables what was disabled', () => {
    const { entries, counts } = mergeEntries(base, [changeOf('10.0.0.1'), changeOf('10.0.0.9')], 'replace');

    expect(entries).toEqual([base[0], entryOf('10.0.0.9')]);
    expect(counts).toEqual({ added: 1, removed: 1, changed: 0, unchanged: 1 });
  });

  it('remove takes out, and what is not there counts as unchanged', () => {
    const { entries, counts } = mergeEntries(base, [changeOf('10.0.0.2'), changeOf('10.0.0.9')], 'remove');

    expect(entries).toEqual([base[0]]);
    expect(counts).toEqual({ added: 0, removed: 1, changed: 0, unchanged: 1 });
  });

  it('an empty comment takes the comment away', () => {
    const { entries } = mergeEntries(base, [changeOf('10.0.0.1', { comment: '' })], 'merge');

    expect(entries[0]).not.toHaveProperty('comment');
  });

  it('agrees with a plain set, in every mode', () => {
    const set = fc.uniqueArray(fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(set, set, fc.constantFrom('merge', 'replace', 'remove'), (have, given, mode) => {
        const list = sortEntries(have.map((index) => entryOf(address(index))));
        const changes = sortEntries(given.map((index) => changeOf(address(index))));
        const wanted = {
          merge: new Set([...have, ...given]),
          replace: new Set(given),
          remove: new Set(have.filter((index) => !given.includes(index))),
        }[mode as 'merge'];

        const { entries } = mergeEntries(list, changes, mode as 'merge');

        expect(entries.map((entry) => entry.value)).toEqual([...wanted].sort((a, b) => a - b).map(address));
      }),
    );
  });
});

describe('the shrink guard', () => {
  const cases: [string, number, number, number, number | undefined, boolean][] = [
    ['nothing removed', 10, 0, 10, undefined, false],
    ['half removed', 10, 5, 5, undefined, false],
    ['more than half removed', 10, 6, 4, undefined, true],
    ['emptied', 1, 1, 0, undefined, true],
    ['replaced whole by as many', 10, 10, 10, undefined, true],
    ['within the allowed number', 10, 9, 1, 9, false],
    ['beyond the allowed number', 10, 3, 7, 2, true],
    ['emptied within the allowed number', 10, 10, 0, 10, true],
  ];

  it.each(cases)('%s', (_name, before, removed, after, most, waits) => {
    expect(needsConfirmation(before, { removed, after }, most)).toBe(waits);
  });
});
