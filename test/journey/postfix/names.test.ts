import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/ports.ts';
import type { HostInput } from '../../../shared/schemas/hosts.ts';
import type { Known, Names, Records } from '../../helpers/dns.ts';
import { insider, lacksDns, type NamesWorld, startNamesWorld } from './names-world.ts';

const ways = ['inbound', 'outbound'] as const;

let world: NamesWorld;
/** The port of the settings' hosts. */
let port: number;

/** Last octets of the addresses of hosts. */
const octets = { first: 11, second: 12, third: 13, down: 14, out: 25, outNext: 26 };

const at = (name: keyof typeof octets): Records => ({ A: [world.at(octets[name])] });

/** A name with these exchangers. */
const mx = (...records: [number, string][]): Records => ({ MX: records });

/** What is known beside the names of the exchangers. */
const know = (names: Names): void => {
  world.dns.names = {
    'first.example': at('first'),
    'second.example': at('second'),
    'down.example': at('down'),
    'six.example': { AAAA: ['::1'] },
    'out.example': at('out'),
    'out-next.example': at('outNext'),
    'scanner.example': { A: ['127.0.0.1'] },
    ...names,
  };
};

const named = (host: string, preference = 10, more: Partial<HostInput> = {}): HostInput => ({
  host,
  port,
  mxLookup: true,
  preference,
  ...more,
});

/** Both ways go to the same hosts. */
const applyHosts = (list: HostInput[]) =>
  world.scanner.apply({
    smtp: world.listeners('relay'),
    lists: { outbound: [insider] },
    hosts: { 'local-delivery': list, relay: list },
  });

const each = <T extends readonly unknown[]>(cases: readonly T[]) =>
  ways.flatMap((way) => cases.map((one) => [way, ...one] as const));

describe.skipIf(lacksDns !== '')(
  `names of hosts that a Postfix sends to${lacksDns && ` (${lacksDns})`}`,
  () => {
    beforeAll(async () => {
      world = await startNamesWorld({ [octets.third]: 'tables.example' });
      port = await freePort('::1');
      for (const name of ['first', 'second', 'third'] as const)
        await world.open(name, world.at(octets[name]), port);
      await world.open('six', '::1', port);
    });

    beforeEach(() => {
      world.dns.asked.length = 0;
    });

    afterAll(() => world?.stop());

    describe('with MX lookup', () => {
      beforeAll(() => applyHosts([named('mail.example')]));

      it.each(
        each<[string, string, () => Known]>([
          [
            'the exchanger of lowest preference',
            'first',
            () => ({ ...mx([20, 'second.example'], [10, 'first.example']), ...at('third') }),
          ],
          ['the next one where it is down', 'second', () => mx([10, 'down.example'], [20, 'second.example'])],
          [
            'the next one where its name is not found',
            'second',
            () => mx([10, 'gone.example'], [20, 'second.example']),
          ],
          ['an exchanger of IPv6', 'six', () => mx([10, 'six.example'], [20, 'second.example'])],
          ['the address of a name that has no MX records', 'third', () => at('third')],
          ['its address of IPv6', 'six', () => ({ AAAA: ['::1'] })],
        ]),
      )('%s mail goes to %s (%s), at the port of the setting', async (way, _, host, known) => {
        know({ 'mail.example': known() });
        expect(await world.arrivedAt(await world.send(way))).toBe(host);
        expect(world.dns.asked).toContain('MX mail.example');
        // The recipient's domain is nobody's business.
        expect(world.dns.asked.filter((question) => question.endsWith('far.example'))).toEqual([]);
      });

      it.each(
        each<[string, RegExp, Names]>([
          ['the name is not found', /dsn=4\.4\.4, status=deferred/, {}],
          [
            'no exchanger is found',
            /dsn=4\.4\.4, status=deferred/,
            { 'mail.example': mx([10, 'gone.example']) },
          ],
          [
            'the name takes no mail (RFC 7505)',
            /dsn=4\.3\.5, status=deferred/,
            { 'mail.example': mx([0, '.']) },
          ],
          ['DNS says that it fails', /dsn=4\.4\.3, status=deferred/, { 'mail.example': 'servfail' }],
          ['DNS says nothing', /dsn=4\.4\.3, status=deferred/, { 'mail.example': 'silent' }],
        ]),
      )('%s mail waits while %s, and then goes where the name leads', async (way, _, why, names) => {
        know(names);
        const to = await world.send(way);
        expect(await world.waits(to)).toMatch(why);
        know({ 'mail.example': mx([10, 'first.example']) });
        await world.flush();
        expect(await world.arrivedAt(to)).toBe('first');
      });
    });

    describe('with several hosts in a list', () => {
      beforeAll(() =>
        applyHosts([
          named('later.example', 20),
          named('plain.example', 30, { mxLookup: false }),
          named('sooner.example', 10),
          named('tables.example', 40, { mxLookup: false }),
        ]),
      );

      const both = (): Names => ({
        'sooner.example': mx([50, 'second.example']),
        'later.example': mx([1, 'first.example']),
      });

      it.each(ways)('%s mail goes to the one of lower preference, whatever MX records say', async (way) => {
        know(both());
        expect(await world.arrivedAt(await world.send(way))).toBe('second');
      });

      it.each(
        each<[string, Names]>([
          ['leads to a host that is down', { 'sooner.example': mx([10, 'down.example']) }],
          ['leads to nothing', { 'sooner.example': mx([10, 'gone.example']) }],
          ['takes no mail (RFC 7505)', { 'sooner.example': mx([0, '.']) }],
          ['makes DNS fail', { 'sooner.example': 'servfail' }],
          ['makes DNS say nothing', { 'sooner.example': 'silent' }],
        ]),
      )('%s mail goes to the next one where the name of the first %s', async (way, _, names) => {
        know({ ...both(), ...names });
        expect(await world.arrivedAt(await world.send(way))).toBe('first');
      });

      it.each(ways)('%s mail goes to the address of one without MX lookup', async (way) => {
        know({ 'plain.example': { ...mx([1, 'first.example']), ...at('third') } });
        expect(await world.arrivedAt(await world.send(way))).toBe('third');
        expect(world.dns.asked).not.toContain('MX plain.example');
      });

      it.each(ways)('%s mail goes to one that the tables of the host name, and DNS does not', async (way) => {
        know({});
        expect(await world.arrivedAt(await world.send(way))).toBe('third');
        expect(world.dns.asked).toContain('A tables.example');
      });

      it.each(ways)('%s mail goes by DNS where the tables of the host say something else', async (way) => {
        know({ 'tables.example': at('second') });
        expect(await world.arrivedAt(await world.send(way))).toBe('second');
      });
    });

    describe('that are domains of recipients, by their MX records', () => {
      let no25 = '';

      beforeAll(async () => {
        try {
          await world.open('out', world.at(octets.out), 25);
          await world.open('out-next', world.at(octets.outNext), 25);
        } catch (error) {
          no25 = `port 25 of loopback cannot be had (${(error as Error).message})`;
        }
        await world.scanner.apply({
          smtp: world.listeners('mx'),
          lists: { outbound: [insider] },
          hosts: { 'local-delivery': [named('mail.example', 10, { port: 25 })] },
        });
      });

      beforeEach((context) => {
        if (no25) context.skip(no25);
      });

      /** With the sender's domain, which notices go to. */
      const knowDomain = (known?: Known): void =>
        know({
          'home.example': mx([10, 'out-next.example']),
          ...(known === undefined ? {} : { 'far.example': known }),
        });

      it.each<[string, string, () => Known]>([
        [
          'the exchanger of lowest preference',
          'out',
          () => ({ ...mx([20, 'out-next.example'], [10, 'out.example']), ...at('third') }),
        ],
        [
          'the next one where it is down',
          'out-next',
          () => mx([10, 'down.example'], [20, 'out-next.example']),
        ],
        [
          'the next one where its name is not found',
          'out-next',
          () => mx([10, 'gone.example'], [20, 'out-next.example']),
        ],
        ['the address of a domain that has no MX records', 'out', () => at('out')],
      ])('mail goes to %s (%s), at port 25', async (_, host, known) => {
        knowDomain(known());
        expect(await world.arrivedAt(await world.send('outbound'))).toBe(host);
      });

      it.each<[string, RegExp, Known | undefined]>([
        ['does not exist', /Status: 5\.4\.4/, undefined],
        ['has no exchanger that exists', /Status: 5\.4\.4/, mx([10, 'gone.example'])],
        ['takes no mail (RFC 7505)', /Status: 5\.1\.0/, mx([0, '.'])],
        ['is the Scanner by its MX records', /Status: 5\.4\.6/, mx([10, 'scanner.example'])],
      ])('mail for a domain that %s is returned', async (_, status, known) => {
        knowDomain(known);
        expect(await world.noticeOf(await world.send('outbound'))).toMatch(status);
      });

      it('mail for a domain that only the tables of the host name is returned', async () => {
        knowDomain();
        const notice = await world.noticeOf(await world.send('outbound', 'tables.example'));
        expect(notice).toMatch(/Status: 5\.4\.4/);
      });

      it.each<[string, Known]>([
        ['fails', 'servfail'],
        ['says nothing', 'silent'],
      ])('mail waits while DNS %s, and then goes to its domain', async (_, known) => {
        knowDomain(known);
        const to = await world.send('outbound');
        expect(await world.waits(to)).toMatch(/dsn=4\.4\.3, status=deferred/);
        knowDomain(mx([10, 'out.example']));
        await world.flush();
        expect(await world.arrivedAt(to)).toBe('out');
      });

      it('inbound mail waits while the name of its host is the Scanner, and then goes where it leads', async () => {
        know({ 'mail.example': mx([10, 'scanner.example']) });
        const to = await world.send('inbound');
        expect(await world.waits(to)).toMatch(/dsn=4\.3\.5, status=deferred .*loops back/);
        know({ 'mail.example': mx([10, 'out.example']) });
        await world.flush();
        expect(await world.arrivedAt(to)).toBe('out');
      });
    });
  },
);
