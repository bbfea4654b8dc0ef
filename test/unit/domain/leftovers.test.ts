import { describe, expect, it } from 'vitest';
import { judgeLife, type Life } from '../../../shared/domain/leftovers.ts';

const at = new Date('2026-11-24T12:00:00.000Z');
const decommissionedAt = '2026-11-24T10:00:00.000Z';
const clearedAt = '2026-11-24T10:00:09.000Z';
const record: Life = { sk: 'scanner', epoch: 'e2' };

describe('what was last seen of a Scanner', () => {
  it.each<[string, Life[], RegExp | null]>([
    ['in service is no finding', [record, { sk: 'report', epoch: 'e2' }, { sk: 'published' }], null],
    [
      'of an earlier registration is one',
      [record, { sk: 'presence', epoch: 'e1' }],
      /^presence: of an earlier/,
    ],
    [
      'cleared away is one',
      [
        { ...record, decommissionedAt, clearedAt },
        { sk: 'presence', epoch: 'e2' },
      ],
      /^presence: .*cleared away at/,
    ],
    ['that nobody registered is one', [{ sk: 'due' }], /^due: .*not registered/],
    [
      'that is being cleared away is none',
      [{ ...record, decommissionedAt: '2026-11-24T11:30:00.000Z' }, { sk: 'report' }],
      null,
    ],
    [
      'that should be cleared away by now is one',
      [{ ...record, decommissionedAt }],
      /is not cleared away yet/,
    ],
    ['of which nothing is left is none', [{ ...record, decommissionedAt, clearedAt }], null],
  ])('%s', (_, items, expected) => {
    const problems = judgeLife(items, 'scanner', at);
    if (expected === null) expect(problems).toEqual([]);
    else expect(problems).toEqual([expect.stringMatching(expected)]);
  });
});
