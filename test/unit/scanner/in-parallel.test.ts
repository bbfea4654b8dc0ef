import { describe, expect, it } from 'vitest';
import { inParallel } from '../../../scanner/in-parallel.ts';

describe('work in parallel', () => {
  it('keeps to its width and answers in order', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([5, 4, 3, 2, 1], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 40, 30, 20, 10]);
    expect(most).toBe(2);
  });

  it('begins nothing new after a failure, and throws the first when all that ran is done', async () => {
    const begun: number[] = [];
    const done: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('the first');
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      done.push(item);
    });
    await expect(work).rejects.toThrow('the first');
    expect(begun).toEqual([1, 2]);
    expect(done).toEqual([2]);
  });

  it('on nothing is done at once', async () => {
    expect(await inParallel([], 4, () => Promise.reject(new Error('never')))).toEqual([]);
  });
});
