/** How long to wait after failures in a row: doubling from `baseMs` up to `capMs`. */
export interface Backoff {
  baseMs: number;
  capMs: number;
}

/**
 * Milliseconds to wait before the next try, after `failures` (from 1) in a row. Half of it is chance (`random`, 0 to 1), so that
 * a fleet that failed together does not come back together.
 */
export const delayOf = ({ baseMs, capMs }: Backoff, failures: number, random: number): number => {
  const whole = Math.min(capMs, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
};
