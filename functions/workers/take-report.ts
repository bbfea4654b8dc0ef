import { reopenClearing } from '../stores/decommissions.ts';
import { askNow } from '../stores/due.ts';
import { getShadow } from '../stores/shadows.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, type ScannerState } from '../stores/status.ts';
import { storeReported } from './store-reported.ts';

/** What the topic rule selects: a key. What was reported is read from the shadow itself. */
export interface ReportEvent {
  scannerId: string;
  shadow: string;
}

/** What whoever takes a report reads and writes; an argument, so that a test can play any order of them. */
export interface Edges {
  findState: typeof findState;
  getShadow: typeof getShadow;
  storeReported: (state: ScannerState, shadow: string) => Promise<boolean>;
  reopenClearing: typeof reopenClearing;
  askNow: typeof askNow;
  refreshStanding: (scannerId: string) => Promise<void>;
  now: () => Date;
}

const stores: Edges = {
  findState,
  getShadow,
  storeReported,
  reopenClearing,
  askNow,
  refreshStanding,
  now: () => new Date(),
};

/** A shadow of a decommissioned Scanner that was written back: it was still connected. */
const turnAway = async ({ scanner }: ScannerState, shadow: string, edges: Edges): Promise<void> => {
  if (await edges.getShadow(scanner.scannerId, shadow)) await edges.reopenClearing(scanner);
};

/** Stores what a Scanner has reported. */
export const takeReport = async (
  { scannerId, shadow }: ReportEvent,
  edges: Edges = stores,
): Promise<void> => {
  const state = await edges.findState(scannerId);
  if (!state) return;
  if (state.scanner.decommissionedAt !== undefined) return turnAway(state, shadow, edges);
  // Somebody else has edited the shadow, and the Scanner has followed: it is brought back at once.
  if (await edges.storeReported(state, shadow)) await edges.askNow(scannerId, edges.now());
  await edges.refreshStanding(scannerId);
};
