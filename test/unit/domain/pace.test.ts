import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bookingMs, delayUntil } from '../../../shared/domain/pace.ts';

describe('a lane that is held to a rate', () => {
  it.each([
    [1, 10, 100],
    [4, 200, 20],
    [6, 2000, 3],
  ])('is booked for %d operations at %d a second for %d ms', (operations, perSecond, milliseconds) => {
    expect(bookingMs(operations, { perSecond })).toBe(milliseconds);
  });

  it.each([
    ['now, where the lane is free', 5000, 5000, 0],
    ['now, where the lane has been free for a while', 4000, 5000, 0],
    ['when it is its turn', 9000, 5000, 4000],
  ])('lets operations go %s', (_, begin, now, delay) => {
    expect(delayUntil(begin, now)).toBe(delay);
  });

  it('never lets more go in any stretch of time than the rate, and the operations that go together at its end', () => {
    const arrivals = fc.array(
      fc.record({ after: fc.nat(2000), operations: fc.integer({ min: 1, max: 8 }) }),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 50 }), (given, perSecond) => {
        let now = 0;
        let booked = 0;
        const gone: { at: number; operations: number }[] = [];
        for (const { after, operations } of given) {
          now += after;
          const begin = Math.max(booked, now);
          booked = begin + bookingMs(operations, { perSecond });
          gone.push({ at: now + delayUntil(begin, now), operations });
        }
        for (const { at } of gone)
          for (const { at: until } of gone.filter((one) => one.at >= at)) {
            const within = gone.filter((one) => one.at >= at && one.at <= until);
            const sum = within.reduce((all, { operations }) => all + operations, 0);
            const last = within.at(-1)?.operations ?? 0;
            expect(sum - last).toBeLessThanOrEqual(((until - at) / 1000) * perSecond + 0.001);
          }
      }),
    );
  });
});
