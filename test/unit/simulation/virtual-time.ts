/** A clock that stands still until the next thing is due, and the queue of what is due. */
export interface VirtualTime {
  /** Milliseconds since the world began. */
  now(): number;
  /** Does something after a while; two of one moment in the order in which they were asked for. */
  after(ms: number, work: () => void): void;
  sleep(ms: number): Promise<void>;
  /** Does one thing after the other until nothing is due any more before `until`; `seen` is called after each. */
  run(until: number, seen: () => void): Promise<void>;
}

interface Due {
  at: number;
  work: () => void;
}

/** Resolves once every promise that can go on has gone on: Node runs its next ticks when no microtask is left. */
const quiet = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export const virtualTime = (): VirtualTime => {
  const queue: Due[] = [];
  let present = 0;

  /** Place of the first that is due later; what is due soonest is at the end. */
  const place = (at: number): number => {
    let [low, high] = [0, queue.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((queue[middle] as Due).at > at) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const after = (ms: number, work: () => void): void => {
    const at = present + Math.max(0, ms);
    queue.splice(place(at), 0, { at, work });
  };

  return {
    now: () => present,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    async run(until, seen) {
      for (let next = queue.at(-1); next && next.at < until; next = queue.at(-1)) {
        queue.pop();
        present = next.at;
        next.work();
        await quiet();
        seen();
      }
      present = until;
    },
  };
};
