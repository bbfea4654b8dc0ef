import type { ReportStatus, SmtpDesired, SmtpReported } from '../messages/shadow.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Head } from './configuration.ts';
import type { Due } from './due.ts';

/** What the shadow was last brought to. */
export interface Published {
  /** The registration that it was published for; absent in what was stored before ids could be registered again. */
  epoch?: string;
  revision: number;
  shadowVersion: number;
  at: string;
  /** Where the revision comes from, and since when it is; absent in what was stored before. */
  requestId?: string;
  committedAt?: string;
}

/** What a Scanner last said it runs, and of which try it spoke last. */
export interface Report {
  /** The registration that the report belongs to, and the version of the shadow it was read from. */
  epoch: string;
  shadowVersion: number;
  appliedRevision: number | null;
  appliedRoots: Record<string, string>;
  /** That it reports the desired revision with other settings, as when somebody else has edited its shadow. */
  differs?: boolean;
  appliedAt: string | null;
  lastReport: ReportStatus | null;
}

export interface Presence {
  sessionIdentifier: string;
  versionNumber: number;
  connected: boolean;
  /** When it was stored. */
  at: string;
  /** When the service says that it happened, in milliseconds since 1970, give or take two minutes; absent in what was stored before. */
  eventAt?: number;
  /** The registration that it is of; absent likewise. */
  epoch?: string;
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

/** How far a try has come, of one revision. A Scanner's clock may jump, but its tries go this way. */
const stages: ReportStatus['code'][] = ['applying', 'failed', 'rejected', 'applied'];

const saysMore = (status: ReportStatus, than: ReportStatus): boolean =>
  stages.indexOf(status.code) > stages.indexOf(than.code);

/** Whether a Scanner that says it runs the desired revision reports a member of it that is another than the desired one. */
export const reportDiffers = (head: Head, wanted: SmtpDesired, reported: SmtpReported): boolean => {
  if (reported.revision !== head.revision) return false;
  const { status: _, ...members } = reported;
  const desired = wanted as Record<string, unknown>;
  return Object.entries(members).some(
    ([name, value]) => canonicalJson(value as Json) !== canonicalJson((desired[name] ?? null) as Json),
  );
};

/**
 * What is kept with a revision of what a Scanner says of it. "Applied" means that it runs that revision, settings, lists and all (DESIGN 5):
 * one that says so and runs something else has failed.
 */
export const saidOf = ({ status, revision }: SmtpReported, differs: boolean): ReportStatus =>
  status.code === 'applied' && (differs || revision !== status.revision)
    ? { ...status, code: 'failed', message: 'The Scanner says applied, and reports something else.' }
    : status;

/**
 * A report for an older revision than one applied, or said earlier for the same revision, is out of date (DESIGN 9). The time is of the Scanner's own
 * clock, which may have been set back since: a report that says more than the last one, or that another revision runs now, is none that came late
 * (ADR 0019).
 */
const outOfDate = (stored: Report, { revision, status }: SmtpReported): boolean => {
  const last = stored.lastReport;
  if (stored.appliedRevision !== null && status.revision < stored.appliedRevision) return true;
  if (last === null || status.revision !== last.revision || status.at >= last.at) return false;
  return (revision ?? null) === stored.appliedRevision && !saysMore(status, last);
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
  if (known && (shadowVersion <= known.shadowVersion || outOfDate(known, reported))) return null;
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
