import { concerns, nextPresence, type PresenceEvent } from '../../shared/domain/presence.ts';
import { following } from '../lib/followed.ts';
import { observed } from '../lib/observed.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { retrying } from '../stores/retrying.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, putPresence, type ScannerState } from '../stores/status.ts';

/** What a decommissioned Scanner connected for is nothing; that it could is for the worker that clears away to see. */
const turnAway = async ({ scanner }: ScannerState, event: PresenceEvent): Promise<void> => {
  if (event.eventType === 'connected') await reopenClearing(scanner);
};

/** One try: null when another event was stored meanwhile. */
const take = async (event: PresenceEvent): Promise<true | null> => {
  const state = await findState(event.clientId);
  if (!state) return true;
  const { scanner, presence } = state;
  if (scanner.decommissionedAt !== undefined) {
    await turnAway(state, event);
    return true;
  }
  if (!concerns(scanner.certificateId, presence, event)) return true;
  const next = nextPresence(presence, event, new Date());
  if (!next) return true;
  return (await putPresence(event.clientId, { ...next, epoch: scanner.epoch }, presence)) || null;
};

const store = async (event: PresenceEvent): Promise<void> => {
  await retrying(() => take(event), {
    refusal: `The presence of ${event.clientId} changes faster than it can be written.`,
  });
  await refreshStanding(event.clientId);
};

/** Stores whether a Scanner is connected, from the lifecycle events of its connection. */
export const handler = observed((event: PresenceEvent) =>
  following({ scannerId: event.clientId }, () => store(event)),
);
