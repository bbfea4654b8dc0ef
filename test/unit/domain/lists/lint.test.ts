import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tallyOf } from '../../../../shared/domain/derived.ts';
import { bogons } from '../../../../shared/domain/lists/bogons.ts';
import { coveringDomain, type Finding, linter, spanOf } from '../../../../shared/domain/lists/lint.ts';
import { compareEntries, type ListEntry, sortEntries } from '../../../../shared/domain/lists/order.ts';
import type { AccessListName } from '../../../../shared/schemas/lists.ts';
import { list as anyList, entryOf } from './pieces.ts';

const findingsOf = (entries: readonly ListEntry[], list: AccessListName = 'inbound'): Finding[] => {
  const found: Finding[] = [];
  const domains = new Set(
    entries.filter((one) => one.kind === 'domain' && one.enabled).map(({ value }) => value),
  );
  const lint = linter(list, domains, (finding) => found.push(finding));
  for (const entry of entries) lint.entry(entry);
  lint.end();
  return found;
};

const linted = (values: string[], list?: AccessListName) =>
  findingsOf(sortEntries(values.map((text) => entryOf(text))), list).map(({ code, value, by, suggestion }) =>
    [code, value, by ?? suggestion ?? ''].join(' '),
  );

/** True when everything that `inner` lets in is let in by `outer`, by the meaning of the two alone. */
const covers = (outer: string, inner: string): boolean => {
  const [one, other] = [spanOf(outer), spanOf(inner)];
  if (one && other) return one.bits === other.bits && one.base <= other.base && other.end <= one.end;
  if (one || other) return false;
  const below = outer.replace(/^\.?/, '.');
  const isItself = inner === outer || (!outer.startsWith('.') && inner === below);
  return isItself || (inner.endsWith(below) && (inner !== below || !outer.startsWith('.')));
};

describe('lint', () => {
  it.each<[string, string[], string[]]>([
    [
      'a network covers what is in it',
      ['9.1.0.0/16', '9.1.2.0/24', '9.1.2.3'],
      ['COVERED 9.1.2.0/24 9.1.0.0/16', 'COVERED 9.1.2.3 9.1.0.0/16'],
    ],
    ['halves are one network', ['9.0.0.0/25', '9.0.0.128/25'], ['MERGEABLE 9.0.0.0/25 9.0.0.0/24']],
    ['neighbours that are no halves are not', ['9.0.0.128/25', '9.0.1.0/25'], []],
    [
      'four quarters, and addresses',
      ['9.0.0.0', '9.0.0.1', '9.0.0.2', '9.0.0.3'],
      ['MERGEABLE 9.0.0.0 9.0.0.0/30'],
    ],
    [
      'what a covered one would complete is not one',
      ['9.0.0.0/24', '9.0.0.0/25', '9.0.0.128/25'],
      ['COVERED 9.0.0.0/25 9.0.0.0/24', 'COVERED 9.0.0.128/25 9.0.0.0/24'],
    ],
    [
      'everything',
      ['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96'],
      [
        'MATCHES_EVERYTHING 0.0.0.0/0 ',
        'MATCHES_EVERYTHING ::/0 ',
        'MATCHES_EVERYTHING ::ffff:0.0.0.0/96 ',
        'COVERED ::ffff:0.0.0.0/96 ::/0',
      ],
    ],
    [
      'private ranges',
      ['10.0.0.0/7', '10.2.0.0/16', 'fd00::1', '::ffff:192.168.0.1', '9.9.9.9'],
      [
        'NOT_PUBLIC 10.2.0.0/16 10.0.0.0/8',
        'COVERED 10.2.0.0/16 10.0.0.0/7',
        'NOT_PUBLIC ::ffff:192.168.0.1 192.168.0.0/16',
        'NOT_PUBLIC fd00::1 fc00::/7',
      ],
    ],
    [
      'domains',
      ['example.com', '.example.com', 'a.b.example.com', 'notexample.com', '.c.org', 'c.org'],
      ['COVERED .c.org c.org', 'COVERED .example.com example.com', 'COVERED a.b.example.com example.com'],
    ],
    ['subdomains only does not cover the name itself', ['.c.org', 'a.c.org'], ['COVERED a.c.org .c.org']],
  ])('%s', (_, values, wanted) => {
    expect(linted(values)).toEqual(wanted);
  });

  it('minds private ranges on inbound only, and disabled entries nowhere', () => {
    expect(linted(['10.0.0.0/16'], 'outbound')).toEqual([]);
    expect(linted(['10.0.0.0/16'], 'authentication')).toEqual([]);
    const entries = [
      entryOf('9.0.0.0/8', { enabled: false }),
      entryOf('9.0.0.0/9'),
      entryOf('9.128.0.0/9', { enabled: false }),
    ];
    expect(findingsOf(entries)).toEqual([]);
  });

  it('finds exactly the entries that another one covers', () => {
    fc.assert(
      fc.property(anyList, (entries) => {
        const enabled = entries.filter((entry) => entry.enabled).map(({ value }) => value);
        const covered = enabled.filter((value) =>
          enabled.some((other) => other !== value && covers(other, value)),
        );
        const found = findingsOf(entries).filter(({ code }) => code === 'COVERED');

        expect(found.map(({ value }) => value).sort()).toEqual([...covered].sort());
        for (const { value, by } of found)
          expect(covers(by ?? '', value) && enabled.includes(by ?? '')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('suggests networks that hold exactly the addresses of those they replace, and leaves nothing to join', () => {
    fc.assert(
      fc.property(anyList, (entries) => {
        const found = findingsOf(entries);
        const covered = new Set(found.filter(({ code }) => code === 'COVERED').map(({ value }) => value));
        const apart = entries.filter(
          ({ enabled, value, kind }) => enabled && kind !== 'domain' && !covered.has(value),
        );
        const merged = found.flatMap(({ code, suggestion }) =>
          code === 'MERGEABLE' ? [suggestion ?? ''] : [],
        );
        for (const network of merged) {
          const whole = spanOf(network);
          const inside = apart
            .map(({ value }) => spanOf(value))
            .filter((span) => span && covers(network, span.value));
          const total = inside.reduce((sum, span) => sum + ((span?.end ?? 0n) - (span?.base ?? 0n) + 1n), 0n);
          expect(total).toBe((whole?.end ?? 0n) - (whole?.base ?? 0n) + 1n);
        }
        const left = apart.filter(({ value }) => !merged.some((network) => covers(network, value)));
        const after = sortEntries([...merged.map((text) => entryOf(text)), ...left]);
        expect(findingsOf(after).filter(({ code }) => code === 'MERGEABLE')).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the first hundred of each code and counts all', () => {
    const { result, add } = tallyOf();
    for (let index = 0; index < 150; index++) add({ code: 'COVERED', value: String(index), message: '' });
    add({ code: 'NOT_PUBLIC', value: 'x', message: '' });

    expect(result.counts).toEqual({ COVERED: 150, MERGEABLE: 0, NOT_PUBLIC: 1, MATCHES_EVERYTHING: 0 });
    expect(result.findings).toHaveLength(101);
  });

  it('looks a domain up a few times, however many there are', () => {
    let asked = 0;
    const domains = { has: () => ++asked < 0 } as unknown as ReadonlySet<string>;
    expect(coveringDomain('a.b.c.d.example.com', domains)).toBeNull();
    expect(asked).toBeLessThanOrEqual(12);
  });
});

it('the ranges without public clients are entries in their one form, in order and apart', () => {
  const entries = bogons.map(([network]) => entryOf(network));
  expect(entries.map(({ value }) => value)).toEqual(bogons.map(([network]) => network));
  expect([...entries].sort(compareEntries)).toEqual(entries);
  for (const [index, { value }] of entries.entries())
    for (const other of entries.slice(index + 1)) expect(covers(value, other.value)).toBe(false);
});
