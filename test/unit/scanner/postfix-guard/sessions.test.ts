import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actions } from '../../../../scanner/postfix/guard/actions.ts';
import type { Connection } from '../../../../scanner/postfix/guard/connections.ts';
import { type ConnectionLimits, sessionRegistry } from '../../../../scanner/postfix/guard/sessions.ts';
import type { Direction } from '../../../../scanner/postfix/guard-configuration.ts';
import { parseIpv6 } from '../../../../shared/domain/lists/addresses.ts';
import { rulesOf } from './rules.ts';

const server = { address: '127.0.0.1', port: 25 };
const from = (address: string, port: number, to = server): Connection => ({
  client: { address, port },
  server: to,
});

/** Lets sessions in one after another, all of whose connections stay; answers what each is told. */
const tell = (
  connections: readonly Connection[],
  limits: Partial<ConnectionLimits>,
  direction: (index: number) => Direction = () => 'inbound',
): (string | null)[] => {
  const registry = sessionRegistry();
  return connections.map((connection, index) =>
    registry.admit(
      { connection, direction: direction(index), limits: rulesOf(limits), version: '1-a', servers: [server] },
      connections.slice(0, index + 1),
    ),
  );
};

describe('sessions at a time', () => {
  it.each<[string, string[], Partial<ConnectionLimits>, string | null]>([
    ['as many as there may be', ['10.0.0.1', '10.0.0.2'], { maxConnections: 2 }, null],
    ['one more', ['10.0.0.1', '10.0.0.2', '10.0.0.3'], { maxConnections: 2 }, actions.tooManyConnections],
    ['from one address', ['10.0.0.1', '10.0.0.1'], { maxConnectionsPerRange: 1 }, actions.tooManyFromRange],
    ['from neighbours', ['10.0.0.1', '10.0.0.2'], { maxConnectionsPerRange: 1, ipv6Prefix: 8 }, null],
    [
      'from one IPv6 range',
      ['2001:db8::1', '2001:db8::ffff:1'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 64 },
      actions.tooManyFromRange,
    ],
    [
      'from two IPv6 ranges',
      ['2001:db8::1', '2001:db8:0:1::1'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 64 },
      null,
    ],
    [
      'from a range that ends within a group',
      ['2001:db8:0:10::1', '2001:db8:0:1f::1'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 60 },
      actions.tooManyFromRange,
    ],
    [
      'from two addresses of a range of 128 bits',
      ['2001:db8::1', '2001:db8::2'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 128 },
      null,
    ],
    [
      'from everywhere with a range of 0 bits',
      ['2001:db8::1', 'fd00::1'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 0 },
      actions.tooManyFromRange,
    ],
    [
      'of both families with a range of 0 bits',
      ['2001:db8::1', '10.0.0.1'],
      { maxConnectionsPerRange: 1, ipv6Prefix: 0 },
      null,
    ],
    [
      'from one address of a range that may have more',
      ['2001:db8::1', '2001:db8::1'],
      { maxConnectionsPerRange: 9, maxConnectionsPerAddress: 1 },
      actions.tooManyFromAddress,
    ],
  ])('%s', (_, addresses, limits, wanted) => {
    const told = tell(
      addresses.map((address, index) => from(address, 1000 + index)),
      limits,
    );
    expect(told.slice(0, -1).every((answer) => answer === null)).toBe(true);
    expect(told.at(-1)).toBe(wanted);
  });

  it('of one direction do not take from another', () => {
    const connections = [from('10.0.0.1', 1), from('10.0.0.1', 2), from('10.0.0.1', 3)];
    const told = tell(connections, { maxConnectionsPerRange: 1 }, (index) =>
      index === 1 ? 'outbound' : 'inbound',
    );
    expect(told).toEqual([null, null, actions.tooManyFromRange]);
  });

  it('that were refused are not counted, though their connections are there', () => {
    const connections = [from('10.0.0.1', 1), from('10.0.0.1', 2), from('10.0.0.2', 3)];
    expect(tell(connections, { maxConnections: 2, maxConnectionsPerRange: 1 })).toEqual([
      null,
      actions.tooManyFromRange,
      null,
    ]);
  });

  it('make room when their connections end', () => {
    const registry = sessionRegistry();
    const admit = (port: number, ports: number[]) =>
      registry.admit(
        {
          connection: from('10.0.0.1', port),
          direction: 'inbound',
          limits: rulesOf({ maxConnections: 1 }),
          version: '1-a',
          servers: [server],
        },
        ports.map((one) => from('10.0.0.1', one)),
      );
    expect(admit(1, [1])).toBeNull();
    expect(admit(2, [1, 2])).toBe(actions.tooManyConnections);
    expect(admit(3, [3])).toBeNull();
    expect(registry.size).toBe(1);
  });

  it('that were there before the guard are counted where they are connected to, until they ask themselves', () => {
    const other = { address: '127.0.0.1', port: 587 };
    const before = [from('10.0.0.1', 1), from('10.0.0.1', 2, other)];
    const registry = sessionRegistry(before);
    const admit = (connection: Connection) =>
      registry.admit(
        {
          connection,
          direction: 'inbound',
          limits: rulesOf({ maxConnections: 1 }),
          version: '1-a',
          servers: [server],
        },
        [...before, from('10.0.0.9', 9)],
      );
    expect(admit(from('10.0.0.9', 9))).toBe(actions.tooManyConnections);
    expect(admit(from('10.0.0.1', 1))).toBeNull();
  });

  it('never pass a limit, and are as many as it allows, whatever comes and goes', () => {
    const step = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 12 }), fc.boolean());
    const limits = rulesOf({ maxConnections: 4, maxConnectionsPerRange: 2 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const registry = sessionRegistry();
        const open = new Map<string, { connection: Connection; isIn: boolean }>();
        for (const [host, port, comes] of steps) {
          const connection = from(`10.0.0.${host}`, port);
          const key = `${host} ${port}`;
          if (!comes || open.has(key)) {
            open.delete(key);
            continue;
          }
          open.set(key, { connection, isIn: false });
          const inside = [...open.values()].filter(({ isIn }) => isIn);
          const near = inside.filter((one) => one.connection.client.address === connection.client.address);
          const told = registry.admit(
            { connection, direction: 'inbound', limits, version: '1-a', servers: [server] },
            [...[...open.values()].map((one) => one.connection)],
          );
          expect(told === null).toBe(inside.length < 4 && near.length < 2);
          open.set(key, { connection, isIn: told === null });
        }
      }),
    );
  });
});

describe('the versions of sessions', () => {
  it('are those by which sessions are asked whose connections are there', () => {
    const registry = sessionRegistry([from('10.0.0.9', 9)]);
    const [one, other] = [from('10.0.0.1', 1), from('10.0.0.2', 2)];
    const begin = (connection: Connection, version: string) =>
      registry.admit({ connection, direction: 'inbound', version, limits: rulesOf(), servers: [server] }, [
        one,
        other,
      ]);
    begin(one, '1-a');
    begin(other, '2-b');
    expect(registry.versionsOf([one, other])).toEqual(new Set(['1-a', '2-b']));
    expect(registry.versionsOf([other])).toEqual(new Set(['2-b']));
  });
});

/** What the limits say, session by session: the promise that counters keep. */
const told = (
  inside: readonly { connection: Connection; direction: Direction }[],
  { connection, direction }: { connection: Connection; direction: Direction },
  { maxConnections, maxConnectionsPerRange, maxConnectionsPerAddress, ipv6Prefix }: ConnectionLimits,
): string | null => {
  const { address } = connection.client;
  const others = inside
    .filter((other) => other.direction === direction)
    .map((other) => other.connection.client.address);
  const bits = (one: string) =>
    (parseIpv6(one) ?? [])
      .map((group) => group.toString(2).padStart(16, '0'))
      .join('')
      .slice(0, ipv6Prefix);
  const isNear = (other: string) =>
    other.includes(':') && address.includes(':') ? bits(other) === bits(address) : other === address;
  if (others.length >= maxConnections) return actions.tooManyConnections;
  if (others.filter(isNear).length >= maxConnectionsPerRange) return actions.tooManyFromRange;
  return others.filter((other) => other === address).length >= maxConnectionsPerAddress
    ? actions.tooManyFromAddress
    : null;
};

describe('what is counted of sessions', () => {
  const addresses = [
    '10.0.0.1',
    '10.0.0.2',
    '2001:db8::1',
    '2001:db8::2',
    '2001:db8:0:10::1',
    '2001:db8:0:1f::1',
  ];
  const step = fc.record({
    address: fc.constantFrom(...addresses),
    port: fc.integer({ min: 1, max: 4 }),
    direction: fc.constantFrom<Direction>('inbound', 'outbound'),
    ipv6Prefix: fc.constantFrom(0, 48, 60, 64, 128, ...Array.from({ length: 20 }, (_, bits) => bits + 30)),
    comes: fc.boolean(),
  });

  it('is what is counted one by one, with prefixes that change as they do between versions', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const registry = sessionRegistry();
        const inside = new Map<string, { connection: Connection; direction: Direction }>();
        for (const { address, port, direction, ipv6Prefix, comes } of steps) {
          const key = `${address} ${port}`;
          inside.delete(key);
          if (!comes) continue;
          const one = { connection: from(address, port), direction };
          const limits = rulesOf({
            maxConnections: 6,
            maxConnectionsPerRange: 3,
            maxConnectionsPerAddress: 2,
            ipv6Prefix,
          });
          const wanted = told([...inside.values()], one, limits);
          const open = [...inside.values(), one].map(({ connection }) => connection);
          expect(registry.admit({ ...one, version: '1-a', limits, servers: [server] }, open)).toBe(wanted);
          if (wanted === null) inside.set(key, one);
        }
      }),
    );
  });

  it('is compared with a table of connections once, however many share it', () => {
    let reads = 0;
    const table = Array.from({ length: 100 }, (_, port) => from('10.0.0.1', port + 1));
    const counting = new Proxy(table, {
      get(target, name, receiver) {
        if (name === '50') reads += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const registry = sessionRegistry();
    for (const connection of table)
      registry.admit(
        { connection, direction: 'inbound', version: '1-a', limits: rulesOf(), servers: [server] },
        counting,
      );
    expect(reads).toBe(1);
    expect(registry.size).toBe(100);
  });
});

describe('the messages of a session', () => {
  const admit = (registry: ReturnType<typeof sessionRegistry>, connection: Connection) =>
    registry.admit(
      { connection, direction: 'inbound', limits: rulesOf(), version: '1-a', servers: [server] },
      [connection],
    );

  it('are counted as long as it lasts', () => {
    const registry = sessionRegistry();
    const one = from('10.0.0.1', 1);
    admit(registry, one);
    registry.addMessage(one, 'inbound');
    registry.addMessage(one, 'inbound');
    expect(registry.messages(one)).toBe(2);
    expect(registry.messages(from('10.0.0.1', 2))).toBe(0);
  });

  it('are none when a new one has the address and port of an earlier one', () => {
    const registry = sessionRegistry();
    const one = from('10.0.0.1', 1);
    admit(registry, one);
    registry.addMessage(one, 'inbound');
    admit(registry, one);
    expect(registry.messages(one)).toBe(0);
  });

  it('of a session that the guard has not seen begin are counted from then on', () => {
    const registry = sessionRegistry();
    registry.addMessage(from('10.0.0.1', 1), 'inbound');
    expect(registry.messages(from('10.0.0.1', 1))).toBe(1);
  });
});
