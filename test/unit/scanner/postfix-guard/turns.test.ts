import { setImmediate as settle } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TooBusy, type TurnLimits, takeTurns } from '../../../../scanner/postfix/guard/turns.ts';

/** Acts that last until they are ended, by a clock that the test turns. */
const world = (more: Partial<TurnLimits> = {}) => {
  let now = 0;
  const begun: string[] = [];
  const endings = new Map<string, () => void>();
  const told = new Map<string, string>();
  const inTurn = takeTurns({ atOnce: 2, waiting: 3, ofOne: 10, leastMs: 100, ...more }, () => now);
  return {
    begun,
    told,
    pass: (ms: number) => {
      now += ms;
    },
    ask: async (name: string, who = name, withinMs = 8000) => {
      inTurn(who, withinMs, async (leftMs) => {
        begun.push(`${name} ${leftMs}`);
        await new Promise<void>((resolve) => endings.set(name, resolve));
      }).then(
        () => told.set(name, 'done'),
        (error: Error) => told.set(name, error instanceof TooBusy ? error.message : 'failed'),
      );
      await settle();
    },
    end: async (name: string) => {
      endings.get(name)?.();
      await settle();
    },
  };
};

describe('acts that take turns', () => {
  it('are so many at a time, and the others begin in their order with what is left of their time', async () => {
    const { ask, end, pass, begun, told } = world();
    for (const name of ['a', 'b', 'c', 'd']) await ask(name);
    expect(begun).toEqual(['a 8000', 'b 8000']);
    pass(1000);
    await end('b');
    await end('a');
    expect(begun).toEqual(['a 8000', 'b 8000', 'c 7000', 'd 7000']);
    expect([...told]).toEqual([
      ['b', 'done'],
      ['a', 'done'],
    ]);
  });

  it('do not begin when nobody waits for them any more, and keep no turn from those behind them', async () => {
    const { ask, end, pass, begun, told } = world({ atOnce: 1 });
    await ask('a');
    await ask('late');
    pass(7950);
    await ask('b');
    await end('a');
    expect(told.get('late')).toBe('its turn came too late');
    expect(begun).toEqual(['a 8000', 'b 8000']);
  });

  it('do not begin when too many wait', async () => {
    const { ask, told } = world();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await ask(name);
    expect([...told]).toEqual([['f', 'too many wait']]);
  });

  it('do not begin beyond the share of one asker, which others have besides', async () => {
    const { ask, end, begun, told } = world({ ofOne: 1 });
    await ask('a', 'one');
    await ask('b', 'one');
    await ask('c', 'other');
    expect([...told]).toEqual([['b', 'too many are of one client']]);
    await end('a');
    await ask('d', 'one');
    expect(begun.map((one) => one[0])).toEqual(['a', 'c', 'd']);
  });
});
