import type { TLSSocket } from 'node:tls';
import type { AedesOptions, AuthenticateError, Client, PublishPacket } from 'aedes';
import type { BrokerAccess } from './broker-access.ts';
import { type Certificates, certificateId } from './certificates.ts';
import { type ConnectionBook, deliverOnce } from './connection-book.ts';
import type { MessageHub } from './message-hub.ts';
import type { DisconnectReason } from './presence.ts';

/** Most bytes of a message ("AWS IoT Core message broker and protocol limits"). */
export const maxMessageBytes = 128 * 1024;

type Hook<K extends keyof AedesOptions> = NonNullable<AedesOptions[K]>;

/** What the broker asks before it lets a client in, takes a message, grants a filter or delivers a message. */
export interface BrokerGate {
  authenticate: Hook<'authenticate'>;
  authorizePublish: Hook<'authorizePublish'>;
  authorizeSubscribe: Hook<'authorizeSubscribe'>;
  authorizeForward: Hook<'authorizeForward'>;
}

/** The certificate that TLS has verified against the authority. */
const peerCertificateId = (client: Client): string | undefined => {
  const raw: Buffer | undefined = (client.conn as TLSSocket).getPeerCertificate().raw;
  return raw && certificateId(raw);
};

const notAuthorized = (message: string): AuthenticateError =>
  Object.assign(new Error(message), { returnCode: 5 });

const authenticator =
  (certificates: Certificates, access: BrokerAccess, book: ConnectionBook): BrokerGate['authenticate'] =>
  (client, _user, _password, done) => {
    const id = peerCertificateId(client);
    if (id === undefined || certificates.find(id)?.status !== 'ACTIVE')
      return done(notAuthorized('the certificate is not registered and active'), null);
    const allowed = access.of(client.id, id);
    if (!allowed.connect()) return done(notAuthorized('no policy allows this connection'), null);
    if (client.conn.destroyed) return done(notAuthorized('the connection is gone'), null);
    book.admit(client, id, allowed);
    done(null, true);
  };

/** Ends the connection, as the real broker does, and remembers why for its lifecycle event. */
const refuse = (book: ConnectionBook, client: Client, reason: DisconnectReason, message: string): Error => {
  const connection = book.of(client);
  if (connection) connection.reason ??= reason;
  return new Error(message);
};

const checkPublish = (book: ConnectionBook, client: Client, packet: PublishPacket): Error | null => {
  if (packet.qos === 2) return refuse(book, client, 'CLIENT_ERROR', 'QoS 2 is not supported');
  if (packet.payload.length > maxMessageBytes)
    return refuse(book, client, 'CLIENT_ERROR', 'the message is larger than 128 KB');
  if (!book.of(client)?.access.publish(packet.topic, packet.retain))
    return refuse(book, client, 'AUTH_ERROR', `not allowed to publish to ${packet.topic}`);
  return null;
};

/** Runs before the PUBACK: what the message causes is committed when the client hears that it arrived. */
const publishing =
  (hub: MessageHub, book: ConnectionBook): BrokerGate['authorizePublish'] =>
  (client, packet, done) => {
    if (!client) return done(null);
    const error = checkPublish(book, client, packet);
    if (error) return done(error);
    const { will } = client as unknown as { will?: unknown }; // left out of aedes' types
    const message = {
      topic: packet.topic,
      payload: Buffer.from(packet.payload),
      clientId: client.id,
      lastWill: packet === will,
    };
    let answer: () => Promise<void>;
    try {
      answer = hub.receive(message);
    } catch (failure) {
      return done(refuse(book, client, 'SERVER_ERROR', `the message could not be kept: ${failure}`));
    }
    done(null);
    void answer();
  };

/** The hooks of the broker. A refused publish ends the connection; a refused filter is answered 0x80. */
export const brokerGate = (parts: {
  certificates: Certificates;
  access: BrokerAccess;
  hub: MessageHub;
  book: ConnectionBook;
}): BrokerGate => {
  const { certificates, access, hub, book } = parts;
  return {
    authenticate: authenticator(certificates, access, book),
    authorizePublish: publishing(hub, book),
    authorizeSubscribe: (client, subscription, done) => {
      const allowed = book.of(client)?.access.subscribe(subscription.topic) ?? false;
      const qos = subscription.qos === 2 ? 1 : subscription.qos;
      done(null, allowed ? { ...subscription, qos } : null);
    },
    authorizeForward: (client, packet) => {
      const connection = book.of(client);
      if (!connection?.access.receive(packet.topic)) return null;
      return deliverOnce(connection, packet.brokerCounter) ? packet : null;
    },
  };
};
