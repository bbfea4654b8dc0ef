import { nextReport } from '../../shared/domain/status.ts';
import {
  inventoryReported,
  inventoryShadow,
  smtpReported,
  smtpShadow,
} from '../../shared/messages/shadow.ts';
import { logger } from '../lib/logger.ts';
import { getShadow } from '../stores/shadows.ts';
import { putInventory, putReport, putReported, type ScannerState } from '../stores/status.ts';

interface Seen {
  state: ScannerState;
  version: number;
  reported: unknown;
}

/** What is said of a revision is kept with that revision also where it comes too late to move the status. */
const storeReport = async ({ state, version, reported }: Seen): Promise<void> => {
  const { scannerId, epoch } = state.scanner;
  const parsed = smtpReported.safeParse(reported);
  if (!parsed.success) {
    logger.warn('report not understood', { scannerId, issues: parsed.error.issues });
    return;
  }
  const now = new Date();
  await putReported(scannerId, { ...parsed.data.status, epoch, shadowVersion: version }, now);
  const seen = { epoch, shadowVersion: version, reported: parsed.data };
  const next = nextReport(state.report, seen, now.toISOString());
  if (next) await putReport(scannerId, next);
};

const storeInventory = async ({ state, version, reported }: Seen): Promise<void> => {
  const { scannerId, epoch } = state.scanner;
  const parsed = inventoryReported.safeParse(reported);
  if (!parsed.success) {
    logger.warn('inventory not understood', { scannerId, issues: parsed.error.issues });
    return;
  }
  await putInventory(scannerId, { ...parsed.data, epoch, shadowVersion: version });
};

const storing: Record<string, (seen: Seen) => Promise<void>> = {
  [smtpShadow]: storeReport,
  [inventoryShadow]: storeInventory,
};

/** Shadows in which Scanners report. */
export const reportedShadows: readonly string[] = Object.keys(storing);

/**
 * Stores what a Scanner, of which this is known, reports in a shadow. It is read from the shadow itself: late, doubled and lost events change
 * nothing but the time. What is known may be old: only what was read from a newer shadow replaces what is stored.
 */
export const storeReported = async (state: ScannerState, shadow: string): Promise<void> => {
  const store = storing[shadow];
  const document = store ? await getShadow(state.scanner.scannerId, shadow) : null;
  if (store && document?.state.reported)
    await store({ state, version: document.version, reported: document.state.reported });
};
