import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Endpoint } from './guard/policy-request.ts';

export interface Reply {
  code: number;
  /** Without their codes. */
  lines: string[];
}

/** As much of an SMTP client as looks at a server: nothing is ever sent through it. */
export interface SmtpSession {
  /** This end. */
  readonly client: Endpoint;
  /** The next reply of the server. @throws Error when it ends the connection, or says what is none. */
  reply(): Promise<Reply>;
  say(command: string): Promise<Reply>;
  /** Begins TLS after 220 to STARTTLS. Answers the sha-256 fingerprint of the server's certificate, whoever issued it. */
  secure(): Promise<string>;
  close(): void;
}

const readReply = (text: string): { reply: Reply; rest: string } | null => {
  const [whole] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(text) ?? [];
  if (whole === undefined) return null;
  const lines = whole.trimEnd().split(/\r?\n/);
  const reply = { code: Number(whole.slice(0, 3)), lines: lines.map((line) => line.slice(4)) };
  return { reply, rest: text.slice(whole.length) };
};

/** More than any server says in one reply. */
const longest = 64 * 1024;

/** Reads replies one after another. What the signal ends is thrown as its reason. */
const replies = (socket: Socket, signal: AbortSignal) => {
  let text = '';
  let wake = (): void => undefined;
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
    wake();
  });
  socket.once('close', () => wake());
  signal.addEventListener('abort', () => wake(), { once: true });
  return async (): Promise<Reply> => {
    for (;;) {
      const read = readReply(text);
      if (read) {
        text = read.rest;
        return read.reply;
      }
      signal.throwIfAborted();
      if (text.length > longest) throw new Error('The server says what is no reply.');
      if (socket.readableEnded || socket.destroyed) throw new Error('The server has ended the connection.');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
};

const secured = async (socket: Socket, signal: AbortSignal): Promise<TLSSocket> => {
  socket.removeAllListeners('data');
  const tls = connectTls({ socket, rejectUnauthorized: false });
  tls.on('error', () => undefined);
  await once(tls, 'secureConnect', { signal });
  return tls;
};

/** Connects to a listener. What takes longer than the signal allows throws. */
export const openSession = async (server: Endpoint, signal: AbortSignal): Promise<SmtpSession> => {
  let socket: Socket = connect({ host: server.address, port: server.port });
  const plain = socket;
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  plain.on('error', () => undefined);
  const client = { address: plain.localAddress ?? '', port: plain.localPort ?? 0 };
  let reply = replies(socket, signal);
  return {
    client,
    reply: () => reply(),
    say: (command) => {
      socket.write(`${command}\r\n`);
      return reply();
    },
    async secure() {
      const tls = await secured(socket, signal);
      socket = tls;
      reply = replies(tls, signal);
      return tls.getPeerX509Certificate()?.fingerprint256 ?? '';
    },
    close: () => {
      socket.destroy();
      plain.destroy();
    },
  };
};
