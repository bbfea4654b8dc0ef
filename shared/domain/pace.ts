/**
 * How operations are held to a rate, by the generic cell rate algorithm (ITU-T I.371, annex A): a lane is booked until some time, whoever comes
 * books behind that the time which its operations take at the rate, and goes a little before its turn: time that was not used for a second may
 * be made up for at once, no more.
 */
export interface Rate {
  /** Operations a second. */
  perSecond: number;
}

/** Milliseconds of unused time that may be made up for. */
const burstMs = 1000;

/** Longest time that an operation may have to wait, in milliseconds; who would wait longer comes again later. */
export const longestWaitMs = 40_000;

/** Milliseconds that some operations take at a rate. */
export const bookingMs = (operations: number, { perSecond }: Rate): number => (operations * 1000) / perSecond;

/** After how many milliseconds from `now` operations may go whose turn begins at `begin` (both in milliseconds of the epoch). */
export const delayUntil = (begin: number, now: number): number => Math.max(0, begin - burstMs - now);
