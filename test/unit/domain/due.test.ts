import { describe, expect, it } from 'vitest';
import { failureOf, nextLook, nextTry } from '../../../shared/domain/due.ts';
import { AppError } from '../../../shared/errors.ts';

const now = new Date('2026-11-24T10:00:00.000Z');
const minutesUntil = (time: string) => (Date.parse(time) - now.getTime()) / 60_000;

describe('a Scanner is looked at again', () => {
  it.each([
    [0, 45],
    [0.5, 60],
    [1, 75],
  ])('about a period later, by chance of %d after %d minutes of 60', (random, minutes) => {
    expect(minutesUntil(nextLook(now, 60, random))).toBe(minutes);
  });

  it.each([
    [1, 4],
    [2, 8],
    [3, 16],
    [6, 128],
    [10, 2048],
    [11, 3600],
    [1000, 3600],
  ])('after failure %d within %d seconds', (failures, seconds) => {
    expect(minutesUntil(nextTry(now, failures, 60, 1)) * 60).toBeCloseTo(seconds, 6);
    expect(minutesUntil(nextTry(now, failures, 60, 0)) * 60).toBeCloseTo(seconds / 2, 6);
  });
});

describe('what is kept of a failure', () => {
  it('is the code of the error table where there is one', () => {
    expect(failureOf(new AppError('THROTTLED', 'Too fast.'), now)).toEqual({
      code: 'THROTTLED',
      message: 'Too fast.',
      at: now.toISOString(),
    });
  });

  it('is the name of an error that has no code, and no more than 500 characters of what it says', () => {
    expect(failureOf(new TypeError('x'.repeat(2000)), now)).toEqual({
      code: 'TypeError',
      message: 'x'.repeat(500),
      at: now.toISOString(),
    });
  });

  it('is also there where what was thrown is no error', () => {
    expect(failureOf('odd', now)).toMatchObject({ code: 'Error', message: 'odd' });
  });
});
