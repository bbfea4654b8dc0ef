import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wayOf } from '../../../../scanner/postfix/guard/access.ts';
import type { Direction, GuardRules } from '../../../../scanner/postfix/guard-configuration.ts';
import { columnsOf } from '../../../../shared/domain/lists/columns.ts';
import { valueOfKey } from '../../../../shared/domain/lists/key-text.ts';
import type { Keys } from '../../../../shared/domain/lists/keys.ts';
import type { ListEntry } from '../../../../shared/domain/lists/order.ts';
import { sortEntries } from '../../../../shared/domain/lists/order.ts';
import { askList, candidatesOf, type MatchClient } from '../../../../shared/domain/match.ts';
import { candidateKeys } from '../../../../shared/domain/match-keys.ts';
import { askedIn, entryOf, inChunks, list } from '../../domain/lists/pieces.ts';
import { rulesOf } from './rules.ts';

const keysOf = (entries: readonly ListEntry[]): Keys =>
  columnsOf(entries.filter(({ enabled }) => enabled)).keys;

const listOf = (...values: string[]): Keys => keysOf(sortEntries(values.map((value) => entryOf(value))));

/** Near the values of `list`, and others. */
const clients = fc.oneof(
  fc.constantFrom(
    '10.0.1.2',
    '11.0.0.0',
    '192.0.3.3',
    '128.0.0.0',
    '2001:db8::1',
    '2600::2',
    'fd00::',
    '::3',
  ),
  fc.ipV4(),
  fc
    .tuple(fc.constantFrom('2001:db8::', '2600::', 'fd00::'), fc.nat(300))
    .map(([start, low]) => `${start}${low.toString(16)}`),
);
const names = fc.constantFrom('x.org', 'a.x.org', 'b.a.x.org', 'mail.xx.org', 'z.example', 'org', null);

/** What the API answers: over chunks, with disabled entries. */
const answered = async (entries: readonly ListEntry[], client: MatchClient): Promise<boolean | null> => {
  const { manifest, parts } = inChunks(entries, 5);
  return (await askList(client, askedIn(manifest, parts))).accepted;
};

const listed = (keys: Keys) => ({
  rules: { inbound: rulesOf({ accept: 'listed' }) },
  lists: new Map<Direction, Keys>([['inbound', keys]]),
});

describe('a listener that takes listed clients', () => {
  it('takes those that the API says a list accepts, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(list, clients, names, async (entries, address, name) => {
        const way = wayOf({ address, name }, { directions: ['inbound'] }, listed(keysOf(entries)));
        const wanted = { true: 'inbound', false: 'refused', null: 'unverified' } as const;
        expect(way).toBe(wanted[`${await answered(entries, { address, name })}`]);
      }),
      { numRuns: 3000 },
    );
  });

  it('looks for the very values that the API looks for', () => {
    fc.assert(
      fc.property(clients, names, (address, name) => {
        const keys = candidateKeys({ address, name });
        const values = Array.from({ length: keys.count }, (_, index) => valueOfKey(keys, index));
        const single = values.filter((value) => !/[.:]/.test(value.replace(/^\./, '')));
        expect(single.every((value) => /^\.?org$|^\.?example$/.test(value))).toBe(true);
        expect(values.filter((value) => !single.includes(value)).sort()).toEqual(
          candidatesOf({ address, name })
            .map(({ value }) => value)
            .sort(),
        );
      }),
    );
  });

  it.each<[string, string, string | null, string]>([
    ['192.0.2.0/24', '192.0.2.77', null, 'inbound'],
    ['192.0.2.0/24', '192.0.3.77', null, 'refused'],
    ['::ffff:192.0.2.0/120', '192.0.2.77', null, 'inbound'],
    ['::/0', '192.0.2.77', null, 'refused'],
    ['::/0', '2001:db8::1', null, 'inbound'],
    ['example.com', '192.0.2.1', 'example.com', 'inbound'],
    ['example.com', '192.0.2.1', 'mx.mail.example.com', 'inbound'],
    ['example.com', '192.0.2.1', 'notexample.com', 'refused'],
    ['.example.com', '192.0.2.1', 'example.com', 'refused'],
    ['.example.com', '192.0.2.1', 'mx.example.com', 'inbound'],
    ['example.com', '192.0.2.1', null, 'unverified'],
  ])('with %s: %s, named %s, is %s', (value, address, name, way) => {
    expect(wayOf({ address, name }, { directions: ['inbound'] }, listed(listOf(value)))).toBe(way);
  });
});

describe('a listener that inbound and outbound share', () => {
  const directions: Direction[] = ['outbound', 'inbound'];
  const rules = (inbound: GuardRules['accept'], ...inboundList: string[]) => ({
    rules: { inbound: rulesOf({ accept: inbound }), outbound: rulesOf({ accept: 'listed' }) },
    lists: new Map<Direction, Keys>([
      ['outbound', listOf('10.0.0.0/8', 'inside.example')],
      ...(inbound === 'listed' ? [['inbound', listOf(...inboundList)] as [Direction, Keys]] : []),
    ]),
  });

  it.each<[string, ReturnType<typeof rules>, string, string | null, string]>([
    ['a client of the outbound list', rules('all'), '10.1.2.3', null, 'outbound'],
    ['any other where inbound takes all', rules('all'), '192.0.2.1', 'mx.example.org', 'inbound'],
    ['one without a name where inbound takes all', rules('all'), '192.0.2.1', null, 'inbound'],
    ['one on both lists', rules('listed', '10.0.0.0/8'), '10.1.2.3', null, 'outbound'],
    ['one on the inbound list', rules('listed', '192.0.2.1'), '192.0.2.1', null, 'inbound'],
    ['one on no list', rules('listed', '192.0.2.1'), '192.0.2.2', 'mx.example.org', 'refused'],
    ['one by its name', rules('listed', '192.0.2.1'), '192.0.2.2', 'a.inside.example', 'outbound'],
    ['one whose name no list can have', rules('listed', '192.0.2.1'), '192.0.2.2', 'localhost', 'refused'],
    ['one whose name could decide', rules('listed', '192.0.2.1'), '192.0.2.2', null, 'unverified'],
  ])('%s goes there', (_, given, address, name, way) => {
    expect(wayOf({ address, name }, { directions }, given)).toBe(way);
  });
});
