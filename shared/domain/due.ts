import { AppError } from '../errors.ts';

/**
 * When somebody looks at a Scanner again (ADR 0015): each Scanner has one such time, so that what no event told is found all the same. After
 * a failure it comes soon, and later with each further one.
 */
export interface Due {
  scannerId: string;
  /** ISO 8601. */
  at: string;
  /** Failures since the last success; absent where there was only somebody who asked. */
  failures?: number;
  lastError?: Failure;
  /** When an operator asked for a look at once; gone when it was taken. */
  askedAt?: string;
  /** The request by which. */
  askedRequestId?: string;
  /** Counts the writes of this item, from 1. */
  version: number;
}

export interface Failure {
  /** A code of the error table, or the name of an error that has none. */
  code: string;
  message: string;
  at: string;
}

const later = (now: Date, ms: number): string => new Date(now.getTime() + ms).toISOString();

const periodMs = (minutes: number): number => minutes * 60_000;

/** A time between three quarters and five quarters of a period away, by a number from 0 to 1: Scanners registered together drift apart. */
export const nextLook = (now: Date, periodMinutes: number, random: number): string =>
  later(now, periodMs(periodMinutes) * (0.75 + 0.5 * random));

const firstBackoffMs = 4000;

/** A time after the n-th failure in a row: twice as far each time, at most a period, and spread over half of that. */
export const nextTry = (now: Date, failures: number, periodMinutes: number, random: number): string => {
  const longest = Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 20), periodMs(periodMinutes));
  return later(now, longest * (0.5 + 0.5 * random));
};

const longestMessage = 500;

/** What is kept of an error: as much as tells an operator where to look. Words that are not ours may name an account and its roles: the log has them. */
export const failureOf = (error: unknown, at: Date): Failure => {
  const failure =
    error instanceof AppError
      ? { code: error.code, message: error.message.slice(0, longestMessage) }
      : { code: error instanceof Error ? error.name : 'Error', message: 'The log has what was said.' };
  return { ...failure, at: at.toISOString() };
};
