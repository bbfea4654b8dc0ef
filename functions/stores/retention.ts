import { revisionExpiry } from '../../shared/domain/retention.ts';
import { table } from '../../shared/tables.ts';
import { requireEnv } from '../lib/env.ts';

/** How long history is kept, in days, as the operator has set it; 0: for ever. */
const historyDays = (): number => Number(requireEnv('HISTORY_DAYS'));

export const keepsForEver = (): boolean => historyDays() === 0;

/** The time to live of something that became history at `at`, in seconds since 1970; nothing where history is kept for ever. */
export const expiryOf = (at: Date): { [table.ttl]?: number } =>
  keepsForEver() ? {} : { [table.ttl]: Math.ceil(at.getTime() / 1000) + historyDays() * 86_400 };

/** The time to live of a revision superseded at `at`, with the days of grace in which only the sweep still sees it. */
export const expiryOfRevision = (at: Date): number => revisionExpiry(at, historyDays());
