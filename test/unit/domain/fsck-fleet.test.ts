import { describe, expect, it } from 'vitest';
import {
  type FleetState,
  holds,
  judgeFleet,
  judgeMembers,
  parseText,
} from '../../../shared/domain/fsck-fleet.ts';

const state: FleetState = {
  artifact: 'cert-1',
  record: { digest: 'now' },
  users: ['mx1', 'mx2'],
  usage: 2,
  loose: [],
};
const named = (digests: Record<string, string>) => new Map(Object.entries(digests));

describe('an artifact of the fleet', () => {
  it('is right when its users are those whose heads name it, and are counted', () => {
    expect(judgeFleet(state, named({ mx1: 'now', mx2: 'now' }))).toEqual([]);
    expect(judgeFleet({ ...state, record: undefined, users: [], usage: 0 }, named({}))).toEqual([]);
  });

  it('is right while a renewal is under way: heads may name a retired text', () => {
    const loose = [{ digest: 'before', state: 'retired' }] as const;
    expect(judgeFleet({ ...state, loose }, named({ mx1: 'before', mx2: 'now' }))).toEqual([]);
    expect(
      judgeFleet(
        { ...state, loose: [{ digest: 'next', state: 'staged' }] },
        named({ mx1: 'now', mx2: 'now' }),
      ),
    ).toEqual([]);
  });

  it.each([
    [
      'a head that is no user',
      state,
      { mx1: 'now', mx2: 'now', mx3: 'now' },
      /^mx3: named by the head, and not/,
    ],
    ['a user whose head names none', state, { mx1: 'now' }, /^mx2: among its users, and not named/],
    [
      'a count that is not theirs',
      { ...state, usage: 3 },
      { mx1: 'now', mx2: 'now' },
      /2 of them; their count says 3$/,
    ],
    [
      'a text that nothing knows of',
      state,
      { mx1: 'now', mx2: 'old' },
      /^mx2: the head names a text that is neither/,
    ],
    [
      'a text that is staged only',
      { ...state, loose: [{ digest: 'next', state: 'staged' }] } as FleetState,
      { mx1: 'now', mx2: 'next' },
      /^mx2: the head names a text that is neither/,
    ],
    [
      'no record',
      { ...state, record: undefined },
      { mx1: 'now', mx2: 'now' },
      /^mx1, mx2: used, and there is no record/,
    ],
    [
      'a present text that is said to be left over',
      { ...state, loose: [{ digest: 'now', state: 'retired' }] } as FleetState,
      { mx1: 'now', mx2: 'now' },
      /^its record names now, and an item says that nobody does/,
    ],
    [
      'a vault that is said to be left over',
      {
        ...state,
        record: { digest: 'now', vault: 'v' },
        loose: [{ digest: 'v', state: 'staged' }],
      } as FleetState,
      { mx1: 'now', mx2: 'now' },
      /^its record names v, and an item says that nobody does/,
    ],
  ])('is wrong with %s', (_, wrong, digests, text) => {
    expect(judgeFleet(wrong, named(digests as Record<string, string>))).toEqual([
      expect.stringMatching(text),
    ]);
  });
});

describe('members', () => {
  const member = (host: string) => ({ host, port: 636, warnings: [] });
  it('are those of the vault, whatever the table adds to their items, and in whatever order', () => {
    const item = { pk: 'p', sk: 's', format: 1, warnings: ['another'], port: 636, host: 'a' };
    expect(judgeMembers(new Map([['dir-1', item]]), new Map([['dir-1', member('a')]]))).toEqual([]);
  });

  it('that differ are told by the names of fields, and never by a value', () => {
    const found = judgeMembers(
      new Map([
        ['dir-1', member('SECRET')],
        ['dir-2', member('SECRET')],
      ]),
      new Map<string, object>([
        ['dir-1', { ...member('MARKER'), baseDn: 'MARKER' }],
        ['dir-3', member('MARKER')],
      ]),
    );
    expect(found).toEqual([
      'dir-2: a member, and not in the vault',
      'dir-3: in the vault, and no member',
      'dir-1: its member and the vault differ in baseDn, host',
    ]);
  });
});

describe('a text', () => {
  it('holds its content whatever its salt', () => {
    expect(holds({ format: 1, salt: 'x', sources: [] }, { sources: [] })).toBe(true);
    expect(holds({ format: 1, salt: 'x', sources: [1] }, { sources: [] })).toBe(false);
  });

  it('that is no object of JSON is nothing, and no error that quotes it', () => {
    for (const text of ['SECRET', '[]', 'null', '"a"']) expect(parseText(text)).toBeNull();
    expect(parseText('{"a":1}')).toEqual({ a: 1 });
  });
});
