import { concerns, nextPresence, type PresenceEvent } from '../../shared/domain/presence.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { retrying } from '../stores/retrying.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, putPresence, type ScannerState } from '../stores/status.ts';

/** What whoever takes a lifecycle event reads and writes; an argument, so that a test can play any order of them. */
export interface Edges {
  findState: typeof findState;
  putPresence: typeof putPresence;
  reopenClearing: typeof reopenClearing;
  refreshStanding: (scannerId: string) => Promise<void>;
  now: () => Date;
  /** Between two tries. */
  pause?: (attempt: number) => Promise<void>;
}

const stores: Edges = { findState, putPresence, reopenClearing, refreshStanding, now: () => new Date() };

/** What a decommissioned Scanner connected for is nothing; that it could is for the worker that clears away to see. */
const turnAway = async ({ scanner }: ScannerState, event: PresenceEvent, edges: Edges): Promise<void> => {
  if (event.eventType === 'connected') await edges.reopenClearing(scanner);
};

/** One try: null when another event was stored meanwhile. */
const take = async (event: PresenceEvent, edges: Edges): Promise<true | null> => {
  const state = await edges.findState(event.clientId);
  if (!state) return true;
  const { scanner, presence } = state;
  if (scanner.decommissionedAt !== undefined) {
    await turnAway(state, event, edges);
    return true;
  }
  if (!concerns(scanner.certificateId, presence, event)) return true;
  const next = nextPresence(presence, event, edges.now());
  if (!next) return true;
  return (await edges.putPresence(event.clientId, { ...next, epoch: scanner.epoch }, presence)) || null;
};

/** Stores whether a Scanner is connected, from the lifecycle events of its connection. */
export const takePresence = async (event: PresenceEvent, edges: Edges = stores): Promise<void> => {
  await retrying(() => take(event, edges), {
    refusal: `The presence of ${event.clientId} changes faster than it can be written.`,
    ...(edges.pause ? { pause: edges.pause } : {}),
  });
  await edges.refreshStanding(event.clientId);
};
