/** An act has not begun: too many others are under way or wait, or its turn has come too late for it. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy';
}

export interface TurnLimits {
  /** Acts that are under way at a time. */
  atOnce: number;
  /** Acts that wait for their turn, at most. */
  waiting: number;
  /** Of both, those of one asker. */
  ofOne: number;
  /** Milliseconds that an act must have left when its turn comes. */
  leastMs: number;
}

/** How many each asker has, of those that have any. */
const shares = () => {
  const counts = new Map<string, number>();
  return {
    of: (who: string): number => counts.get(who) ?? 0,
    change(who: string, by: 1 | -1): void {
      const count = (counts.get(who) ?? 0) + by;
      if (count === 0) counts.delete(who);
      else counts.set(who, count);
    },
  };
};

/**
 * Lets so many acts run at a time; the others wait for their turn, in their order. An act is told how many of its `withinMs` are left then, counted
 * from when it was asked for: nobody waits for it any longer. `now` answers milliseconds of a clock that never goes back.
 * @throws TooBusy for an act that does not begin.
 */
export const takeTurns = (
  { atOnce, waiting: mostWaiting, ofOne, leastMs }: TurnLimits,
  now: () => number,
) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  const share = shares();

  const turn = async (): Promise<void> => {
    if (running < atOnce) running += 1;
    else if (waiting.length >= mostWaiting) throw new TooBusy('too many wait');
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const pass = (): void => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
  const actInTime = async <T>(deadline: number, act: (leftMs: number) => Promise<T>): Promise<T> => {
    await turn();
    try {
      const leftMs = deadline - now();
      if (leftMs < leastMs) throw new TooBusy('its turn came too late');
      return await act(leftMs);
    } finally {
      pass();
    }
  };

  return async <T>(who: string, withinMs: number, act: (leftMs: number) => Promise<T>): Promise<T> => {
    if (share.of(who) >= ofOne) throw new TooBusy('too many are of one client');
    share.change(who, 1);
    try {
      return await actInTime(now() + withinMs, act);
    } finally {
      share.change(who, -1);
    }
  };
};
