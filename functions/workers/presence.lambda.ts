import { nextPresence, type PresenceEvent } from '../../shared/domain/presence.ts';
import { AppError } from '../../shared/errors.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, putPresence } from '../stores/status.ts';

const attempts = 5;

const store = async (event: PresenceEvent): Promise<void> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const state = await findState(event.clientId);
    if (!state) return;
    const next = nextPresence(state.presence, event, new Date());
    if (!next || (await putPresence(event.clientId, next, state.presence))) return;
  }
  throw new AppError('THROTTLED', `The presence of ${event.clientId} changes faster than it can be written.`);
};

/** Stores whether a Scanner is connected, from the lifecycle events of its connection. */
export const handler = async (event: PresenceEvent): Promise<void> => {
  await store(event);
  await refreshStanding(event.clientId);
};
