import { once } from 'node:events';
import { SHARE_ENV, Worker } from 'node:worker_threads';

/** A thread wakes once in a tick, and ends the process after so many in which the event loop has not turned. */
export interface Patience {
  tickMs: number;
  ticks: number;
}

/**
 * Ten seconds, as long as the agent waits for an answer. Lists are read in pieces, between which the loop turns: the longest pause that was measured,
 * with ten million networks, is 0.2 s.
 */
const patience: Patience = { tickMs: 1000, ticks: 10 };

interface Watched extends Patience {
  /** How often the event loop has turned; and 1 when the watch is over. */
  state: Int32Array;
}

/** Runs as a thread of its own, which is given its text alone: it sees nothing of this file. */
const watch = (): void => {
  const { writeSync } = process.getBuiltinModule('node:fs');
  const { workerData } = process.getBuiltinModule('node:worker_threads');
  const { state, tickMs, ticks } = workerData as Watched;
  let seen = -1;
  let silent = 0;
  while (silent < ticks) {
    if (Atomics.wait(state, 1, 0, tickMs) !== 'timed-out') return;
    const turns = Atomics.load(state, 0);
    silent = turns === seen ? silent + 1 : 0;
    seen = turns;
  }
  try {
    const what = `its event loop has not turned for ${(ticks * tickMs) / 1000} s`;
    writeSync(2, `${new Date().toISOString()} the guard hangs: ${what}. It is killed, to be started anew\n`);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
};

/** As small as a thread can be: where it is a file, what strips its types takes 10 MiB more. */
const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };

/**
 * Ends this process with SIGKILL, and says so on stderr, when its event loop does not turn any more: systemd, or the agent, starts it anew. What counts
 * is how often the thread has woken, not what a clock says, so that a process or a machine that stood still is not taken for one that hangs. It does not
 * keep the process from its end.
 */
export const startWatchdog = (watched: Patience = patience): { close(): Promise<void> } => {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const workerData: Watched = { state, ...watched };
  const thread = new Worker(`(${watch})()`, { eval: true, workerData, env: SHARE_ENV, resourceLimits });
  thread.unref();
  const beat = setInterval(() => Atomics.add(state, 0, 1), watched.tickMs).unref();
  return {
    async close() {
      clearInterval(beat);
      thread.ref();
      Atomics.store(state, 1, 1);
      Atomics.notify(state, 1);
      await once(thread, 'exit');
    },
  };
};
