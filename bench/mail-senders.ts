import { setTimeout as sleep } from 'node:timers/promises';
import { openSession } from './mail-clients.ts';

/** What senders have seen. */
export interface Sent {
  /** Messages that were taken (250 after their data), by what each says. */
  taken: string[];
  /** What was said instead, or that nothing was. */
  refused: string[];
}

export interface Senders {
  /** How many messages were begun so far; each says which it is. */
  begun(): number;
  /** The longest time without a message taken, of whichever sender, in milliseconds. */
  longestMs(): number;
  /** Forgets the longest time so far. */
  anew(): void;
  /** Ends them, each after its message. */
  stop(): Promise<Sent>;
}

const messages = 3;

/** Clients that send mail, each from its own address, a few messages a session, one session after another; without pause where none is given. */
export const startSenders = (
  port: number,
  addresses: readonly string[],
  { pauseMs = 0 }: { pauseMs?: number } = {},
): Senders => {
  const sent: Sent = { taken: [], refused: [] };
  let ends = false;
  let last = performance.now();
  let longest = 0;
  const sinceLast = () => performance.now() - last;
  let number = 0;

  const sendOne = async (send: (mail: { text: string }) => Promise<string>): Promise<void> => {
    number += 1;
    const text = `message-${number}.`;
    const answer = await send({ text });
    if (!answer.startsWith('250')) {
      sent.refused.push(answer);
      return;
    }
    sent.taken.push(text);
    longest = Math.max(longest, sinceLast());
    last = performance.now();
  };

  const session = async (from: string): Promise<void> => {
    try {
      const { send, quit } = await openSession({ port, from });
      for (let index = 0; index < messages; index++) await sendOne(send);
      await quit();
    } catch (error) {
      sent.refused.push((error as Error).message);
    }
  };

  const running = addresses.map(async (from) => {
    while (!ends) {
      await session(from);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  });
  return {
    begun: () => number,
    longestMs: () => Math.max(longest, sinceLast()),
    anew: () => {
      longest = 0;
      last = performance.now();
    },
    async stop() {
      ends = true;
      await Promise.all(running);
      return sent;
    },
  };
};

/** What came of the messages that were taken. */
export const account = (taken: readonly string[], arrived: readonly { text: string }[]) => {
  const counts = new Map<string, number>();
  for (const { text } of arrived) {
    const [id = ''] = /message-\d+\./.exec(text) ?? [];
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return {
    lost: taken.filter((id) => !counts.has(id)),
    twice: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    /** Whose sender was not told that they were taken. */
    untold: [...counts.keys()].filter((id) => !taken.includes(id)),
  };
};
