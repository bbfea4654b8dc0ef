import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { type Connection, connectionsIn } from './connections.ts';

const tables = ['/proc/net/tcp', '/proc/net/tcp6'];

type IsAsked = (port: number) => boolean;

/** A host without IPv6 has no second table. */
const readTable = async (path: string, isAsked: IsAsked | undefined): Promise<Connection[]> => {
  try {
    return connectionsIn(await readFile(path, 'latin1'), endianness(), isAsked);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** The established connections of this host, to all ports or to those that are asked for. */
export const readConnections = async (isAsked?: IsAsked): Promise<Connection[]> =>
  (await Promise.all(tables.map((path) => readTable(path, isAsked)))).flat();

/**
 * A table of connections. Whoever asks gets one that was read after they asked; those who ask while one is read share the next, the same array, so
 * that there is one reading at a time whatever the load.
 */
export const connectionTable = (read: () => Promise<Connection[]>): (() => Promise<Connection[]>) => {
  let reading: Promise<unknown> = Promise.resolve();
  let next: Promise<Connection[]> | null = null;
  return () => {
    if (next) return next;
    const mine = reading.then(() => {
      next = null;
      return read();
    });
    next = mine;
    reading = mine.catch(() => undefined);
    return mine;
  };
};
