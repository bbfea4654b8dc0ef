import { hash } from 'node:crypto';

const minuteMs = 60_000;
/** Senders that are remembered. Beyond, those whose windows began first are forgotten: a quota is soft, memory is not. */
const mostSenders = 500_000;
/** Windows that have ended and are looked for at each message: more than it can begin, so that they become fewer. */
const endedAtOnce = 8;

export interface Quota {
  maxRecipients: number;
  minutes: number;
}

interface Window {
  /** Milliseconds, of the same clock as `now`. */
  began: number;
  /** When nobody asks for it any more. */
  ends: number;
  recipients: number;
}

/** A sender as a digest: of one size whatever a client sends, and no part of what it sent is held. */
const keyOf = (sender: string): string => hash('sha256', sender.toLowerCase(), 'base64');

/**
 * Counts the recipients of senders. A sender's window begins with its first message and lasts as long as the quota says; the message that
 * crosses the quota is still taken, and the next is not (`smg.md` 2.2). Letters of both cases are one sender. Times are milliseconds of one clock.
 */
export const recipientCounts = (most = mostSenders) => {
  /** Those that began first are first. */
  const windows = new Map<string, Window>();
  const windowOf = (key: string, { minutes }: Quota, now: number): Window | null => {
    const window = windows.get(key);
    if (!window) return null;
    const age = now - window.began;
    if (age >= 0 && age < minutes * minuteMs) return window;
    windows.delete(key);
    return null;
  };
  const dropEnded = (now: number): void => {
    let looked = 0;
    for (const [key, { ends }] of windows) {
      if (ends > now || looked === endedAtOnce) return;
      windows.delete(key);
      looked += 1;
    }
  };
  return {
    add(sender: string, recipients: number, quota: Quota, now: number): void {
      const key = keyOf(sender);
      const ends = now + quota.minutes * minuteMs;
      const window = windowOf(key, quota, now);
      if (window) window.recipients += recipients;
      else windows.set(key, { began: now, ends, recipients });
      dropEnded(now);
      if (windows.size > most) windows.delete(windows.keys().next().value as string);
    },
    /** True where the quota is crossed, so that the next message has to wait. */
    isCrossed(sender: string, quota: Quota, now: number): boolean {
      const window = windowOf(keyOf(sender), quota, now);
      return window !== null && window.recipients > quota.maxRecipients;
    },
    get size(): number {
      return windows.size;
    },
  };
};
export type RecipientCounts = ReturnType<typeof recipientCounts>;
