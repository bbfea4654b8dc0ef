import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Counted at most once in this many milliseconds, and at most a twentieth of the time. */
const leastMs = 1000;
const shareOfTime = 20;

/** A folder of a hashed queue is named by one character (postconf, hash_queue_depth); no queue id is that short. */
const isFolder = (name: string): boolean => name.length === 1;

/** A queue that Postfix has not made yet is empty; a message may leave while it is counted. */
const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
};

/** Messages in a folder of the queue, those in its hashed folders among them. */
export const countMessages = async (folder: string): Promise<number> => {
  const names = await namesIn(folder);
  let messages = 0;
  for (const name of names) messages += isFolder(name) ? await countMessages(join(folder, name)) : 1;
  return messages;
};

/** What is counted together: the messages of some queues of one instance. */
export interface Counted {
  directory: string;
  queues: readonly string[];
}

/**
 * Counts the messages in queues. An answer is as old as a second at most, or as twenty times the count took, where that is longer: a queue of
 * hundreds of thousands must not keep a processor busy. `now` answers milliseconds of a clock that never goes back.
 */
export const queueCounts = (now: () => number, count = countMessages) => {
  const known = new Map<string, { until: number; messages: Promise<number> }>();
  const start = async (folder: string): Promise<number> => {
    const began = now();
    const messages = await count(folder);
    const ended = now();
    const one = known.get(folder);
    if (one) one.until = began + Math.max(leastMs, (ended - began) * shareOfTime);
    return messages;
  };
  const messagesIn = (folder: string): Promise<number> => {
    const one = known.get(folder);
    if (one && now() < one.until) return one.messages;
    const fresh = { until: Number.POSITIVE_INFINITY, messages: Promise.resolve(0) };
    known.set(folder, fresh);
    fresh.messages = start(folder).catch((error: unknown) => {
      known.delete(folder);
      throw error;
    });
    return fresh.messages;
  };
  return async ({ directory, queues }: Counted): Promise<number> => {
    const counts = await Promise.all(queues.map((queue) => messagesIn(join(directory, queue))));
    return counts.reduce((sum, one) => sum + one, 0);
  };
};
export type QueueCounts = ReturnType<typeof queueCounts>;
