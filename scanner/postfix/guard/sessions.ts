import type { Direction, GuardRules } from '../guard-configuration.ts';
import { actions } from './actions.ts';
import type { Connection } from './connections.ts';
import type { Endpoint } from './policy-request.ts';
import { addressBits, rangeOf } from './ranges.ts';

/** A session that was let in or refused, or that was there before the guard was: then nobody knows which way its mail goes. */
interface Session extends Connection {
  direction: Direction | 'refused' | null;
  /** Whose rules it is asked by; null where nobody knows. */
  version: string | null;
  messages: number;
}

const textOf = ({ address, port }: Endpoint): string => `${address} ${port}`;
const keyOf = ({ client, server }: Connection): string => `${textOf(client)} ${textOf(server)}`;

const session = (
  connection: Connection,
  direction: Session['direction'],
  version: string | null = null,
): Session => ({
  ...connection,
  direction,
  version,
  messages: 0,
});

export type ConnectionLimits = Pick<
  GuardRules,
  'maxConnections' | 'maxConnectionsPerRange' | 'ipv6Prefix' | 'maxConnectionsPerAddress'
>;

/** What a session asks to be let in with. */
export interface Admission {
  connection: Connection;
  direction: Direction;
  version: string;
  limits: ConnectionLimits;
  /** Where clients whose mail goes this way connect to. */
  servers: readonly Endpoint[];
}

/** What a session is counted with: those of its direction, or, where nobody knows it, of the listener that it is connected to; who is refused, by listeners apart. */
const groupOf = ({ direction, server }: Pick<Session, 'direction' | 'server'>): string =>
  direction === 'refused' ? `refused ${textOf(server)}` : (direction ?? textOf(server));

/** Counts of sessions of the same group and range, for one length of prefix; 128 bits are an address. */
const tally = (sessions: Iterable<Session>, ipv6Prefix: number) => {
  const counts = new Map<string, number>();
  const keyIn = (group: string, address: string) => `${group} ${rangeOf(address, ipv6Prefix)}`;
  const change = (one: Session, by: 1 | -1): void => {
    for (const key of [groupOf(one), keyIn(groupOf(one), one.client.address)]) {
      const count = (counts.get(key) ?? 0) + by;
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
    }
  };
  for (const one of sessions) change(one, 1);
  const sum = (keys: readonly string[]) => keys.reduce((all, key) => all + (counts.get(key) ?? 0), 0);
  return {
    change,
    all: (groups: readonly string[]): number => sum(groups),
    near: (groups: readonly string[], address: string): number =>
      sum(groups.map((group) => keyIn(group, address))),
  };
};

/** Lengths of prefixes that are counted by, more than the versions that are loaded can have. Beyond, all are counted anew. */
const mostTallies = 16;

/** Sessions by their connections, and how many there are of a kind, without looking at each. */
const countedSessions = (before: readonly Connection[]) => {
  const sessions = new Map<string, Session>();
  const tallies = new Map<number, ReturnType<typeof tally>>();
  const tallyOf = (ipv6Prefix: number) => {
    const known = tallies.get(ipv6Prefix);
    if (known) return known;
    if (tallies.size >= mostTallies) tallies.clear();
    const made = tally(sessions.values(), ipv6Prefix);
    tallies.set(ipv6Prefix, made);
    return made;
  };
  const counted = {
    get: (key: string) => sessions.get(key),
    keys: () => sessions.keys(),
    values: () => sessions.values(),
    tallyOf,
    remove(key: string): void {
      const one = sessions.get(key);
      if (!one) return;
      sessions.delete(key);
      for (const each of tallies.values()) each.change(one, -1);
    },
    put(one: Session): void {
      const key = keyOf(one);
      counted.remove(key);
      sessions.set(key, one);
      for (const each of tallies.values()) each.change(one, 1);
    },
    get size(): number {
      return sessions.size;
    },
  };
  for (const one of before) counted.put(session(one, null));
  return counted;
};

/**
 * The sessions that are under way, for limits that are never passed, however many clients come at once: what is counted are sessions that were let in
 * and whose connections are still there. Messages are counted for as long as a session lasts.
 */
export const sessionRegistry = (before: readonly Connection[] = []) => {
  const sessions = countedSessions(before);
  let settled: readonly Connection[] | null = null;

  /** Forgets the sessions whose connections are no more; once for each table, which many may share. */
  const settle = (connections: readonly Connection[]): void => {
    if (settled === connections) return;
    settled = connections;
    const there = new Set(connections.map(keyOf));
    for (const key of sessions.keys()) if (!there.has(key)) sessions.remove(key);
  };

  /** Why one more session is too many; null where it is not. */
  const excess = ({ connection, direction, limits, servers }: Admission): string | null => {
    const { address } = connection.client;
    const groups = [direction, ...new Set(servers.map(textOf))];
    const ranges = sessions.tallyOf(limits.ipv6Prefix);
    if (ranges.all(groups) >= limits.maxConnections) return actions.tooManyConnections;
    if (ranges.near(groups, address) >= limits.maxConnectionsPerRange) return actions.tooManyFromRange;
    const addresses = sessions.tallyOf(addressBits);
    return addresses.near(groups, address) >= limits.maxConnectionsPerAddress
      ? actions.tooManyFromAddress
      : null;
  };

  return {
    /**
     * Lets a session in beside those of the connections that there are, or answers why not. `connections` are what was there after the session had
     * begun.
     */
    admit(admission: Admission, connections: readonly Connection[]): string | null {
      const { connection, direction, version } = admission;
      settle(connections);
      sessions.remove(keyOf(connection));
      const why = excess(admission);
      if (why === null) sessions.put(session(connection, direction, version));
      return why;
    },
    /**
     * Whether a client that is refused may stay to hear why: it holds a place of Postfix until it goes, and only so many may at a listener.
     */
    async refuse(
      connection: Connection,
      most: number,
      connections: () => Promise<readonly Connection[]>,
    ): Promise<boolean> {
      const one = session(connection, 'refused');
      // Read after this connection was there: an older table would have it forgotten while it stays.
      settle(await connections());
      if (sessions.tallyOf(addressBits).all([groupOf(one)]) >= most) return false;
      sessions.put(one);
      return true;
    },
    addMessage(connection: Connection, direction: Direction): void {
      const known = sessions.get(keyOf(connection));
      if (known) known.messages += 1;
      else sessions.put({ ...session(connection, direction), messages: 1 });
    },
    /** By which version's rules a session was let in; null where nobody knows. */
    versionOf: (connection: Connection): string | null => sessions.get(keyOf(connection))?.version ?? null,
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
