import { chmod, chown, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** Another process listens there already. */
export class SocketInUse extends Error {
  override readonly name = 'SocketInUse';
}

/** Where a server listens, and the group whose members may connect besides the process's own user; null: nobody. */
export interface Place {
  path: string;
  group: number | null;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });

export interface UnixServer {
  close(): Promise<void>;
}

/**
 * Listens on a unix socket. What a process that died has left there is taken away.
 * @throws SocketInUse where somebody answers.
 */
export const listenUnix = async (
  { path, group }: Place,
  serve: (socket: Socket) => void,
): Promise<UnixServer> => {
  if (await answers(path)) throw new SocketInUse(`Another process listens on ${path}.`);
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await listen(server, path);
  await chmod(path, group === null ? 0o600 : 0o660);
  if (group !== null) await chown(path, process.getuid?.() ?? 0, group);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
};

/** The other side has gone: nobody is there to be told, and nothing is wrong here. */
const gone = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']);

/**
 * Serves a connection by what is made of its bytes, no faster than the other side takes it. What is thrown ends the connection, and is told to
 * `onError`.
 */
export const answering =
  (answers: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<string>, onError: (error: Error) => void) =>
  (socket: Socket): void => {
    pipeline(socket, answers, socket).catch((error: NodeJS.ErrnoException) => {
      socket.destroy();
      if (!gone.has(error.code ?? '')) onError(error);
    });
  };
