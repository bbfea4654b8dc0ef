import type { Head } from './configuration.ts';
import type { Published } from './status.ts';

/** How a revision came about: what its request is called, and when it was committed (ISO 8601). */
export interface Origin {
  requestId?: string | undefined;
  committedAt: string;
}

/**
 * The origin of a revision, where what is read of a Scanner anyway tells it: the head's, and the one that was last published. Null for any
 * other: it was overtaken while the Scanner applied it, and nobody reads its item for a log line.
 */
export const originOf = (
  { head, published }: { head: Head; published?: Published | undefined },
  revision: number,
): Origin | null => {
  if (head.revision === revision) return { requestId: head.requestId, committedAt: head.updatedAt };
  if (published?.revision !== revision || published.committedAt === undefined) return null;
  return { requestId: published.requestId, committedAt: published.committedAt };
};

/** Milliseconds from a time (ISO 8601) until now; clocks of several machines may differ, so never less than none. */
export const msSince = (at: string, now: Date): number => Math.max(0, now.getTime() - Date.parse(at));
