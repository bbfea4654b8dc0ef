import { parseIpv6 } from '../../../shared/domain/lists/addresses.ts';
import type { Direction, GuardRules } from '../guard-configuration.ts';
import { actions } from './actions.ts';
import type { Connection } from './connections.ts';
import type { Endpoint } from './policy-request.ts';

/** A session that was let in, or that was there before the guard was: then nobody knows which way its mail goes. */
interface Session extends Connection {
  direction: Direction | null;
  /** Whose rules it is asked by; null where nobody knows. */
  version: string | null;
  /** Of an IPv6 client. */
  groups: number[] | null;
  messages: number;
}

const textOf = ({ address, port }: Endpoint): string => `${address} ${port}`;
const keyOf = ({ client, server }: Connection): string => `${textOf(client)} ${textOf(server)}`;

const session = (
  connection: Connection,
  direction: Direction | null,
  version: string | null = null,
): Session => ({
  ...connection,
  direction,
  version,
  groups: parseIpv6(connection.client.address),
  messages: 0,
});

/** True where the first bits of two addresses are equal. */
const sameBits = (one: readonly number[], other: readonly number[], bits: number): boolean =>
  one.every((group, index) => {
    const kept = Math.min(16, Math.max(0, bits - index * 16));
    return ((group ^ (other[index] ?? 0)) & (0xffff << (16 - kept)) & 0xffff) === 0;
  });

const sameAddress = (one: Session, other: Session): boolean => one.client.address === other.client.address;

/** One IPv4 address, or one IPv6 network. */
const sameRange = (one: Session, other: Session, ipv6Prefix: number): boolean =>
  one.groups && other.groups ? sameBits(one.groups, other.groups, ipv6Prefix) : sameAddress(one, other);

export type ConnectionLimits = Pick<
  GuardRules,
  'maxConnections' | 'maxConnectionsPerRange' | 'ipv6Prefix' | 'maxConnectionsPerAddress'
>;

/** Why one more session is too many beside others; null where it is not. */
const excess = (one: Session, others: readonly Session[], limits: ConnectionLimits): string | null => {
  const more = (same: (other: Session) => boolean) => others.filter(same).length + 1;
  if (others.length + 1 > limits.maxConnections) return actions.tooManyConnections;
  if (more((other) => sameRange(one, other, limits.ipv6Prefix)) > limits.maxConnectionsPerRange)
    return actions.tooManyFromRange;
  if (more((other) => sameAddress(one, other)) > limits.maxConnectionsPerAddress)
    return actions.tooManyFromAddress;
  return null;
};

/** What a session asks to be let in with. */
export interface Admission {
  connection: Connection;
  direction: Direction;
  version: string;
  limits: ConnectionLimits;
  /** Where clients whose mail goes this way connect to. */
  servers: readonly Endpoint[];
}

/**
 * The sessions that are under way, for limits that are never passed, however many clients come at once: what is counted are sessions that were let in
 * and whose connections are still there. Messages are counted for as long as a session lasts.
 */
export const sessionRegistry = (before: readonly Connection[] = []) => {
  const sessions = new Map(before.map((one) => [keyOf(one), session(one, null)]));

  /** Forgets the sessions whose connections are no more. */
  const settle = (connections: readonly Connection[]): void => {
    const there = new Set(connections.map(keyOf));
    for (const key of sessions.keys()) if (!there.has(key)) sessions.delete(key);
  };

  return {
    /**
     * Lets a session in beside those of the connections that there are, or answers why not. `connections` are what was there after the session had
     * begun.
     */
    admit(
      { connection, direction, version, limits, servers }: Admission,
      connections: readonly Connection[],
    ): string | null {
      settle(connections);
      sessions.delete(keyOf(connection));
      const places = new Set(servers.map(textOf));
      const others = [...sessions.values()].filter((other) =>
        other.direction === null ? places.has(textOf(other.server)) : other.direction === direction,
      );
      const one = session(connection, direction, version);
      const why = excess(one, others, limits);
      if (why === null) sessions.set(keyOf(connection), one);
      return why;
    },
    addMessage(connection: Connection, direction: Direction): void {
      const one = sessions.get(keyOf(connection)) ?? session(connection, direction);
      one.messages += 1;
      sessions.set(keyOf(connection), one);
    },
    messages: (connection: Connection): number => sessions.get(keyOf(connection))?.messages ?? 0,
    /** Versions that have sessions under way, among the connections that there are. */
    versionsOf(connections: readonly Connection[]): Set<string | null> {
      settle(connections);
      return new Set([...sessions.values()].map(({ version }) => version));
    },
    get size(): number {
      return sessions.size;
    },
  };
};
export type SessionRegistry = ReturnType<typeof sessionRegistry>;
