import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { type Connection, connectionsIn } from './connections.ts';

const tables = ['/proc/net/tcp', '/proc/net/tcp6'];

/** A host without IPv6 has no second table. */
const readTable = async (path: string): Promise<Connection[]> => {
  try {
    return connectionsIn(await readFile(path, 'latin1'), endianness());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

const readTables = async (): Promise<Connection[]> => (await Promise.all(tables.map(readTable))).flat();

/**
 * The established connections of this host. Whoever asks gets a table that was read after they asked; those who ask while one is read share the
 * next, so that there is one reading at a time whatever the load.
 */
export const connectionTable = (
  read: () => Promise<Connection[]> = readTables,
): (() => Promise<Connection[]>) => {
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
