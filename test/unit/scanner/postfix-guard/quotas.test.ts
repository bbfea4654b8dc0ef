import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { recipientCounts } from '../../../../scanner/postfix/guard/quotas.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const quota = { maxRecipients: 10, minutes: 5 };
const minute = 60_000;

describe('the recipients of a sender', () => {
  it.each<[string, number[], boolean]>([
    ['below the quota', [9], false],
    ['that are the quota', [4, 6], false],
    ['of the message that crosses it', [9, 500], true],
    ['of one message that is larger than it', [11], true],
  ])('%s', (_, messages, crossed) => {
    const counts = recipientCounts();
    for (const recipients of messages) {
      expect(counts.isCrossed('a@x.org', quota, 0)).toBe(false);
      counts.add('a@x.org', recipients, quota, 0);
    }
    expect(counts.isCrossed('a@x.org', quota, 0)).toBe(crossed);
  });

  it('are counted anew when the window has ended, which began with the first message', () => {
    const counts = recipientCounts();
    counts.add('a@x.org', 1, quota, 1000);
    counts.add('a@x.org', 10, quota, 1000 + 4 * minute);
    expect(counts.isCrossed('a@x.org', quota, 1000 + 5 * minute - 1)).toBe(true);
    expect(counts.isCrossed('a@x.org', quota, 1000 + 5 * minute)).toBe(false);
  });

  it('are those of one sender in letters of either case, and of no other', () => {
    const counts = recipientCounts();
    counts.add('A@x.org', 11, quota, 0);
    expect(counts.isCrossed('a@X.ORG', quota, 1)).toBe(true);
    expect(counts.isCrossed('b@x.org', quota, 1)).toBe(false);
  });

  it('are forgotten from the oldest on beyond a number of senders', () => {
    const counts = recipientCounts(2);
    for (const sender of ['a', 'b', 'c']) counts.add(sender, 11, quota, 0);
    expect(counts.size).toBe(2);
    expect(counts.isCrossed('a', quota, 0)).toBe(false);
    expect(counts.isCrossed('c', quota, 0)).toBe(true);
  });

  it('are forgotten once windows have ended, though nobody asks about their senders again', () => {
    const counts = recipientCounts();
    for (let n = 0; n < 100; n++) counts.add(`sender-${n}@x.org`, 1, quota, n);
    for (let n = 0; n < 20; n++) counts.add('other@x.org', 1, quota, 6 * minute + n);
    expect(counts.size).toBe(1);
    expect(counts.isCrossed('other@x.org', quota, 6 * minute + 20)).toBe(true);
  });

  it('take no more memory for long names than for short ones', () => {
    const senders = 20_000;
    const bytesFor = (length: number): number => {
      gc();
      const before = process.memoryUsage().heapUsed;
      const counts = recipientCounts();
      for (let n = 0; n < senders; n++)
        counts.add(Buffer.from(`${n}@${'x'.repeat(length)}.org`).toString('latin1'), 1, quota, 0);
      gc();
      const bytes = process.memoryUsage().heapUsed - before;
      expect(counts.size).toBe(senders);
      return bytes / senders;
    };
    expect(bytesFor(2000)).toBeLessThan(400);
  });
});
