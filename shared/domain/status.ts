import type { ReportStatus, SmtpReported } from '../messages/shadow.ts';
import type { Due } from './due.ts';

/** What the shadow was last brought to. */
export interface Published {
  revision: number;
  shadowVersion: number;
  at: string;
}

/** What a Scanner last said it runs, and of which try it spoke last. */
export interface Report {
  /** The registration that the report belongs to, and the version of the shadow it was read from. */
  epoch: string;
  shadowVersion: number;
  appliedRevision: number | null;
  appliedRoots: Record<string, string>;
  appliedAt: string | null;
  lastReport: ReportStatus | null;
}

export interface Presence {
  sessionIdentifier: string;
  versionNumber: number;
  connected: boolean;
  at: string;
}

/** Status items of a Scanner, each written by one worker alone. */
export interface StatusItems {
  published?: Published;
  report?: Report;
  presence?: Presence;
  due?: Due;
}

const rootsOf = (reported: SmtpReported): Record<string, string> =>
  Object.fromEntries(
    Object.entries(reported.lists ?? {}).flatMap(([name, list]) => (list ? [[name, list.root]] : [])),
  );

/** A report for an older revision than one applied, or said earlier for the same revision, is out of date (DESIGN 9). */
const outOfDate = (stored: Report, status: ReportStatus): boolean => {
  const last = stored.lastReport;
  if (stored.appliedRevision !== null && status.revision < stored.appliedRevision) return true;
  return last !== null && status.revision === last.revision && status.at < last.at;
};

/**
 * What to store after reading a shadow, or null when what is stored is as new: reports come late, doubled and out of
 * order, and the status never moves backwards.
 */
export const nextReport = (
  stored: Report | undefined,
  seen: { epoch: string; shadowVersion: number; reported: SmtpReported },
  now: string,
): Report | null => {
  const { epoch, shadowVersion, reported } = seen;
  const known = stored?.epoch === epoch ? stored : undefined;
  if (known && (shadowVersion <= known.shadowVersion || outOfDate(known, reported.status))) return null;
  const appliedRevision = reported.revision ?? null;
  const same = known !== undefined && known.appliedRevision === appliedRevision;
  return {
    epoch,
    shadowVersion,
    appliedRevision,
    appliedRoots: rootsOf(reported),
    appliedAt: appliedRevision === null ? null : same ? known.appliedAt : now,
    lastReport: reported.status,
  };
};
