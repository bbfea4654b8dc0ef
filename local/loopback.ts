import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on 127.0.0.1. */
export interface Loopback {
  url: string;
  port: number;
  /** Ends every connection, also those on which an answer is under way, and gives the port back. */
  close(): Promise<void>;
}

/**
 * Milliseconds that an idle connection is kept. A client gives one up a little before (undici), as long as nothing keeps it from that; with the five
 * seconds that are usual, a busy machine has clients write to connections that are just being ended.
 */
const keepAliveTimeout = 65_000;

/** Listens on 127.0.0.1 at `port`, or on a free one for 0. Rejects when the port is taken. */
export const serveLoopback = async (
  port: number,
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<Loopback> => {
  const server = createServer({ keepAliveTimeout, ...options }, listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
