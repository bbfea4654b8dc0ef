import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { type EntryFilter, filtered, nextSlices } from '../../../../shared/domain/lists/filter.ts';
import { spanOf } from '../../../../shared/domain/lists/lint.ts';
import { entryKinds } from '../../../../shared/schemas/lists.ts';
import { entryOf, inChunks, list, value } from './pieces.ts';

const filterOf = (under: string | undefined, kind?: EntryFilter['kind']): EntryFilter => {
  const parsed = under === undefined ? undefined : parseEntry(under);
  return { kind, under: parsed?.ok ? parsed : undefined };
};

/** Walks as the API does: two chunks a page at most. */
const walked = (
  entries: Parameters<typeof inChunks>[0],
  filter: EntryFilter,
  chunk: number,
  size: number,
) => {
  const { manifest, parts } = inChunks(entries, chunk);
  const bySha = new Map(manifest.chunks.map(({ sha256 }, index) => [sha256, parts[index] ?? []]));
  const items: string[] = [];
  let next: number | null = 0;
  let read = 0;
  while (next !== null) {
    const step = nextSlices(manifest, filter, next);
    expect(step.slices.length).toBeLessThanOrEqual(2);
    read += step.slices.length;
    const found = step.slices.flatMap(({ sha256, from, to }) => (bySha.get(sha256) ?? []).slice(from, to));
    const page = filtered(found, step, filter, size);
    expect(page.items.length).toBeLessThanOrEqual(size);
    if (page.next !== null) expect(page.next).toBeGreaterThan(next);
    items.push(...page.items.map((entry) => entry.value));
    next = page.next;
  }
  return { items, read };
};

/** Under a network or a domain, said in numbers and suffixes. */
const isUnder = (under: string, other: string): boolean => {
  const [one, inner] = [spanOf(under), spanOf(other)];
  if (one && inner) return one.bits === inner.bits && one.base <= inner.base && inner.end <= one.end;
  if (one || inner) return false;
  return other === under || other.endsWith(under.startsWith('.') ? under : `.${under}`);
};

describe('a filtered walk', () => {
  it('gives what a look at every entry gives, whatever the chunks and pages', () => {
    fc.assert(
      fc.property(
        list,
        fc.option(value, { nil: undefined }),
        fc.option(fc.constantFrom(...entryKinds), { nil: undefined }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (entries, under, kind, chunk, size) => {
          const filter = filterOf(under, kind);
          const wanted = entries
            .filter((entry) => kind === undefined || entry.kind === kind)
            .filter((entry) => under === undefined || isUnder(filter.under?.value ?? '', entry.value));

          expect(walked(entries, filter, chunk, size).items).toEqual(wanted.map((entry) => entry.value));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('reads only the chunks that can hold something', () => {
    const entries = Array.from({ length: 250 }, (_, index) => entryOf(`10.0.${index}.1`));
    const domains = ['a.example', 'b.example'].map((name) => entryOf(name));

    expect(walked([...entries, ...domains], filterOf('10.0.7.0/24'), 5, 50)).toEqual({
      items: ['10.0.7.1'],
      read: 1,
    });
    expect(walked([...entries, ...domains], filterOf('b.example'), 5, 50)).toEqual({
      items: ['b.example'],
      read: 1,
    });
    expect(walked([...entries, ...domains], filterOf(undefined, 'ipv6'), 5, 50)).toEqual({
      items: [],
      read: 0,
    });
  });

  it.each([
    ['example.com', ['.example.com', 'a.example.com', 'example.com']],
    ['.example.com', ['.example.com', 'a.example.com']],
    ['a.example.com', ['a.example.com']],
  ])('under %s is %j', (under, wanted) => {
    const entries = ['.example.com', 'a.example.com', 'badexample.com', 'example.com'].map((name) =>
      entryOf(name),
    );
    expect(walked(entries, filterOf(under), 2, 2).items).toEqual(wanted);
  });
});
