import type { Client } from 'aedes';
import type { ConnectionAccess } from './broker-access.ts';
import type { DisconnectReason, Presence, PresenceSession } from './presence.ts';

/** How many messages are remembered per connection, to deliver once what several of its subscriptions match. */
const rememberedMessages = 1000;

/** One connection that the broker let in. */
export interface Connection {
  readonly client: Client;
  readonly certificate: string;
  readonly access: ConnectionAccess;
  /** Broker counters of messages delivered, newest last. */
  readonly delivered: Set<number>;
  reason?: DisconnectReason;
  session?: PresenceSession;
}

/** True once for each message: the first time it is about to be delivered on this connection. */
export const deliverOnce = ({ delivered }: Connection, counter: number): boolean => {
  if (delivered.has(counter)) return false;
  delivered.add(counter);
  if (delivered.size > rememberedMessages) {
    const [oldest] = delivered;
    if (oldest !== undefined) delivered.delete(oldest);
  }
  return true;
};

/**
 * The connections of the broker, from being let in until the socket is closed, and their lifecycle events. The end
 * of a connection whose place another one took is told after the other's start, the order that the real service
 * may give: who takes the last event for the truth is wrong here too.
 */
export class ConnectionBook {
  readonly #presence: Presence;
  /** Every connection let in, also after its end: aedes publishes a last will when the socket is closed. */
  readonly #known = new WeakMap<Client, Connection>();
  readonly #open = new Set<Connection>();
  /** The connection of each client id that was let in last. */
  readonly #newest = new Map<string, Connection>();
  /** Ended sessions whose successor is not told yet. */
  readonly #held = new Map<string, (() => void)[]>();
  #idle: (() => void) | null = null;

  constructor(presence: Presence) {
    this.#presence = presence;
  }

  of(client: Client): Connection | undefined {
    return this.#known.get(client);
  }

  newestOf(clientId: string): Connection | undefined {
    return this.#newest.get(clientId);
  }

  all(): Connection[] {
    return [...this.#open];
  }

  /** A connection is let in. */
  admit(client: Client, certificate: string, access: ConnectionAccess): void {
    const connection = { client, certificate, access, delivered: new Set<number>() };
    this.#known.set(client, connection);
    this.#open.add(connection);
    this.#newest.set(client.id, connection);
    client.conn.once('close', () => this.#end(connection));
  }

  /** The broker begins to serve a connection. */
  begin(client: Client, ipAddress: string): void {
    const connection = this.#known.get(client);
    if (connection && !client.conn.destroyed)
      connection.session = this.#presence.connected(client.id, connection.certificate, ipAddress);
    this.#tellHeld(client.id);
  }

  /** Settles when every connection is closed and its end told. */
  async drained(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #end(connection: Connection): void {
    const { client, session } = connection;
    const newest = this.#newest.get(client.id);
    this.#open.delete(connection);
    if (newest === connection) {
      this.#newest.delete(client.id);
      this.#tellHeld(client.id);
    }
    if (session) {
      const tell = () => this.#presence.disconnected(session, this.#reasonOf(connection, newest));
      if (newest && newest !== connection && !newest.session) this.#hold(client.id, tell);
      else tell();
    }
    if (this.#open.size === 0) this.#idle?.();
  }

  #reasonOf(connection: Connection, newest: Connection | undefined): DisconnectReason {
    if (connection.reason) return connection.reason;
    // aedes' mark of a DISCONNECT packet, which its types leave out
    const { _disconnected: said } = connection.client as unknown as { _disconnected: boolean };
    if (said) return 'CLIENT_INITIATED_DISCONNECT';
    return newest && newest !== connection ? 'DUPLICATE_CLIENTID' : 'CONNECTION_LOST';
  }

  #hold(clientId: string, tell: () => void): void {
    this.#held.set(clientId, [...(this.#held.get(clientId) ?? []), tell]);
  }

  #tellHeld(clientId: string): void {
    const held = this.#held.get(clientId) ?? [];
    this.#held.delete(clientId);
    for (const tell of held) tell();
  }
}
