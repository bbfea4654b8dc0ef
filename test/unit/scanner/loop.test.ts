import { describe, expect, it, onTestFinished } from 'vitest';
import { type Loop, type PassOutcome, startLoop } from '../../../scanner/loop.ts';
import { until } from '../../helpers/until.ts';

/** A loop whose passes are ended by the test, one by one. */
const stepped = (delay: (failures: number) => number = () => 0) => {
  const passes: ((outcome: PassOutcome) => void)[] = [];
  const delays: number[] = [];
  const loop: Loop = startLoop(
    () => new Promise((resolve) => passes.push(resolve)),
    (failures) => {
      delays.push(failures);
      return delay(failures);
    },
  );
  onTestFinished(() => {
    for (const end of passes) end('parked');
    return loop.stop();
  });
  const begun = (count: number) =>
    until(`pass ${count} has begun`, () => passes.length >= count, { everyMs: 1 });
  return { loop, passes, delays, begun };
};

describe('the loop', () => {
  it('makes one pass at a time, and one more for all rings during it', async () => {
    const { loop, passes, begun } = stepped();
    loop.ring();
    loop.ring();
    loop.ring();
    expect(passes).toHaveLength(1);
    expect(loop.rung()).toBe(true);

    passes[0]?.('settled');
    await begun(2);
    expect(loop.rung()).toBe(false);

    passes[1]?.('settled');
    await loop.stop();
    expect(passes).toHaveLength(2);
  });

  it('tries again by itself after a failure, and counts failures in a row', async () => {
    const { loop, passes, delays, begun } = stepped();
    loop.ring();
    passes[0]?.('again');
    await begun(2);
    passes[1]?.('again');
    await begun(3);
    passes[2]?.('settled');
    await until('settled', () => delays.length === 2);
    loop.ring();
    await begun(4);
    passes[3]?.('again');
    await begun(5);
    expect(delays).toEqual([1, 2, 1]);
  });

  it('does not wait when somebody rings', async () => {
    const { loop, passes, delays, begun } = stepped(() => 1_000_000);
    loop.ring();
    passes[0]?.('again');
    await until('it waits', () => delays.length === 1);
    loop.ring();
    await begun(2);
    passes[1]?.('again');
    await until('it waits longer', () => delays.length === 2);
    loop.ringAnew();
    await begun(3);
    passes[2]?.('again');
    await until('it waits the shortest', () => delays.length === 3);
    expect(delays).toEqual([1, 2, 1]);
  });

  it('stays still when it is parked', async () => {
    const { loop, passes, delays } = stepped();
    loop.ring();
    passes[0]?.('parked');
    await loop.stop();
    expect(passes).toHaveLength(1);
    expect(delays).toEqual([]);
  });

  it('waits for its pass when it is stopped, and makes no other', async () => {
    const { loop, passes } = stepped();
    loop.ring();
    loop.ring();
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    passes[0]?.('again');
    await stopping;
    loop.ring();
    expect(passes).toHaveLength(1);
  });

  it('hears a ring at the very moment a pass ends', async () => {
    const { loop, passes, begun } = stepped();
    for (let round = 1; round <= 20; round++) {
      loop.ring();
      await begun(round);
      passes[round - 1]?.('settled');
      for (let turn = 0; turn < round % 5; turn++) await Promise.resolve();
    }
    expect(passes).toHaveLength(20);
  });
});
