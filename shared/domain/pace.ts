/**
 * How operations are held to a rate, by the generic cell rate algorithm (ITU-T I.371, annex A) without any tolerance: a lane is booked until
 * some time, and whoever comes goes then, and books behind it the time which its operations take at the rate. Time that was not used is not made up for.
 */
export interface Rate {
  /** Operations a second. */
  perSecond: number;
}

/** Longest time that an operation may have to wait, in milliseconds; who would wait longer comes again later. */
export const longestWaitMs = 40_000;

/** Milliseconds that some operations take at a rate. */
export const bookingMs = (operations: number, { perSecond }: Rate): number => (operations * 1000) / perSecond;

/** After how many milliseconds from `now` operations may go whose turn begins at `begin` (both in milliseconds of the epoch). */
export const delayUntil = (begin: number, now: number): number => Math.max(0, begin - now);
