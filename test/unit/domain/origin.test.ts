import { describe, expect, it } from 'vitest';
import type { Head } from '../../../shared/domain/configuration.ts';
import { msSince, originOf } from '../../../shared/domain/origin.ts';

const head = { revision: 7, requestId: 'r7', updatedAt: '2026-01-01T00:00:07.000Z' } as Head;
const published = {
  revision: 6,
  requestId: 'r6',
  committedAt: '2026-01-01T00:00:06.000Z',
  shadowVersion: 1,
  at: 'x',
};

describe('the origin of a revision', () => {
  it('is known of the head and of what was published last, and of no other', () => {
    expect(originOf({ head, published }, 7)).toEqual({ requestId: 'r7', committedAt: head.updatedAt });
    expect(originOf({ head, published }, 6)).toEqual({ requestId: 'r6', committedAt: published.committedAt });
    expect(originOf({ head, published }, 5)).toBeNull();
    expect(originOf({ head }, 6)).toBeNull();
  });

  it('is not known of what was published by a version that did not keep it', () => {
    const { committedAt: _, requestId: __, ...before } = published;
    expect(originOf({ head, published: before }, 6)).toBeNull();
  });
});

it('a time since then is never less than none, whatever the clocks say', () => {
  expect(msSince('2026-01-01T00:00:01.000Z', new Date('2026-01-01T00:00:03.500Z'))).toBe(2500);
  expect(msSince('2026-01-01T00:00:09.000Z', new Date('2026-01-01T00:00:03.500Z'))).toBe(0);
});
