import { createServer } from 'node:net';
import type { Family } from '../../shared/domain/sections.ts';
import { type Instance, listensAt } from './processes.ts';
import type { Listener } from './render/listeners.ts';

type Pair = Pick<Listener, 'address' | 'port'>;

const bind = ({ address, port }: Pair): Promise<NodeJS.ErrnoException | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(null)));
  });

/** Where the settings say the address: that of the section whose listener it is. */
const pointerOf = ({ directions, address }: Listener): string => {
  const family: Family = address.includes(':') ? 'ipv6' : 'ipv4';
  return `/${directions.at(-1)}/${family}/address`;
};

const assertOne = async (listener: Listener, instance: Instance): Promise<void> => {
  const { address, port } = listener;
  const error = await bind(listener);
  if (error === null) return;
  if (error.code === 'EADDRNOTAVAIL')
    throw new Error(
      `This host does not have the address ${address} (${pointerOf(listener)}). It is tried again; what was in force goes on.`,
    );
  if (error.code !== 'EADDRINUSE') throw error;
  if (!(await listensAt(instance, listener)))
    throw new Error(
      `Another program of this host listens on ${address} port ${port}. It is tried again; what was in force goes on.`,
    );
};

/**
 * Tries addresses and ports that Postfix does not listen on yet: one that it cannot have ends its master daemon (ADR 0026).
 * @throws Error for an address that this host has not, or a port that is taken: both may be otherwise in a moment.
 */
export const assertBindable = async (listeners: readonly Listener[], instance: Instance): Promise<void> => {
  for (const listener of listeners) await assertOne(listener, instance);
};
