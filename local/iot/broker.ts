import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { Aedes, type Client } from 'aedes';
import type { Authority } from './authority.ts';
import type { BrokerAccess } from './broker-access.ts';
import { brokerGate } from './broker-gate.ts';
import type { Certificates } from './certificates.ts';
import { type Connection, ConnectionBook } from './connection-book.ts';
import type { MessageHub, Outlet, Publication } from './message-hub.ts';
import type { DisconnectReason, Presence } from './presence.ts';

/** What else ends with a connection: its persistent session, its last will. */
export interface Ending {
  cleanSession?: boolean;
  preventWillMessage?: boolean;
}

/** The MQTT 3.1.1 broker: TLS with client certificates only, on 127.0.0.1. */
export interface Broker {
  port: number;
  /** Ends the connection of a client id, and with it what is asked for; false when there is none. */
  disconnect(clientId: string, how?: Ending): boolean;
  /** Ends the connections made with a certificate. */
  disconnectCertificate(certificate: string): void;
  /** Ends all connections, tells their ends, and frees the port. */
  close(): Promise<void>;
}

const listen = async (authority: Authority, aedes: Aedes, port: number): Promise<Server> => {
  const server = createServer(
    {
      ...(await authority.serverCertificate()),
      ca: authority.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      noDelay: true, // small messages each way would wait for the other side's delayed acknowledgement
    },
    (socket) => aedes.handle(socket),
  );
  server.on('tlsClientError', () => {}); // a client without a good certificate is refused by TLS itself
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const outletOf = (aedes: Aedes): Outlet => {
  const publish = (publication: Publication): Promise<void> =>
    new Promise((resolve) => {
      const payload = Buffer.from(publication.payload);
      aedes.publish({ cmd: 'publish', dup: false, ...publication, payload }, () => resolve());
    });
  return async (publications) => {
    await Promise.all(publications.map(publish));
  };
};

/**
 * aedes drops what arrives out of the order of its counter, as happens when a QoS 0 message overtakes a QoS 1
 * message; the gate's own memory of what was delivered is exact instead.
 */
const disableOrderFilter = (aedes: Aedes, client: Client): void => {
  const { duplicates } = client as unknown as { duplicates: object };
  Object.defineProperty(duplicates, aedes.id, { get: () => 0, set: () => {} });
};

const end = (connection: Connection, reason: DisconnectReason): void => {
  connection.reason ??= reason;
  connection.client.close();
};

/** Forgets subscriptions of a client and messages that wait for it; one that is connected again has a session of its own. */
const forgetSession = async (aedes: Aedes, client: Client): Promise<void> => {
  const { persistence } = aedes as unknown as { persistence: SessionStore }; // left out of aedes' types
  await persistence.cleanSubscriptions(client);
  const waiting: object[] = [];
  for await (const packet of persistence.outgoingStream(client)) waiting.push(packet);
  for (const packet of waiting) await persistence.outgoingClearMessageId(client, packet);
};

interface SessionStore {
  cleanSubscriptions(client: Client): Promise<unknown>;
  outgoingStream(client: Client): AsyncIterable<object>;
  outgoingClearMessageId(client: Client, packet: object): Promise<unknown>;
}

/** Ends a connection because a call asks for it. */
const endAsAsked = (aedes: Aedes, connection: Connection, how: Ending): void => {
  const { client } = connection;
  if (how.preventWillMessage) Object.assign(client, { will: null, _will: null });
  if (how.cleanSession) client.conn.once('close', () => void forgetSession(aedes, client));
  end(connection, 'API_INITIATED_DISCONNECT');
};

/** Starts the broker on `port`, or a free one for 0. `FIDELITY.md` says what it authenticates and enforces. */
export const startBroker = async (parts: {
  port: number;
  authority: Authority;
  certificates: Certificates;
  access: BrokerAccess;
  hub: MessageHub;
  presence: Presence;
}): Promise<Broker> => {
  const book = new ConnectionBook(parts.presence);
  // No bound on deliveries at once: the clients are ours.
  const aedes = await Aedes.createBroker({ concurrency: 0, ...brokerGate({ ...parts, book }) });
  aedes.on('client', (client) => {
    disableOrderFilter(aedes, client);
    book.begin(client, (client.conn as TLSSocket).remoteAddress ?? '');
  });
  aedes.on('keepaliveTimeout', (client) => {
    const connection = book.of(client);
    if (connection) connection.reason ??= 'MQTT_KEEP_ALIVE_TIMEOUT';
  });
  parts.hub.connect(outletOf(aedes));
  const server = await listen(parts.authority, aedes, parts.port).catch((error: unknown) => {
    aedes.close();
    throw error;
  });

  const close = async (): Promise<void> => {
    const stopped = once(server, 'close');
    server.close();
    for (const connection of book.all()) end(connection, 'SERVER_INITIATED_DISCONNECT');
    await book.drained();
    await new Promise<void>((resolve) => aedes.close(resolve));
    parts.hub.connect(null);
    await stopped;
  };

  return {
    port: (server.address() as AddressInfo).port,
    disconnect: (clientId, how = {}) => {
      const connection = book.newestOf(clientId);
      if (connection) endAsAsked(aedes, connection, how);
      return connection !== undefined;
    },
    disconnectCertificate: (certificate) => {
      for (const connection of book.all())
        if (connection.certificate === certificate) end(connection, 'SERVER_INITIATED_DISCONNECT');
    },
    close,
  };
};
