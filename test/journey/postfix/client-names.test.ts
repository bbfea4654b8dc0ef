import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MailHost, startHost, visit } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import { type DnsServer, type Known, type Names, reverseName, startDns } from '../../helpers/dns.ts';
import { until } from '../../helpers/until.ts';
import { lacksDns } from './names-world.ts';
import { withNames } from './own-names.ts';
import { type Given, hostAt, type Scanner, startScanner } from './world.ts';

let dns: DnsServer;
let scanner: Scanner;
/** Where inbound mail goes, and where other mail does. */
let inside: MailHost;
let relay: MailHost;
let ports: Record<'inbound' | 'inbound6' | 'outbound' | 'shared', number>;

/** Who has names, and whose address is listed, too, by the last octet of an address of the DNS server's own net. */
const [client, listed] = [20, 30];
const at = (octet: number) => `${dns.net}.${octet}`;

const listener = (port: number) => ({ address: '127.0.0.1', port });

/** Inbound takes whom its list has, domains among them; the outbound list has addresses alone. */
const given = (accept: 'all' | 'listed' = 'listed'): Given => ({
  smtp: {
    mailFiltering: 'inbound-and-outbound',
    inbound: {
      ipv4: listener(ports.inbound),
      ipv6: { address: '::1', port: ports.inbound6 },
      accept,
    },
    outbound: { ipv4: listener(ports.outbound), nonLocalDelivery: 'relay' },
  },
  lists: { inbound: ['partner.example', '.sub.example', at(listed)], outbound: [at(listed)] },
  hosts: { 'local-delivery': [hostAt(inside.port)], relay: [hostAt(relay.port)] },
});

const inbound = (octet: number) => visit({ port: ports.inbound, from: at(octet) });

const letIn = /^250 /;
const notListed = /^CONN: 554 5\.7\.1 .*Access denied/;
const putOff = /^CONN: 450 4\.7\.1 /;

let sent = 0;

/** Sends a message that is taken. Answers which host has it, and its text. */
const mailOf = async (octet: number, port: number): Promise<[string, string]> => {
  sent += 1;
  const to = `no${sent}@far.example`;
  expect(await visit({ port, from: at(octet) }, { to })).toMatch(letIn);
  return until('the message arrives', () => {
    for (const [name, { arrived }] of Object.entries({ out: relay, in: inside })) {
      const found = arrived.find((one) => one.to.includes(to));
      if (found) return [name, found.text] as [string, string];
    }
    return null;
  });
};

/** What is known where a client's address has this name. */
const pointing = (name: string, names: Names = {}): Names => ({
  [reverseName(at(client))]: { PTR: [name] },
  ...names,
});

/** The addresses of this name. */
const own = (...octets: number[]): Known => ({ A: octets.map(at) });

describe.skipIf(lacksDns !== '')(`names of clients of a Postfix${lacksDns && ` (${lacksDns})`}`, () => {
  beforeAll(async () => {
    dns = await startDns();
    [inside, relay] = [await startHost(), await startHost()];
    const [one, two, three] = [await freePort(), await freePort(), await freePort()];
    ports = { inbound: one, outbound: two, shared: three, inbound6: await freePort('::1') };
    scanner = await startScanner(withNames({ nameserver: dns.address, hosts: [['127.0.0.1', 'localhost']] }));
  });

  beforeEach(() => {
    dns.names = {};
    dns.asked.length = 0;
  });

  afterAll(async () => {
    await scanner?.stop();
    await inside?.close();
    await relay?.close();
    await dns?.close();
  });

  describe('where a list has domains', () => {
    beforeAll(() => scanner.apply(given()));

    it.each<[string, RegExp, () => Names]>([
      [
        'whose name is listed and leads back to it is let in',
        letIn,
        () => pointing('partner.example', { 'partner.example': own(client) }),
      ],
      [
        'whose name is below a listed one and has several addresses is let in',
        letIn,
        () => pointing('a.b.sub.example', { 'a.b.sub.example': own(99, client, 98) }),
      ],
      [
        'whose name is written in capitals is let in',
        letIn,
        () => pointing('MAIL.Partner.EXAMPLE', { 'mail.partner.example': own(client) }),
      ],
      [
        'whose name leads back to it and is not listed is refused',
        notListed,
        () => pointing('notpartner.example', { 'notpartner.example': own(client) }),
      ],
      [
        'that says it has a listed name, which leads to others, is put off',
        putOff,
        () => pointing('partner.example', { 'partner.example': own(98, 99) }),
      ],
      [
        'that says it has a listed name, which is not found, is put off',
        putOff,
        () => pointing('partner.example'),
      ],
      [
        'that says it has a listed name, which has no address, is put off',
        putOff,
        () => pointing('partner.example', { 'partner.example': { MX: [[10, 'partner.example']] } }),
      ],
      [
        'whose name has one label, which no list has, is refused for good',
        notListed,
        () => pointing('alone', { alone: own(client) }),
      ],
      ['without a name is put off', putOff, () => ({})],
    ])('a client %s', async (_, answer, names) => {
      dns.names = names();
      expect(await inbound(client)).toMatch(answer);
    });

    it('a client of IPv6 is let in by the name that leads back to it, and put off by a forged one', async () => {
      const from6 = () => visit({ port: ports.inbound6, at: '::1', from: '::1' });
      const pointer = { [reverseName('::1')]: { PTR: ['six.partner.example'] } };
      dns.names = { ...pointer, 'six.partner.example': { AAAA: ['::1'] } };
      expect(await from6()).toMatch(letIn);
      dns.names = { ...pointer, 'six.partner.example': { AAAA: ['2001:db8::1'], A: [at(client)] } };
      expect(await from6()).toMatch(putOff);
    });

    it.each<[string, Known]>([
      ['fails', 'servfail'],
      ['says nothing', 'silent'],
    ])('a client is put off while DNS %s, and let in when it answers', async (_, trouble) => {
      const names = pointing('partner.example', { 'partner.example': own(client) });
      for (const name of Object.keys(names)) {
        dns.names = { ...names, [name]: trouble };
        expect(await inbound(client)).toMatch(putOff);
      }
      dns.names = names;
      expect(await inbound(client)).toMatch(letIn);
    });

    it.each<[string, Known | undefined]>([
      ['fails', 'servfail'],
      ['says nothing', 'silent'],
      ['knows no name', undefined],
    ])('a client that is listed by its address is let in though DNS %s', async (_, known) => {
      dns.names = known === undefined ? {} : { [reverseName(at(listed))]: known };
      expect(await inbound(listed)).toMatch(letIn);
      expect(dns.asked).toContain(`PTR ${reverseName(at(listed))}`);
    });

    it('Received headers have the name that was verified', async () => {
      dns.names = pointing('partner.example', { 'partner.example': own(client) });
      const [, text] = await mailOf(client, ports.inbound);
      expect(text).toContain(`(partner.example [${at(client)}])`);
    });
  });

  /** Every name is one that DNS says nothing of. */
  const silence = (...octets: number[]): Names =>
    Object.fromEntries(octets.map((octet) => [reverseName(at(octet)), 'silent']));

  it('a configuration is applied though DNS says nothing of whoever looks at its listeners', async () => {
    const port = await freePort();
    const patience = { allMs: 60_000, sessionMs: 500, dnsMs: 60_000, againMs: 50 };
    const names = withNames({ nameserver: dns.address });
    const own = await startScanner((parts, dir) => ({ ...names(parts, dir), patience }));
    try {
      // It takes five seconds until the resolver gives up.
      dns.names = { [reverseName('127.0.0.1')]: 'silent' };
      const { hosts, smtp } = given();
      await own.apply({
        smtp: { mailFiltering: 'inbound', inbound: { ...smtp.inbound, ipv4: listener(port), ipv6: null } },
        lists: { inbound: ['partner.example'] },
        hosts: { 'local-delivery': hosts?.['local-delivery'] ?? [] },
      } as Given);
      expect(await visit({ port })).toMatch(putOff);
    } finally {
      await own.stop();
    }
  });

  describe('where no list that is asked has domains', () => {
    beforeAll(() => scanner.apply(given('all')));
    beforeEach(() => {
      dns.names = silence(client, listed);
    });

    it.each<[string, 'inbound' | 'outbound', number, RegExp]>([
      ['whom a list of addresses has is let in', 'outbound', listed, letIn],
      ['whom it has not is refused', 'outbound', client, notListed],
      ['is let in where all are, whatever the list holds', 'inbound', client, letIn],
    ])('a client %s, and DNS is not asked', async (_, way, octet, answer) => {
      expect(await visit({ port: ports[way], from: at(octet) })).toMatch(answer);
      expect(dns.asked).toEqual([]);
    });

    it('Received headers say that the name is unknown', async () => {
      const [, text] = await mailOf(client, ports.inbound);
      expect(text).toContain(`(unknown [${at(client)}])`);
    });
  });

  describe('at a listener that inbound and outbound share', () => {
    /** The outbound list has a domain, and inbound takes all. */
    beforeAll(async () => {
      const both = listener(ports.shared);
      await scanner.apply({
        smtp: {
          mailFiltering: 'inbound-and-outbound',
          inbound: { ipv4: both, accept: 'all' },
          outbound: { ipv4: both, nonLocalDelivery: 'relay' },
        },
        lists: { outbound: ['partner.example'] },
        hosts: { 'local-delivery': [hostAt(inside.port)], relay: [hostAt(relay.port)] },
      });
    });

    it.each<[string, string, () => Names]>([
      ['leads back goes out', 'out', () => pointing('partner.example', { 'partner.example': own(client) })],
      ['is forged comes in', 'in', () => pointing('partner.example', { 'partner.example': own(99) })],
      ['cannot be looked up comes in', 'in', () => silence(client)],
    ])('mail of a client whose listed name %s', async (_, way, names) => {
      dns.names = names();
      const [arrived] = await mailOf(client, ports.shared);
      expect(arrived).toBe(way);
    });
  });
});
