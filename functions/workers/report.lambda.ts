import { following } from '../lib/followed.ts';
import { observed } from '../lib/observed.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { askNow } from '../stores/due.ts';
import { getShadow } from '../stores/shadows.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, type ScannerState } from '../stores/status.ts';
import { storeReported } from './store-reported.ts';

/** What the topic rule selects: a key. What was reported is read from the shadow itself. */
interface ReportEvent {
  scannerId: string;
  shadow: string;
}

/** A shadow of a decommissioned Scanner that was written back: it was still connected. */
const turnAway = async ({ scanner }: ScannerState, shadow: string): Promise<void> => {
  if (await getShadow(scanner.scannerId, shadow)) await reopenClearing(scanner);
};

const take = async ({ scannerId, shadow }: ReportEvent): Promise<void> => {
  const state = await findState(scannerId);
  if (!state) return;
  if (state.scanner.decommissionedAt !== undefined) return turnAway(state, shadow);
  // Somebody else has edited the shadow, and the Scanner has followed: it is brought back at once.
  if (await storeReported(state, shadow)) await askNow(scannerId, new Date());
  await refreshStanding(scannerId);
};

/** A Scanner has reported. */
export const handler = observed((event: ReportEvent) =>
  following({ scannerId: event.scannerId }, () => take(event)),
);
