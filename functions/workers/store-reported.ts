import { nextReport } from '../../shared/domain/status.ts';
import {
  inventoryReported,
  inventoryShadow,
  smtpReported,
  smtpShadow,
} from '../../shared/messages/shadow.ts';
import { logger } from '../lib/logger.ts';
import { getShadow } from '../stores/shadows.ts';
import { findState, putInventory, putReport, putReported, type ScannerState } from '../stores/status.ts';

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

/** Stores what a Scanner reports in a shadow, read from the shadow itself: late, doubled and lost events change nothing but the time. */
export const storeReported = async (scannerId: string, shadow: string): Promise<void> => {
  const store = storing[shadow];
  const document = store ? await getShadow(scannerId, shadow) : null;
  const state = document ? await findState(scannerId) : null;
  if (!store || !document?.state.reported || !state) return;
  await store({ state, version: document.version, reported: document.state.reported });
};
