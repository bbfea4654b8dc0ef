import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/ports.ts';
import type { PostfixParts } from '../../../scanner/postfix/steps.ts';
import { formatIpv4, formatIpv6 } from '../../../shared/domain/lists/addresses.ts';
import { type BuiltList, decodeChunk } from '../../../shared/domain/lists/chunks.ts';
import { spanOf } from '../../../shared/domain/lists/lint.ts';
import { askList, clientAddress, type MatchClient } from '../../../shared/domain/match.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { askedIn } from '../../unit/domain/lists/pieces.ts';
import { chanceOf } from '../../unit/simulation/chance.ts';
import { type Given, type Scanner, startScanner, storedList } from './world.ts';

const seed = Number(process.env['MATCH_SEED'] ?? Date.now() % 1_000_000);
const chance = chanceOf(seed);
const { below, pick } = chance;

const lists = ['inbound', 'outbound', 'authentication'] as const;
const entriesOfList = 80;
/** Of each list: who connects from an address of 127.0.0.0/8, and of whom XCLIENT tells. Ten thousand in all. */
const clientsOfList = { there: 1400, told: 1940 };
/** Clients at a time, which is more than the limits of one address have by default. */
const together = 8;

const group = (): string => below(0x10000).toString(16);

/** The tester's own address, which is let in everywhere: otherwise it could not say XCLIENT. */
const own = '127.0.0.1';

const loopbackValue = (): string =>
  `127.${below(16)}.${below(256)}.${below(256)}/${pick([15, 18, 20, 22, 23, 24, 25, 28, 30, 31, 32, 32])}`;

const outsideValue = (): string =>
  pick([
    () => `${pick([10, 172, 192, 203])}.${below(4)}.${below(256)}.${below(256)}/${8 + below(25)}`,
    () => `2001:db8:${below(4)}:${group()}::/${16 + below(113)}`,
    () => `2001:db8:${below(4)}::${group()}`,
    () => `::ffff:${pick([10, 203])}.${below(4)}.${below(256)}.0/${104 + below(25)}`,
  ])();

const labels = ['a', 'b', 'c', 'd', 'mail', 'mx', 'x-1', 'partner', 'smtp', 'out', 'relay', 'host'];
const ends = ['example', 'org', 'co.example'];
const domainValue = (): string =>
  `${pick(['', '', '.'])}${[...Array(below(3))].map(() => `${pick(labels)}.`).join('')}${pick(labels)}.${pick(ends)}`;

/** Values of a list, a quarter of them disabled; each once, as the list has it. */
const randomList = (make: () => string): string[] => {
  const values = Array.from({ length: entriesOfList }, make);
  const stored = storedList(
    [own, ...values.filter((value) => !/^127\.0\.0\.1(\/32)?$/.test(value))].filter(unique()),
  );
  return stored.chunks
    .flatMap(({ text }) => decodeChunk(text))
    .map(({ value }) => (value !== own && below(4) === 0 ? `#${value}` : value));
};

/** True for the first of values that are one entry. */
const unique = () => {
  const seen = new Set<string>();
  return (value: string): boolean => {
    const { chunks } = storedList([value]);
    const { first = '' } = chunks[0] ?? {};
    return !seen.has(first) && seen.add(first) !== undefined;
  };
};

const formatIp = (value: bigint, bits: number): string =>
  bits === 32
    ? formatIpv4(Number(value & 0xffffffffn))
    : formatIpv6(
        Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - index * 16)) & 0xffffn)),
      );

/** In a network or just beside it. */
const near = (value: string): string => {
  const { base, end, bits } = spanOf(value) ?? { base: 0n, end: 0n, bits: 32 };
  const inside = base + (BigInt(Math.floor(chance.random() * 2 ** 30)) % (end - base + 1n));
  const found = pick([base - 1n, base, inside, end, end + 1n]);
  return formatIp(found < 0n ? 0n : found, bits);
};

const nearName = (domain: string): string | null =>
  pick([
    () => domain.replace(/^\./, ''),
    () => `${pick(labels)}.${domain.replace(/^\./, '')}`,
    () => `no${domain.replace(/^\./, '')}`,
    () => domainValue().replace(/^\./, ''),
    () => domainValue().replace(/^\./, ''),
    () => null,
    () => null,
  ])();

/** An address of loopback that a client can have. */
const loopbackClient = (values: readonly string[]): MatchClient => {
  for (;;) {
    const address = pick([
      () => near(pick(values).replace('#', '')),
      () => `127.${below(17)}.${below(256)}.${below(256)}`,
    ])();
    if (address.startsWith('127.') && address !== '127.0.0.0' && address !== '127.255.255.255')
      return { address, name: null };
  }
};

const anyClient = (values: readonly string[]): MatchClient => {
  const isAddress = (value: string) => spanOf(value.replace('#', '')) !== null;
  const domains = values.filter((value) => !isAddress(value)).map((value) => value.replace('#', ''));
  const address = pick([
    () => near(pick(values.filter(isAddress)).replace('#', '')),
    () => near(outsideValue()),
    () => near(outsideValue()),
  ])();
  return {
    address: clientAddress(address) ?? address,
    name: domains.length > 0 ? nearName(pick(domains)) : null,
  };
};

/** What `match` of the API answers, by the code that a Postfix would greet with. */
const matcher = ({ manifest, chunks }: BuiltList) => {
  const parts = chunks.map(({ text }) => decodeChunk(text));
  const list = askedIn(manifest, parts);
  return async (client: MatchClient): Promise<string> => {
    const { accepted } = await askList(client, list);
    return accepted === null ? '450' : accepted ? '220' : '554';
  };
};

/** A connection, and the code of each reply in turn; empty once the server has ended it. */
const talk = (port: number, from: string) => {
  const socket: Socket = connect({ host: '127.0.0.1', port, localAddress: from });
  socket.setEncoding('latin1').setTimeout(60_000, () => socket.destroy(new Error('no reply in 60 s')));
  const pieces = socket[Symbol.asyncIterator]();
  return {
    code: async (): Promise<string> => String((await pieces.next()).value ?? '').slice(0, 3),
    say: (line: string) => socket.write(`${line}\r\n`),
    // Without TIME_WAIT, of which there would be thousands.
    end: () => socket.resetAndDestroy(),
  };
};

/** Codes by which clients are greeted at the address that each has. */
const greetedFromThere = async (port: number, clients: readonly MatchClient[]): Promise<string[]> => {
  const codes: string[] = [];
  for (const { address } of clients) {
    const { code, end } = talk(port, address);
    codes.push(await code());
    end();
  }
  return codes;
};

/**
 * Codes by which clients are greeted that XCLIENT tells of (Postfix, XCLIENT_README): it greets anew, by the rules for that client. Who is refused may say no
 * more.
 */
const greetedByXclient = async (port: number, clients: readonly MatchClient[]): Promise<string[]> => {
  const codes: string[] = [];
  let session: ReturnType<typeof talk> | null = null;
  for (const { address, name } of clients) {
    if (!session) {
      session = talk(port, own);
      expect(await session.code()).toBe('220');
    }
    const ip = address.includes(':') ? `IPV6:${address}` : address;
    session.say(`XCLIENT ADDR=${ip} NAME=${name ?? '[UNAVAILABLE]'}`);
    const code = await session.code();
    codes.push(code);
    if (code === '220') continue;
    session.end();
    session = null;
  }
  session?.end();
  return codes;
};

type Greeted = typeof greetedByXclient;

/** Several clients at a time. */
const spread = async (greeted: Greeted, port: number, clients: readonly MatchClient[]): Promise<string[]> => {
  const size = Math.ceil(clients.length / together);
  const parts = Array.from({ length: together }, (_, index) =>
    clients.slice(index * size, (index + 1) * size),
  );
  return (await Promise.all(parts.map((part) => greeted(port, part)))).flat();
};

/** Lets clients say XCLIENT: a line in the configuration that no Scanner has. */
const withXclient = (parts: PostfixParts): PostfixParts => ({
  ...parts,
  mail: {
    ...parts.mail,
    check: async (folder) => {
      await parts.mail.check(folder);
      appendFileSync(join(folder, 'main.cf'), 'smtpd_authorized_xclient_hosts = static:all\n');
    },
  },
});

let scanner: Scanner;
let ports: Record<AccessListName, number>;

const given = (values: Record<AccessListName, string[]>): Given => {
  const ipv4 = (name: AccessListName) => ({ address: '127.0.0.1', port: ports[name] });
  const many = { maxConnectionsPerAddress: 1000, maxConnectionsPerRange: 1000 };
  return {
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: ipv4('inbound'), accept: 'listed' },
      outbound: { ipv4: ipv4('outbound') },
      authentication: {
        enabled: true,
        ipv4: ipv4('authentication'),
        source: { type: 'smtp-forwarding', host: '127.0.0.1', port: 9 },
        accept: 'listed',
      },
    },
    lists: values,
    advanced: { inbound: many, outbound: many, authentication: many },
  };
};

const randomLists = (make: () => string): Record<AccessListName, string[]> => ({
  inbound: randomList(make),
  outbound: randomList(make),
  authentication: randomList(make),
});

/** Clients that the two judge differently, and how many there are of each verdict. */
const compare = async (
  values: Record<AccessListName, string[]>,
  clientOf: (values: readonly string[]) => MatchClient,
  { greeted, count }: { greeted: Greeted; count: number },
) => {
  const differing: object[] = [];
  const verdicts: Record<string, number> = {};
  for (const list of lists) {
    const judge = matcher(storedList(values[list]));
    const clients = Array.from({ length: count }, () => clientOf(values[list]));
    const codes = await spread(greeted, ports[list], clients);
    for (const [index, client] of clients.entries()) {
      const wanted = await judge(client);
      verdicts[wanted] = (verdicts[wanted] ?? 0) + 1;
      if (codes[index] !== wanted) differing.push({ list, ...client, wanted, got: codes[index] });
    }
  }
  return { differing, verdicts };
};

describe.skipIf(lacking !== '')(`match of the API and a Postfix agree${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    const free = [];
    for (const list of lists) free.push([list, await freePort()] as const);
    ports = Object.fromEntries(free) as typeof ports;
    scanner = await startScanner(withXclient);
  });

  afterAll(() => scanner?.stop());

  it(`on who comes from an address of loopback (seed ${seed})`, async () => {
    const values = randomLists(loopbackValue);
    await scanner.apply(given(values));
    const { differing, verdicts } = await compare(values, loopbackClient, {
      greeted: greetedFromThere,
      count: clientsOfList.there,
    });
    expect(differing).toEqual([]);
    expect(Math.min(verdicts['220'] ?? 0, verdicts['554'] ?? 0)).toBeGreaterThan(300);
  });

  it(`on whom XCLIENT tells of, of any address, with a name or without (seed ${seed})`, async () => {
    const values = randomLists(() => pick([outsideValue, outsideValue, domainValue])());
    await scanner.apply(given(values));
    const { differing, verdicts } = await compare(values, anyClient, {
      greeted: greetedByXclient,
      count: clientsOfList.told,
    });
    expect(differing).toEqual([]);
    expect(Math.min(verdicts['220'] ?? 0, verdicts['554'] ?? 0, verdicts['450'] ?? 0)).toBeGreaterThan(100);
  });
});
