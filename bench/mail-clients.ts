import { once } from 'node:events';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** Where a client connects to, and from. */
export interface Where {
  port: number;
  at?: string;
  from?: string;
}

export interface Client extends Where {
  /** Uses STARTTLS, and fails without it; left out, STARTTLS is not used. */
  tls?: ConnectionOptions;
  user?: { name: string; password: string };
}

export interface Mail {
  from?: string;
  to?: string | string[];
  text?: string;
}

/** A server's refusal, as the client library tells it. */
interface Refusal extends Error {
  command?: string;
  response?: string;
  code?: string;
}

/** Which command was refused, and how: `CONN: 554 5.7.1 …`. */
const told = (error: unknown): string => {
  const { command = '', response, code, message } = error as Refusal;
  return `${command}: ${response ?? `${code} ${message}`}`;
};

type Callback = (error?: Error | null) => void;

/** Waits for an act of a connection, which may instead end with an event of it. */
const outcome = <T>(connection: SMTPConnection, act: (done: Callback) => T): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (error: Error) => reject(error);
  // The reply before the end says more, and is told after it.
  const ended = () => setImmediate(() => reject(new Error('the server has ended the connection')));
  connection.once('error', failed);
  connection.once('end', ended);
  act((error) => (error ? reject(error) : resolve()));
  return promise.finally(() => {
    connection.off('error', failed);
    connection.off('end', ended);
  });
};

export interface Session {
  /** What the server said to EHLO, after STARTTLS where that was used. */
  offered: string;
  /** Sends a message. Answers what is said to it, be it taken or refused. */
  send(mail?: Mail): Promise<string>;
  /** Says QUIT, and waits for the end. */
  quit(): Promise<void>;
  close(): void;
}

/** Opens a session with an SMTP client library. @throws Refusal */
export const openSession = async ({ port, at = '127.0.0.1', from, tls, user }: Client): Promise<Session> => {
  const connection = new SMTPConnection({
    host: at,
    port,
    name: 'client.example',
    ...(from === undefined ? {} : { localAddress: from }),
    ...(tls ? { requireTLS: true, tls: { rejectUnauthorized: false, ...tls } } : { ignoreTLS: true }),
    logger: false,
    allowInternalNetworkInterfaces: true,
    socketCloseTimeout: 0,
  });
  connection.on('error', () => undefined);
  try {
    await outcome(connection, (done) => connection.connect(done));
    const offered = String(connection.lastServerResponse);
    if (user)
      await outcome(connection, (done) => connection.login({ user: user.name, pass: user.password }, done));
    return {
      offered,
      async send({ from: sender = 'sender@there.example', to = 'one@here.example', text = 'Hello' } = {}) {
        let response = '';
        try {
          await outcome(connection, (done) =>
            connection.send(
              { from: sender, to },
              `From: <${sender}>\r\nTo: <${to}>\r\nSubject: a test\r\n\r\n${text}\r\n`,
              (error, info) => {
                response = info?.response ?? '';
                done(error);
              },
            ),
          );
          return response;
        } catch (error) {
          return told(error);
        }
      },
      async quit() {
        const ended = once(connection, 'end');
        connection.quit();
        await ended;
      },
      close: () => connection.close(),
    };
  } catch (error) {
    connection.close();
    throw error;
  }
};

/** What a client is told that sends one message: `250 …`, or the refusal and the command that it was for. */
export const visit = async (client: Client, mail: Mail = {}): Promise<string> => {
  try {
    const session = await openSession(client);
    const answer = await session.send(mail);
    session.close();
    return answer;
  } catch (error) {
    return told(error);
  }
};

/** Says lines to a server, each after the reply to the one before. Answers the greeting and all replies, as far as they come. */
export const speak = async (
  { port, at = '127.0.0.1', from }: Where,
  lines: readonly string[],
): Promise<string[]> => {
  const socket = connect({ host: at, port, ...(from === undefined ? {} : { localAddress: from }) });
  socket.setEncoding('latin1');
  const replies: string[] = [];
  let text = '';
  try {
    for await (const piece of socket) {
      text += piece;
      if (!/^\d{3} .*\r\n$/m.test(text)) continue;
      replies.push(text.trimEnd());
      text = '';
      const next = lines[replies.length - 1];
      if (next === undefined) break;
      socket.write(`${next}\r\n`);
    }
  } finally {
    socket.destroy();
  }
  return replies;
};

/** A message as it came to a host. */
export interface Arrived {
  /** The address that it came from. */
  client: string;
  from: string;
  to: string[];
  text: string;
}

/** A host that mail is delivered to. */
export interface MailHost {
  port: number;
  arrived: Arrived[];
  close(): Promise<void>;
}

const readAll = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
};

/** Starts a host, which takes all mail; on a free port of loopback where nothing else is said. */
export const startHost = async (
  more: SMTPServerOptions = {},
  { at = '127.0.0.1', port = 0 }: Partial<Where> = {},
): Promise<MailHost> => {
  const arrived: Arrived[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    disableReverseLookup: true,
    onData(stream, { envelope, remoteAddress }, done) {
      readAll(stream).then((text) => {
        const { mailFrom, rcptTo } = envelope;
        arrived.push({
          client: remoteAddress,
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text,
        });
        done();
      }, done);
    },
    ...more,
  });
  server.on('error', () => undefined);
  const listening = server.listen(port, at);
  await once(listening, 'listening');
  return {
    port: (listening.address() as { port: number }).port,
    arrived,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};
