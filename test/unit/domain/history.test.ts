import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '../../../shared/domain/configuration.ts';
import { fieldChanges, summaryOf } from '../../../shared/domain/history.ts';
import { compareLists, countDifferences } from '../../../shared/domain/lists/difference.ts';
import { keyed, sortEntries } from '../../../shared/domain/lists/order.ts';
import { defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import type { AccessEntry } from '../../../shared/schemas/lists.ts';
import { noTls } from '../../../shared/schemas/smtp.ts';

describe('the fields in which two documents differ', () => {
  it.each([
    ['equal ones', { a: 1, b: [1] }, { b: [1], a: 1 }, []],
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, [{ pointer: '/a/b', before: 1, after: 2 }]],
    ['a member that comes', {}, { a: { b: 1 } }, [{ pointer: '/a/b', before: null, after: 1 }]],
    ['a member that goes', { a: { b: 1 } }, {}, [{ pointer: '/a/b', before: 1, after: null }]],
    ['an array', { a: [1] }, { a: [1, 2] }, [{ pointer: '/a', before: [1], after: [1, 2] }]],
    [
      'an object in the place of a value',
      { a: 1 },
      { a: { b: 1 } },
      [{ pointer: '/a', before: 1, after: { b: 1 } }],
    ],
    ['null and absent', { a: null }, {}, []],
    ['odd names', { 'a/b~': 1 }, { 'a/b~': 2 }, [{ pointer: '/a~1b~0', before: 1, after: 2 }]],
  ])('of %s', (_, before, after, changes) => {
    expect(fieldChanges(before, after)).toEqual(changes);
  });
});

describe('the summary of a revision', () => {
  const list = (root: string, entries = 0) => ({ root, entries, enabled: entries });
  const configuration = (port: number, inbound = list('a')): Configuration => ({
    smtp: {
      mailFiltering: 'inbound',
      inbound: { ipv4: { address: '192.0.2.1', port }, ipv6: null, tls: noTls, accept: 'all' },
    },
    advanced: defaultAdvanced(),
    artifacts: {},
    lists: {
      inbound,
      outbound: list('b'),
      authentication: list('c'),
      'local-delivery': list('e'),
      relay: list('e'),
    },
  });

  it('names the fields and counts the lists', () => {
    expect(summaryOf(null, configuration(25))).toBe('registered');
    expect(summaryOf(configuration(25), configuration(26))).toBe('smtp/inbound/ipv4/port');
    expect(summaryOf(configuration(25), configuration(25, list('d', 3)))).toBe(
      'inbound list: 0 to 3 entries, 0 to 3 enabled',
    );
  });

  it('stays short where much has changed', () => {
    const before = { ...configuration(25), smtp: null };
    expect(summaryOf(before, configuration(25))).toBe(
      'smtp/inbound/accept, smtp/inbound/ipv4/address, smtp/inbound/ipv4/port and 4 more',
    );
  });
});

describe('the entries in which two lists differ', () => {
  const entry = fc.record({
    value: fc.integer({ min: 0, max: 40 }).map((last) => `192.0.2.${last}`),
    enabled: fc.boolean(),
    comment: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  });
  const list = fc
    .uniqueArray(entry, { selector: ({ value }) => value })
    .map((entries) =>
      sortEntries(
        entries.map(({ value, enabled, comment }) =>
          keyed({ value, kind: 'ipv4', enabled, ...(comment ? { comment } : {}) }),
        ),
      ),
    );
  const plain = ({ key: _, ...rest }: AccessEntry & { key: unknown }): AccessEntry => rest;

  it('make the one list of the other', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const made = new Map(before.map((one) => [one.value, plain(one)]));
        const differences = compareLists(before, after);
        for (const { value, change, after: entry } of differences) {
          if (change === 'removed') made.delete(value);
          else made.set(value, entry as AccessEntry);
        }
        expect(made).toEqual(new Map(after.map((one) => [one.value, plain(one)])));
        const counts = countDifferences(differences);
        expect(after.length - before.length).toBe(counts.added - counts.removed);
      }),
    );
  });

  it('are none of a list and itself, and turn round when the lists change places', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        expect(compareLists(before, before)).toEqual([]);
        const forth = countDifferences(compareLists(before, after));
        const back = countDifferences(compareLists(after, before));
        expect(back).toEqual({ added: forth.removed, removed: forth.added, changed: forth.changed });
      }),
    );
  });
});
