import { nextReport } from '../../shared/domain/status.ts';
import {
  inventoryReported,
  inventoryShadow,
  smtpReported,
  smtpShadow,
} from '../../shared/messages/shadow.ts';
import { logger } from '../lib/logger.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { getShadow } from '../stores/shadows.ts';
import { findState, putInventory, putReport, type ScannerState } from '../stores/status.ts';

/** What the topic rule selects: a key. What was reported is read from the shadow itself. */
interface ReportEvent {
  scannerId: string;
  shadow: string;
}

interface Seen {
  state: ScannerState;
  version: number;
  reported: unknown;
}

const storeReport = async ({ state, version, reported }: Seen): Promise<void> => {
  const parsed = smtpReported.safeParse(reported);
  if (!parsed.success) {
    logger.warn('report not understood', { scannerId: state.scanner.scannerId, issues: parsed.error.issues });
    return;
  }
  const seen = { epoch: state.scanner.epoch, shadowVersion: version, reported: parsed.data };
  const next = nextReport(state.report, seen, new Date().toISOString());
  if (next) await putReport(state.scanner.scannerId, next);
};

const storeInventory = async ({ state, version, reported }: Seen): Promise<void> => {
  const parsed = inventoryReported.safeParse(reported);
  if (!parsed.success) {
    logger.warn('inventory not understood', {
      scannerId: state.scanner.scannerId,
      issues: parsed.error.issues,
    });
    return;
  }
  await putInventory(state.scanner.scannerId, {
    ...parsed.data,
    epoch: state.scanner.epoch,
    shadowVersion: version,
  });
};

const storing: Record<string, (seen: Seen) => Promise<void>> = {
  [smtpShadow]: storeReport,
  [inventoryShadow]: storeInventory,
};

/** Stores what a Scanner reports, read from its shadow: late, doubled and reordered events change nothing. */
export const handler = async ({ scannerId, shadow }: ReportEvent): Promise<void> => {
  const store = storing[shadow];
  const document = store ? await getShadow(scannerId, shadow) : null;
  const state = document ? await findState(scannerId) : null;
  if (!store || !document || !state) return;
  // A shadow that was written back: the Scanner was still connected.
  if (state.scanner.decommissionedAt !== undefined) return reopenClearing(state.scanner);
  if (!document.state.reported) return;
  await store({ state, version: document.version, reported: document.state.reported });
};
