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
const served = new Set(['01', '08']);
const line = /^ *\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{2}) /;

/** The connections in the text of /proc/net/tcp or tcp6 (proc(5)). */
export const connectionsIn = (text: string, order: ByteOrder): Connection[] =>
  text.split('\n').flatMap((one) => {
    const [, local = '', port = '', remote = '', remotePort = '', state = ''] = line.exec(one) ?? [];
    if (!served.has(state)) return [];
    return [
      {
        server: { address: addressOf(local, order), port: Number.parseInt(port, 16) },
        client: { address: addressOf(remote, order), port: Number.parseInt(remotePort, 16) },
      },
    ];
  });
