import type { Presence } from './status.ts';

/** A lifecycle event of IoT Core, as the topic rule selects it (AWS IoT developer guide, "Lifecycle events"). */
export interface PresenceEvent {
  clientId: string;
  eventType: 'connected' | 'disconnected';
  sessionIdentifier: string;
  versionNumber: number;
  /** When it happened, in milliseconds since 1970, give or take two minutes. */
  timestamp?: number;
  /** Id of the certificate that the connection was made with. */
  principalIdentifier?: string;
}

/**
 * Version numbers begin again at 0 after about an hour without a connection, and timestamps are good to two minutes. So of two events that
 * are further apart than this the later one is the newer, whatever their numbers: no count began again in between events that are nearer,
 * and no error of two timestamps is as large.
 */
const sameCountMs = 1_800_000;

const eventTime = (event: PresenceEvent, now: Date): number => event.timestamp ?? now.getTime();

/** Of another session: is it a newer one? Numbers decide within one count, time between counts. */
const isNewer = (stored: Presence, event: PresenceEvent, now: Date): boolean => {
  const later = eventTime(event, now) - (stored.eventAt ?? Date.parse(stored.at));
  return Math.abs(later) > sameCountMs ? later > 0 : event.versionNumber > stored.versionNumber;
};

const isNews = (stored: Presence, event: PresenceEvent, now: Date): boolean =>
  event.sessionIdentifier === stored.sessionIdentifier
    ? event.eventType === 'disconnected' && stored.connected
    : isNewer(stored, event, now);

/**
 * Presence after an event, or null when the event is old news. Events are doubled and out of order, and the disconnect of
 * a session that a newer one took over comes after the new connect: sessions and version numbers decide. Whatever the order, once all
 * events of a history have come, the last session's last event is what is stored. One that is lost is not missed before the next comes.
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
    eventAt: eventTime(event, now),
  };
};

/**
 * True for an event that says something of the Scanner that is registered now: it is of the certificate that was recorded for it, or of the
 * session that is known. Others are late, of a certificate that was replaced or of an earlier registration of the id.
 */
export const concerns = (
  certificateId: string | undefined,
  stored: Presence | undefined,
  event: PresenceEvent,
): boolean =>
  event.principalIdentifier === undefined ||
  event.principalIdentifier === certificateId ||
  event.sessionIdentifier === stored?.sessionIdentifier;
