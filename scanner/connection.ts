import { type Backoff, delayOf } from './backoff.ts';
import type { Time } from './time.ts';

/** What is kept up: a conversation, or anything else that ends and says goodbye. */
export interface Connected {
  readonly ended: AbortSignal;
  close(): Promise<void>;
}

export interface ConnectionOptions<T extends Connected> {
  /** Gives up when the signal is aborted. */
  open: (signal: AbortSignal) => Promise<T>;
  /** Called for each connection once it stands. */
  onOpen: (connection: T) => void;
  backoff: Backoff;
  /** How long a connection lasted is measured by what no clock setting moves. */
  time: Time;
  random: () => number;
  /** In words, why it is not connected, and what to do, of what the last try failed with; asked after several failures in a row, and more and more rarely. */
  explain?: (reason: unknown) => Promise<string>;
  log: (line: string) => void;
}

/** A connection that lasted this long, in milliseconds, was a good one; a shorter one counts as a failure: two Scanners of one id would chase each other off. */
const goodAfter = 30_000;

/** After so many failures in a row it is asked what is wrong, and again each time they have doubled. */
const explainAfter = 4;

const isToBeExplained = (failures: number): boolean =>
  failures >= explainAfter && Number.isInteger(Math.log2(failures / explainAfter));

/** Where a name has several addresses, the error has no message of its own, and a code. */
const reasonOf = (reason: unknown): string =>
  reason instanceof Error ? reason.message || String((reason as NodeJS.ErrnoException).code) : String(reason);

const untilEnded = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Keeps one connection up: connects, waits for its end, waits a while, connects again, until it is stopped. */
export const keepConnected = <T extends Connected>(options: ConnectionOptions<T>) => {
  const { open, onOpen, backoff, time, random, explain, log } = options;
  const stopping = new AbortController();
  let present: T | undefined;

  /** Answers why it ended. */
  const hold = async (): Promise<unknown> => {
    present = await open(stopping.signal);
    if (stopping.signal.aborted) return undefined;
    onOpen(present);
    await untilEnded(AbortSignal.any([present.ended, stopping.signal]));
    return present.ended.reason;
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const begun = time.elapsed();
      const reason = await hold().catch((error: unknown) => error);
      if (stopping.signal.aborted) return;
      failures = time.elapsed() - begun > goodAfter ? 1 : failures + 1;
      const delay = delayOf(backoff, failures, random());
      log(`not connected (${reasonOf(reason)}); trying again in ${(delay / 1000).toFixed(1)} s`);
      if (explain && isToBeExplained(failures)) log(await explain(reason));
      await time.sleep(delay, stopping.signal);
    }
  };

  const running = run();
  return {
    /** Disconnects cleanly, and waits until nothing runs any more. */
    async stop(): Promise<void> {
      stopping.abort(new Error('the Scanner stops'));
      await running;
      await present?.close();
    },
  };
};
