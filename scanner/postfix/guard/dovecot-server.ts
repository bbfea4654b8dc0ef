import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  type ClientLine,
  continued,
  failed,
  greeting,
  longestLine,
  readClientLine,
  succeeded,
} from './dovecot-protocol.ts';
import { lineReader } from './lines.ts';
import { beginExchange, type Credentials, type Step } from './sasl.ts';

/** Who asks: the listener and version that Postfix names as its service, and what is known of the session. */
export interface Asker {
  service: string;
  client: string;
  secured: boolean;
}

export type Verdict = 'accepted' | 'refused' | 'unavailable';
/** Says itself in the log why it is unavailable. */
export type Authenticate = (credentials: Credentials, asker: Asker) => Promise<Verdict>;

export interface AuthOptions {
  authenticate: Authenticate;
  /** Milliseconds that an answer may take. Postfix waits for 10 seconds (xsasl_dovecot_server.c, AUTH_TIMEOUT). */
  withinMs: number;
  log: (line: string) => void;
}

/** Exchanges that one connection may have open; Postfix has one. */
const mostExchanges = 16;

const reason = 'the name or the password is wrong';

interface Exchange {
  asker: Asker;
  next: (response: string) => Step;
}

const within = (answer: Promise<Verdict>, ms: number): Promise<Verdict> => {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const timer = setTimeout(() => resolve('unavailable'), ms);
  answer.then(resolve, () => resolve('unavailable')).finally(() => clearTimeout(timer));
  return promise;
};

/** The exchanges of one connection. */
const conversation = (socket: Socket, { authenticate, withinMs, log }: AuthOptions) => {
  const exchanges = new Map<string, Exchange>();
  const send = (text: string) => {
    if (!socket.destroyed) socket.write(text);
  };

  /** Postfix 3.7 takes every FAIL for a wrong password. Only a lost connection is to it a failure that passes (454). */
  const judge = async (id: string, credentials: Credentials, asker: Asker): Promise<void> => {
    const verdict = await within(authenticate(credentials, asker), withinMs);
    if (verdict === 'accepted') return send(succeeded(id, credentials.name));
    if (verdict === 'unavailable') return void socket.destroy();
    log(`authentication refused for a client at ${asker.client}`);
    send(failed(id, reason));
  };

  const take = (id: string, asker: Asker, step: Step): void => {
    if (step.kind === 'credentials') void judge(id, step.credentials, asker);
    else if (step.kind === 'malformed') send(failed(id, reason));
    else if (exchanges.size >= mostExchanges) send(failed(id, 'too many exchanges are open'));
    else {
      exchanges.set(id, { asker, next: step.next });
      send(continued(id, step.challenge));
    }
  };

  const goOn = (id: string, response: string): void => {
    const exchange = exchanges.get(id);
    exchanges.delete(id);
    if (exchange) take(id, exchange.asker, exchange.next(response));
    else send(failed(id, 'there is no such exchange'));
  };

  return (line: ClientLine): void => {
    if (line.kind === 'version' && line.major !== '1') socket.destroy();
    if (line.kind === 'continue') goOn(line.id, line.response);
    if (line.kind !== 'auth') return;
    exchanges.delete(line.id);
    take(line.id, line, beginExchange(line.mechanism, line.response));
  };
};

/** A client address is logged as text of a peer: nothing but an address is. */
const withAddress = (line: ClientLine): ClientLine =>
  line.kind === 'auth' && !/^[0-9A-Fa-f.:]{2,45}$/.test(line.client) ? { ...line, client: 'unknown' } : line;

/** Serves connections of SMTP servers that ask whether a name and a password are right. */
export const serveAuthentication = (options: AuthOptions): ((socket: Socket) => void) => {
  let connections = 0;
  return (socket) => {
    connections += 1;
    socket.write(greeting(connections, randomBytes(16).toString('hex')));
    const read = lineReader(longestLine);
    const answer = conversation(socket, options);
    socket.on('data', (piece) => {
      try {
        for (const line of read(piece as Buffer)) answer(withAddress(readClientLine(line)));
      } catch (error) {
        options.log(`an authentication request is not answered: ${(error as Error).message}`);
        socket.destroy();
      }
    });
  };
};
