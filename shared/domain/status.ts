import {
  type ReportStatus,
  reportLengths,
  type SmtpDesired,
  type SmtpReported,
  smtpReported,
} from '../messages/shadow.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Head } from './configuration.ts';
import type { Due } from './due.ts';
import { pointerOf } from './pointer.ts';
import { isObject } from './sections.ts';
import { shadowDifference } from './shadow-difference.ts';

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
  /** Since when it does; absent in what was stored before. */
  differsSince?: string;
  /** What it reported since then cannot be taken: why, and since when. Gone with the next report that can. */
  unreadable?: Unreadable;
}

/** Why a report cannot be taken, in words, and when that was seen first. */
export interface Unreadable {
  message: string;
  at: string;
  /** It can be read, but speaks of a revision that there is not. */
  unknownRevision?: true;
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

/** At most so many characters, and no half of a character at the end. */
const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;

/** A message is told shorter; a pointer that is too long is left out, because a shorter one would lead somewhere else. */
const shortened = (reported: unknown): unknown => {
  const { status } = (reported ?? {}) as { status?: unknown };
  if (typeof status !== 'object' || status === null) return reported;
  const { message, pointer, ...rest } = status as { message?: unknown; pointer?: unknown };
  const tooFar = typeof pointer === 'string' && pointer.length > reportLengths.pointer;
  return {
    ...(reported as object),
    status: {
      ...rest,
      ...(message === undefined
        ? {}
        : { message: typeof message === 'string' ? cut(message, reportLengths.message) : message }),
      ...(pointer === undefined || tooFar ? {} : { pointer }),
    },
  };
};

/** What a Scanner reports in the shadow `smtp`; texts that are too long are shortened. In words why not, where it cannot be read. */
export const readReport = (
  reported: unknown,
): { report: SmtpReported; unreadable?: never } | { unreadable: string } => {
  const parsed = smtpReported.safeParse(shortened(reported));
  if (parsed.success) return { report: parsed.data };
  const [issue] = parsed.error.issues;
  const where = pointerOf(issue?.path ?? []);
  return { unreadable: `What is reported${where === '' ? '' : ` at ${where}`} cannot be read.` };
};

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

/** Whether somebody has edited the shadow under the revision that the Scanner speaks of: then that is not what it could not apply. */
export const isEdited = (
  wanted: SmtpDesired | undefined,
  present: unknown,
  { status }: SmtpReported,
): boolean =>
  (status.code === 'rejected' || status.code === 'failed') &&
  isObject(present) &&
  wanted !== undefined &&
  present['revision'] === status.revision &&
  wanted.revision === status.revision &&
  shadowDifference(present, { ...wanted }) !== undefined;

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

const readableAgain = ({ unreadable: _, ...known }: Report): Report => known;

/** What was read from a shadow of a registration. */
interface SeenReport {
  epoch: string;
  shadowVersion: number;
  reported: SmtpReported;
  /** That it is another than the desired one of the same revision. */
  differs?: boolean;
  /** That the shadow's versions have begun again: what is stored was read before that, whatever its version. */
  begunAgain?: boolean;
}

/**
 * What to store after reading a shadow, or null when what is stored is as new: reports come late, doubled and out of
 * order, and the status never moves backwards. Nothing of an earlier registration counts, and since when something is so stays as long as it is.
 */
export const nextReport = (stored: Report | undefined, seen: SeenReport, now: string): Report | null => {
  const { epoch, shadowVersion, reported, differs = false, begunAgain = false } = seen;
  const known = stored?.epoch === epoch ? stored : undefined;
  if (known && !begunAgain) {
    if (shadowVersion <= known.shadowVersion) return null;
    if (outOfDate(known, reported))
      return known.unreadable ? { ...readableAgain(known), shadowVersion } : null;
  }
  const appliedRevision = reported.revision ?? null;
  const same = known !== undefined && known.appliedRevision === appliedRevision;
  return {
    epoch,
    shadowVersion,
    appliedRevision,
    appliedRoots: rootsOf(reported),
    appliedAt: appliedRevision === null ? null : same ? known.appliedAt : now,
    lastReport: reported.status,
    ...(differs ? { differs, differsSince: known?.differsSince ?? now } : {}),
  };
};

/**
 * What to store after reading a report that cannot be taken, or null when what is stored is as new: all that was known stays, no revision moves,
 * and that there is such a report is kept until there is one that can be taken.
 */
export const nextUnreadable = (
  stored: Report | undefined,
  seen: { epoch: string; shadowVersion: number } & Omit<Unreadable, 'at'>,
  now: string,
): Report | null => {
  const { epoch, shadowVersion, ...why } = seen;
  const known = stored?.epoch === epoch ? stored : undefined;
  if (known && shadowVersion <= known.shadowVersion) return null;
  const nothing = { appliedRevision: null, appliedRoots: {}, appliedAt: null, lastReport: null };
  return {
    ...(known ?? nothing),
    epoch,
    shadowVersion,
    unreadable: { ...why, at: known?.unreadable?.at ?? now },
  };
};
