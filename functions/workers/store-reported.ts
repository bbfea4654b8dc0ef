import { desiredOf } from '../../shared/domain/desired.ts';
import { originOf } from '../../shared/domain/origin.ts';
import {
  isEdited,
  nextReport,
  nextUnreadable,
  readReport,
  reportDiffers,
  saidOf,
  type Unreadable,
} from '../../shared/domain/status.ts';
import {
  inventoryReported,
  inventoryShadow,
  type ReportStatus,
  type SmtpReported,
  smtpShadow,
} from '../../shared/messages/shadow.ts';
import { issuesOf } from '../lib/issues.ts';
import { logger } from '../lib/logger.ts';
import { readHead } from '../stores/heads.ts';
import { sha256 } from '../stores/objects.ts';
import { getShadow } from '../stores/shadows.ts';
import { putInventory, putReport, putReported, type ScannerState } from '../stores/status.ts';
import { tellReported } from './tell.ts';

/** What is read and written to store what is reported; an argument, so that a test can play any order of them. */
export interface Edges {
  getShadow: typeof getShadow;
  readHead: typeof readHead;
  putReport: typeof putReport;
  putReported: typeof putReported;
  putInventory: typeof putInventory;
  now: () => Date;
}

const stores: Edges = { getShadow, readHead, putReport, putReported, putInventory, now: () => new Date() };

interface Seen {
  edges: Edges;
  state: ScannerState;
  version: number;
  reported: unknown;
  /** What the shadow desires beside it, whoever wrote that. */
  desired: unknown;
}

/** The version of what is stored, where the shadow's own is below it: its versions have begun again. */
const begunAgain = (
  stored: { epoch: string; shadowVersion: number } | undefined,
  { state, version }: Seen,
): number | undefined =>
  stored?.epoch === state.scanner.epoch && version < stored.shadowVersion ? stored.shadowVersion : undefined;

/** The newest revision that a report speaks of. */
const spokenOf = ({ status, revision }: SmtpReported): number => Math.max(status.revision, revision ?? 0);

/** What a Scanner can speak of at most; read again where it seems to speak of more: a revision may have been made since the state was read. */
const isKnown = async ({ edges, state: { head, scanner } }: Seen, report: SmtpReported): Promise<boolean> => {
  const newest = spokenOf(report);
  return newest <= head.revision || newest <= (await edges.readHead(scanner.scannerId)).revision;
};

/** Nothing that is known moves; that there is a report which cannot be taken is seen in the Scanner's conditions. */
const storeUnreadable = async (seen: Seen, why: Omit<Unreadable, 'at'>): Promise<void> => {
  const { edges, state } = seen;
  const { scannerId, epoch } = state.scanner;
  logger.warn('a report cannot be taken', { scannerId, why: why.message });
  const before = begunAgain(state.report, seen);
  const stored = state.report;
  // Versions that have begun again are below the one that is known: the store asks for that one instead.
  const known = stored && before !== undefined ? { ...stored, shadowVersion: 0 } : stored;
  const what = { epoch, shadowVersion: seen.version, ...why };
  const next = nextUnreadable(known, what, edges.now().toISOString());
  if (next) await edges.putReport(scannerId, next, before);
};

/** What is said of a revision is kept with that revision also where it comes too late to move the status. */
const storeReport = async (seen: Seen): Promise<boolean> => {
  const { edges, state, version, reported, desired } = seen;
  const { scannerId, epoch } = state.scanner;
  const read = readReport(reported);
  if (read.unreadable !== undefined) {
    await storeUnreadable(seen, { message: read.unreadable });
    return false;
  }
  const { report } = read;
  if (!(await isKnown(seen, report))) {
    const message = `What is reported is of revision ${spokenOf(report)}, which there is not.`;
    await storeUnreadable(seen, { message, unknownRevision: true });
    return true;
  }
  const now = edges.now();
  const wanted = desiredOf(state.head, sha256);
  if (isEdited(wanted?.smtp, desired, report)) return true;
  const differs = wanted !== null && reportDiffers(state.head, wanted.smtp, report);
  const said = saidOf(report, differs);
  await edges.putReported(scannerId, { ...said, epoch, shadowVersion: version }, now);
  const before = begunAgain(state.report, seen);
  const what = { epoch, shadowVersion: version, reported: report, differs, begunAgain: before !== undefined };
  const next = nextReport(state.report, what, now.toISOString());
  if (next && (await edges.putReport(scannerId, next, before))) tell(seen, said, next.appliedRevision);
  return differs;
};

const tell = ({ edges, state }: Seen, said: ReportStatus, appliedRevision: number | null): void => {
  const known = state.report?.epoch === state.scanner.epoch ? state.report : undefined;
  const first = known?.appliedRevision !== appliedRevision;
  tellReported(said, { origin: originOf(state, said.revision), first }, edges.now());
};

const storeInventory = async (seen: Seen): Promise<boolean> => {
  const { edges, state, version, reported } = seen;
  const { scannerId, epoch } = state.scanner;
  const parsed = inventoryReported.safeParse(reported);
  if (!parsed.success) {
    logger.warn('inventory not understood', { scannerId, issues: issuesOf(parsed.error) });
    return false;
  }
  const inventory = { ...parsed.data, epoch, shadowVersion: version };
  await edges.putInventory(scannerId, inventory, begunAgain(state.inventory, seen));
  return false;
};

const storing: Record<string, (seen: Seen) => Promise<boolean>> = {
  [smtpShadow]: storeReport,
  [inventoryShadow]: storeInventory,
};

/** Shadows in which Scanners report. */
export const reportedShadows: readonly string[] = Object.keys(storing);

/**
 * Stores what a Scanner, of which this is known, reports in a shadow. It is read from the shadow itself: late, doubled and lost events change
 * nothing but the time. What is known may be old: only what was read from a newer shadow replaces what is stored.
 * Answers whether it is to be looked at: it runs the desired revision otherwise than it is desired, could not apply what somebody made of it in the
 * shadow, or speaks of a revision that there is not.
 */
export const storeReported = async (
  state: ScannerState,
  shadow: string,
  edges: Edges = stores,
): Promise<boolean> => {
  const store = storing[shadow];
  const document = store ? await edges.getShadow(state.scanner.scannerId, shadow) : null;
  if (!store || !document?.state.reported) return false;
  const { reported, desired } = document.state;
  return store({ edges, state, version: document.version, reported, desired });
};
