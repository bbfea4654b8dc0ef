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

/** Listens on 127.0.0.1 at `port`, or on a free one for 0. Rejects when the port is taken. */
export const serveLoopback = async (
  port: number,
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<Loopback> => {
  const server = createServer(options, listener);
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
