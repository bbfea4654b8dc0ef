import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Answer, decode, encode, type Packet, RECURSION_AVAILABLE, RECURSION_DESIRED } from 'dns-packet';
import ipaddr from 'ipaddr.js';

/** Records of a name. A type that is left out is one that it has not. */
export interface Records {
  A?: readonly string[];
  AAAA?: readonly string[];
  MX?: readonly (readonly [preference: number, exchange: string])[];
  PTR?: readonly string[];
}

/** What is said of a name: its records, that the server fails, or nothing at all. */
export type Known = Records | 'servfail' | 'silent';

/** Names in lower case, without the last dot. Whatever is not among them does not exist (NXDOMAIN). */
export type Names = Record<string, Known>;

/** A DNS server of a test's own, at port 53, as a resolver knows no other. */
export interface DnsServer {
  address: string;
  /** Three octets of loopback that are this server's: whoever else needs addresses may take them there. */
  net: string;
  /** May be set at any time. */
  names: Names;
  /** Each question so far, as `MX far.example`. May be emptied. */
  asked: string[];
  close(): Promise<void>;
}

/** RFC 1035 section 4.1.1. */
const [noError, serverFailure, nameError] = [0, 2, 3];

const answersOf = (name: string, type: string, records: Records): Answer[] => {
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'PTR':
      return (records[type] ?? []).map((data) => ({ type, name, data }));
    case 'MX':
      return (records.MX ?? []).map(([preference, exchange]) => ({
        type,
        name,
        data: { preference, exchange },
      }));
    default:
      return [];
  }
};

const codeOf = (known: Known | undefined): number => {
  if (known === undefined) return nameError;
  return known === 'servfail' ? serverFailure : noError;
};

/** Answers a question; null: says nothing. */
const answerTo = ({ id = 0, questions = [] }: Packet, server: Pick<DnsServer, 'names' | 'asked'>) => {
  const [{ name, type } = { name: '', type: 'NULL' }] = questions;
  server.asked.push(`${type} ${name}`);
  const known = server.names[name.toLowerCase()];
  if (known === 'silent') return null;
  return encode({
    type: 'response',
    id,
    flags: RECURSION_DESIRED | RECURSION_AVAILABLE | codeOf(known),
    questions,
    answers: typeof known === 'object' ? answersOf(name, type, known) : [],
  });
};

/** A socket at port 53 of an address. @throws ErrnoException where it cannot be had */
const socketAt = async (address: string): Promise<Socket> => {
  const socket = createSocket('udp4');
  socket.bind(53, address);
  await once(socket, 'listening');
  return socket;
};

/** So many may run on a host at a time. */
const places = 256;

const firstFree = async (): Promise<{ socket: Socket; net: string }> => {
  for (let place = 0; ; place += 1) {
    const net = `127.53.${place}`;
    try {
      return { socket: await socketAt(`${net}.1`), net };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || place === places - 1) throw error;
    }
  }
};

/**
 * Starts a server that knows no name yet, at an address of loopback that nobody has. It answers over UDP alone: nothing that it says is too long.
 * @throws ErrnoException where port 53 cannot be had
 */
export const startDns = async (): Promise<DnsServer> => {
  const { socket, net } = await firstFree();
  const server: DnsServer = {
    address: `${net}.1`,
    net,
    names: {},
    asked: [],
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
  socket.on('message', (message, { port, address }) => {
    const answer = answerTo(decode(message), server);
    if (answer !== null) socket.send(answer, port, address);
  });
  return server;
};

/** The name under which an address has its own (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export const reverseName = (address: string): string => {
  const bytes = ipaddr.parse(address).toByteArray();
  if (bytes.length === 4) return `${bytes.toReversed().join('.')}.in-addr.arpa`;
  const digits = bytes.flatMap((byte) => [...byte.toString(16).padStart(2, '0')]);
  return `${digits.toReversed().join('.')}.ip6.arpa`;
};

/** Why no server can be started here; empty where one can. */
export const whyNoDns = async (): Promise<string> => {
  try {
    await (await startDns()).close();
    return '';
  } catch (error) {
    return `port 53 of loopback cannot be had (${(error as Error).message})`;
  }
};
