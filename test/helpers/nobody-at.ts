import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './until.ts';

/** Waits until nobody listens at a port: who was told to end may have it a moment longer. Nothing but a connection that is refused says so. */
export const nobodyAt = (port: number, host = '127.0.0.1'): Promise<true> =>
  until(`nobody listens at ${host} port ${port}`, async () => {
    const socket = connect({ host, port });
    try {
      await once(socket, 'connect');
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      return true;
    } finally {
      socket.destroy();
    }
  });
