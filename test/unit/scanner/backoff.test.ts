import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayOf } from '../../../scanner/backoff.ts';

describe('the wait after failures', () => {
  const backoff = { baseMs: 1000, capMs: 60_000 };

  it('doubles and stops growing at its cap', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => delayOf(backoff, failures, 1));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('is half chance, and never longer than the cap', () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), random, (failures, chance) => {
        const longest = delayOf(backoff, failures, 1);
        const wait = delayOf(backoff, failures, chance);
        expect(wait).toBeGreaterThanOrEqual(longest / 2);
        expect(wait).toBeLessThanOrEqual(longest);
      }),
    );
  });
});
