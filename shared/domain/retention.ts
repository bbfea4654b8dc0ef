const daySeconds = 86_400;

/**
 * Days for which a revision that has left retention is still there, unread: whoever was about to name its lists when it left can no
 * longer do so long before they are swept (DESIGN 4).
 */
export const graceDays = 7;

/** When a revision superseded at `at` is deleted, in seconds since 1970: kept `historyDays` days, and the days of grace. */
export const revisionExpiry = (at: Date, historyDays: number): number =>
  Math.ceil(at.getTime() / 1000) + (historyDays + graceDays) * daySeconds;

/** A revision is retained at `at` when it is deleted later than this, in seconds since 1970. */
export const retainedBeyond = (at: Date): number => Math.floor(at.getTime() / 1000) + graceDays * daySeconds;

/** True while a revision may be read and restored; one without a time to live always may. */
export const isRetained = ({ expiresAt }: { expiresAt?: number | undefined }, at: Date): boolean =>
  expiresAt === undefined || expiresAt > retainedBeyond(at);
