import type { State } from '../state.ts';
import type { MessageHub } from './message-hub.ts';
import type { ServiceMessage } from './shadow-messages.ts';

/** Why a connection ended ("Lifecycle events", AWS IoT developer guide); those that the embedded broker has. */
export type DisconnectReason =
  | 'API_INITIATED_DISCONNECT'
  | 'AUTH_ERROR'
  | 'CLIENT_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_ERROR'
  | 'SERVER_INITIATED_DISCONNECT';

/** One connection of a client. `version` grows with each connection of the client id. */
export interface PresenceSession {
  clientId: string;
  session: string;
  version: number;
  certificate: string;
}

/** Lifecycle events: who is connected, told to rules and subscribers. */
export interface Presence {
  connected(clientId: string, certificate: string, ipAddress: string): PresenceSession;
  disconnected(session: PresenceSession, reason: DisconnectReason): void;
  /** Ends the sessions that a former process left open when it died. */
  endAbandoned(): void;
}

/** After this long without a connection the version number starts again from 0. */
const forgetMs = 3600 * 1000;

const schema = `
CREATE TABLE IF NOT EXISTS iot_session (
  client_id TEXT PRIMARY KEY, session TEXT NOT NULL, version INTEGER NOT NULL, certificate TEXT NOT NULL,
  ended_at INTEGER -- null while connected
) STRICT, WITHOUT ROWID`;

interface Row {
  client_id: string;
  session: string;
  version: number;
  certificate: string;
  ended_at: number | null;
}

const eventOf = (
  eventType: 'connected' | 'disconnected',
  { clientId, session, version, certificate }: PresenceSession,
  at: number,
  more: Record<string, string | boolean>,
): ServiceMessage[] =>
  /[#+]/.test(clientId) // such clients get no lifecycle events
    ? []
    : [
        {
          topic: `$aws/events/presence/${eventType}/${clientId}`,
          payload: {
            clientId,
            timestamp: at,
            eventType,
            sessionIdentifier: session,
            principalIdentifier: certificate,
            ...more,
            versionNumber: version,
          },
        },
      ];

/** Opens the sessions kept in `state`. Each event is in one transaction with what it says. */
export const openPresence = (
  state: State,
  hub: MessageHub,
  now: () => Date,
  newId: () => string,
): Presence => {
  const { db } = state;
  db.exec(schema);
  const select = db.prepare('SELECT * FROM iot_session WHERE client_id = ?');
  const put = db.prepare('INSERT OR REPLACE INTO iot_session VALUES (?, ?, ?, ?, NULL)');
  const end = db.prepare('UPDATE iot_session SET ended_at = ? WHERE client_id = ? AND session = ?');

  const nextVersion = (clientId: string, at: number): number => {
    const row = select.get(clientId) as Row | undefined;
    if (!row || (row.ended_at !== null && at - row.ended_at >= forgetMs)) return 0;
    return row.version + 1;
  };

  const connected = (clientId: string, certificate: string, ipAddress: string): PresenceSession => {
    const at = now().getTime();
    const session = { clientId, session: newId(), version: nextVersion(clientId, at), certificate };
    hub.announce(() => {
      put.run(clientId, session.session, session.version, certificate);
      return eventOf('connected', session, at, { ipAddress });
    });
    return session;
  };

  const disconnected = (session: PresenceSession, disconnectReason: DisconnectReason): void => {
    const at = now().getTime();
    const clientInitiatedDisconnect = disconnectReason === 'CLIENT_INITIATED_DISCONNECT';
    hub.announce(() => {
      end.run(at, session.clientId, session.session);
      return eventOf('disconnected', session, at, { clientInitiatedDisconnect, disconnectReason });
    });
  };

  const endAbandoned = (): void => {
    const rows = db.prepare('SELECT * FROM iot_session WHERE ended_at IS NULL').all() as unknown as Row[];
    for (const { client_id: clientId, session, version, certificate } of rows)
      disconnected({ clientId, session, version, certificate }, 'SERVER_ERROR');
  };

  return { connected, disconnected, endAbandoned };
};
