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

  it('has no more than 500 characters of what it says', () => {
    expect(failureOf(new AppError('UNAVAILABLE', 'x'.repeat(2000)), now).message).toHaveLength(500);
  });

  it.each([
    ['a stranger’s error', new TypeError('arn:aws:iam::000000000000:role/secret'), 'TypeError'],
    ['what is no error', 'odd', 'Error'],
  ])('has the name and no word of %s', (_, error, code) => {
    expect(failureOf(error, now)).toEqual({
      code,
      message: 'The log has what was said.',
      at: now.toISOString(),
    });
  });
});
