import { formatIpv4, formatIpv6, mappedIpv4 } from '../../../shared/domain/lists/addresses.ts';
import type { Endpoint } from './policy-request.ts';

/** One TCP connection of this host over which its client can still be served. */
export interface Connection {
  server: Endpoint;
  client: Endpoint;
}

/** The kernel prints each 32-bit word of an address as a number of this machine (Linux, net/ipv4/tcp_ipv4.c, get_tcp4_sock). */
export type ByteOrder = 'LE' | 'BE';

const wordAt = (hex: string, at: number, order: ByteOrder): number => {
  const word = Number.parseInt(hex.slice(at, at + 8), 16);
  if (order === 'BE') return word;
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
};

const addressOf = (hex: string, order: ByteOrder): string => {
  if (hex.length === 8) return formatIpv4(wordAt(hex, 0, order));
  const groups = [0, 8, 16, 24].flatMap((at) => {
    const word = wordAt(hex, at, order);
    return [word >>> 16, word & 0xffff];
  });
  const mapped = mappedIpv4(groups);
  return mapped === null ? formatIpv6(groups) : formatIpv4(mapped);
};

/** ESTABLISHED, and CLOSE_WAIT: the client has sent its last, but what it sent may still be worked on. */
const isServed = (state: string): boolean => state === '01' || state === '08';

const portLength = 4;

/**
 * One line: a number, the local address and port, the remote ones, the state, all of fixed lengths but the number (proc(5)). What waits for its end
 * is most of a busy host's table, so that the state is looked at first, then the port, and only what is left is read.
 */
const connectionIn = (
  line: string,
  order: ByteOrder,
  isAsked: (port: number) => boolean,
): Connection | null => {
  const local = line.indexOf(':') + 2;
  const localPort = line.indexOf(':', local) + 1;
  const remote = localPort + portLength + 1;
  const length = localPort - 1 - local;
  const remotePort = remote + length + 1;
  const state = remotePort + portLength + 1;
  if (!isServed(line.slice(state, state + 2))) return null;
  const portAt = (at: number) => Number.parseInt(line.slice(at, at + portLength), 16);
  const port = portAt(localPort);
  if (!isAsked(port)) return null;
  return {
    server: { address: addressOf(line.slice(local, local + length), order), port },
    client: { address: addressOf(line.slice(remote, remote + length), order), port: portAt(remotePort) },
  };
};

const everyPort = (): boolean => true;

/** The connections to ports that are asked for in the text of /proc/net/tcp or tcp6 (proc(5)). */
export const connectionsIn = (
  text: string,
  order: ByteOrder,
  isAsked: (port: number) => boolean = everyPort,
): Connection[] => {
  const found: Connection[] = [];
  for (let from = 0; from < text.length; ) {
    const lineEnd = text.indexOf('\n', from);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const one = connectionIn(text.slice(from, end), order, isAsked);
    if (one) found.push(one);
    from = end + 1;
  }
  return found;
};
