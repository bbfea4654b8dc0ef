import { hash as digest } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessFormat, buildList, type Hash } from '../../../../shared/domain/lists/chunks.ts';
import { editRegions, regionsOf } from '../../../../shared/domain/lists/local-edit.ts';
import { type EntryChange, mergeEntries } from '../../../../shared/domain/lists/merge.ts';
import { keyed, type ListEntry } from '../../../../shared/domain/lists/order.ts';

const address = (index: number) =>
  `${10 + (index >> 24)}.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;

const pool: ListEntry[] = Array.from({ length: 120_000 }, (_, index) =>
  keyed({ value: address(index), kind: 'ipv4', enabled: true }),
);
const indexOf = new Map(pool.map(({ value }, index) => [value, index]));
const at = (index: number): ListEntry => pool[index] as ListEntry;

const known = new Map<string, string>();
const real: Hash = (text) => {
  if (text.includes('\n') || text.startsWith('{')) return digest('sha256', text);
  const before = known.get(text) ?? digest('sha256', text);
  known.set(text, before);
  return before;
};

/** A hash under which the key of each address is what `keyOf` says of its index: boundaries where a test wants them. */
const crafted =
  (keyOf: (index: number) => number): Hash =>
  (text) => {
    const index = indexOf.get(text);
    return index === undefined
      ? digest('sha256', text)
      : keyOf(index).toString(16).padStart(16, '0').padEnd(64, '0');
  };

/** No entry is a boundary: pieces of 16,000, whose places all move when something is put before them. */
const rising = crafted((index) => index + 1);
const falling = crafted((index) => pool.length - index);
/** Long stretches between boundaries at every 20,000th address. */
const seldom = crafted((index) => (index % 20_000 === 7 ? 0 : index + 1));
/** Boundaries as close together as they can be. */
const often = crafted((index) => (index % 1002 === 0 ? 0 : (index % 1002) + 1));

const hashes = { real, rising, falling, seldom, often };
type Name = keyof typeof hashes;

const edited = (list: readonly ListEntry[], changes: readonly EntryChange[], hash: Hash) => {
  const { manifest } = buildList(list, accessFormat, hash);
  const starts = manifest.chunks.map((_, index) =>
    manifest.chunks.slice(0, index).reduce((sum, { entries }) => sum + entries, 0),
  );
  const regions = regionsOf(manifest, changes).map((region) => ({
    ...region,
    entries: list.slice(starts[region.from] ?? 0, starts[region.to] ?? list.length),
  }));
  return { manifest, regions, ...editRegions(manifest, regions, hash) };
};

const assertAsFromScratch = (list: readonly ListEntry[], changes: readonly EntryChange[], hash: Hash) => {
  const whole = mergeEntries(list, changes, 'merge');
  const scratch = buildList(whole.entries, accessFormat, hash);

  const { built, counts, touched } = edited(list, changes, hash);

  expect(built.root).toBe(scratch.root);
  expect(built.manifest).toEqual(scratch.manifest);
  expect(counts).toEqual(whole.counts);
  expect(touched.map(({ value }) => value)).toEqual(changes.map(({ value }) => value));
};

const put = (index: number, more: Partial<EntryChange> = {}): EntryChange => {
  const { value, kind, key } = at(index);
  return { value, kind, key, ...more };
};
const gone = (index: number) => put(index, { gone: true });
const sorted = (changes: EntryChange[]): EntryChange[] =>
  changes.sort((one, other) => Number(one.key) - Number(other.key));

/** Every other address of a stretch, so that there is room between any two. */
const every = (step: number, count: number, from = 0): ListEntry[] =>
  Array.from({ length: count }, (_, number) => at(from + number * step));

const positions = (list: readonly ListEntry[], hash: Hash): number[] => {
  let end = 0;
  const ends = buildList(list, accessFormat, hash).manifest.chunks.map(({ entries }) => {
    end += entries;
    return end;
  });
  const around = [0, 1, 999, 1000, 1001, 1002];
  const near = [0, ...ends].flatMap((one) => around.flatMap((by) => [one - by, one + by]));
  return [...new Set(near)].filter((position) => position >= 0 && position < list.length);
};

describe('an edit of a part of a list makes the list that a build from scratch makes', () => {
  const names = Object.keys(hashes) as Name[];

  it.each(names)('one entry in, out or between, beside every boundary (%s keys)', (name) => {
    const list = every(2, 20_500, 2);
    const chosen = fc.sample(fc.shuffledSubarray(positions(list, hashes[name]), { maxLength: 14 }), {
      numRuns: 1,
      seed: 7,
    })[0] as number[];
    for (const position of chosen) {
      const index = indexOf.get((list[position] as ListEntry).value) as number;
      assertAsFromScratch(list, [gone(index)], hashes[name]);
      assertAsFromScratch(list, [put(index + 1)], hashes[name]);
      assertAsFromScratch(list, [put(index, { enabled: false, comment: 'off' })], hashes[name]);
    }
  });

  it('in an empty list, into the last entry and out of it', () => {
    assertAsFromScratch([], [put(5)], real);
    assertAsFromScratch([], [put(5), put(9_000)], real);
    assertAsFromScratch([], [gone(5)], real);
    assertAsFromScratch([at(5)], [gone(5)], real);
    assertAsFromScratch(
      every(2, 20_000),
      every(2, 20_000).map((entry) => ({ ...put(0), ...entry, gone: true })),
      real,
    );
  });

  it('a thousand scattered edits at once', () => {
    const list = every(2, 50_000, 2);
    const random = fc.sample(fc.uniqueArray(fc.nat(110_000), { minLength: 1000, maxLength: 1000 }), {
      numRuns: 3,
      seed: 3,
    });
    for (const indexes of random)
      assertAsFromScratch(
        list,
        sorted(
          indexes.map((index) => (index % 3 === 0 ? gone(index) : put(index, { enabled: index % 2 === 0 }))),
        ),
        real,
      );
  });

  it('whole stretches taken out, and with them the boundaries in them', () => {
    const list = every(1, 40_000);
    for (const [from, to] of [
      [0, 1_500],
      [3_000, 9_000],
      [38_900, 40_000],
      [100, 39_900],
      [15_999, 16_001],
    ] as const)
      for (const hash of [real, seldom, often, rising])
        assertAsFromScratch(
          list,
          Array.from({ length: to - from }, (_, number) => gone(from + number)),
          hash,
        );
  });

  it('whatever the list, the keys and the edits are', () => {
    const edit = fc.tuple(fc.nat(60_000), fc.constantFrom('put', 'gone', 'off'));
    const lists = fc.record({
      step: fc.integer({ min: 1, max: 3 }),
      count: fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 4000, max: 20_000 })),
      from: fc.nat(3000),
    });
    fc.assert(
      fc.property(
        lists,
        fc.constantFrom(...names),
        fc.uniqueArray(edit, { minLength: 1, maxLength: 12, selector: ([index]) => index }),
        ({ step, count, from }, name, edits) => {
          const changes = edits.map(([index, what]) =>
            what === 'put' ? put(index) : what === 'gone' ? gone(index) : put(index, { enabled: false }),
          );
          assertAsFromScratch(every(step, count, from), sorted(changes), hashes[name]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('an edit of one entry', () => {
  const list = every(2, 55_000);

  it('reads its chunk and those beside it, and writes at most the two or three that come of it', () => {
    for (const index of [1, 7_003, 30_001, 70_777, 109_997]) {
      const { regions, built, manifest } = edited(list, [put(index)], real);
      const kept = new Set(manifest.chunks.map(({ sha256 }) => sha256));

      expect(regions).toHaveLength(1);
      expect((regions[0]?.to ?? 0) - (regions[0]?.from ?? 0)).toBeLessThanOrEqual(5);
      expect(built.chunks.filter(({ sha256 }) => !kept.has(sha256)).length).toBeLessThanOrEqual(2);
    }
  });

  it('tells what was there before and what is there after', () => {
    const { touched } = edited(list, [put(2, { comment: 'x' }), put(3), gone(4)], real);

    expect(touched).toEqual([
      {
        value: address(2),
        before: { value: address(2), kind: 'ipv4', enabled: true },
        after: { value: address(2), kind: 'ipv4', enabled: true, comment: 'x' },
      },
      { value: address(3), after: { value: address(3), kind: 'ipv4', enabled: true } },
      { value: address(4), before: { value: address(4), kind: 'ipv4', enabled: true } },
    ]);
  });
});
