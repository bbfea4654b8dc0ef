import type { Presence } from './status.ts';

/** A lifecycle event of IoT Core, as the topic rule selects it (AWS IoT developer guide, "Lifecycle events"). */
export interface PresenceEvent {
  clientId: string;
  eventType: 'connected' | 'disconnected';
  sessionIdentifier: string;
  versionNumber: number;
}

/** Version numbers begin again at 0 after about an hour without a connection. */
const resetAfterMs = 3_600_000;

const numberBeganAgain = (stored: Presence, now: Date): boolean =>
  !stored.connected && now.getTime() - Date.parse(stored.at) >= resetAfterMs;

const isNews = (stored: Presence, event: PresenceEvent, now: Date): boolean => {
  if (event.sessionIdentifier === stored.sessionIdentifier)
    return event.eventType === 'disconnected' && stored.connected;
  return (
    event.versionNumber > stored.versionNumber ||
    (event.eventType === 'connected' && numberBeganAgain(stored, now))
  );
};

/**
 * Presence after an event, or null when the event is old news. Events are doubled and out of order, and the disconnect of
 * a session that a newer one took over comes after the new connect: sessions and version numbers decide, never timestamps.
 */
export const nextPresence = (
  stored: Presence | undefined,
  event: PresenceEvent,
  now: Date,
): Presence | null => {
  if (stored && !isNews(stored, event, now)) return null;
  return {
    sessionIdentifier: event.sessionIdentifier,
    versionNumber: event.versionNumber,
    connected: event.eventType === 'connected',
    at: now.toISOString(),
  };
};
