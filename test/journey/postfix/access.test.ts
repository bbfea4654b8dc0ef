import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Mail, type MailHost, speak, startHost, visit } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { whyNoNames, withNames } from './own-names.ts';
import { addLoopback, type Given, hostAt, removeLoopback, type Scanner, startScanner } from './world.ts';

const lists = ['inbound', 'outbound', 'authentication'] as const;

/** Addresses of this file alone, beside those of IPv4 that every host has. */
const net6 = 'fd5c:a';
const added = [`${net6}:1::7`, `${net6}:2::9`, `${net6}:3::1`, `${net6}:4::1`];

/** What the resolver of the host would say: Postfix sees these names as if they were the host's own. */
const names: [string, string][] = [
  ['127.0.4.1', 'mail.partner.example'],
  ['127.0.4.2', 'partner.example'],
  ['127.0.4.3', 'sub.example'],
  ['127.0.4.4', 'a.b.sub.example'],
  ['127.0.4.5', 'notpartner.example'],
  [`${net6}:4::1`, 'six.partner.example'],
];

const noNames = lacking || whyNoNames();
let noIpv6: string | null = null;
let scanner: Scanner;
let host: MailHost;
let ports: Record<AccessListName | `${AccessListName}6`, number>;

const settings = (accept: 'all' | 'listed'): Given['smtp'] => {
  const at = (name: AccessListName) => ({
    ipv4: { address: '127.0.0.1', port: ports[name] },
    ipv6: { address: '::1', port: ports[`${name}6`] },
  });
  return {
    mailFiltering: 'inbound-and-outbound',
    inbound: { ...at('inbound'), accept },
    outbound: { ...at('outbound'), nonLocalDelivery: 'relay' },
    authentication: {
      enabled: true,
      ...at('authentication'),
      source: { type: 'smtp-forwarding', host: '127.0.0.1', port: host.port },
      accept,
    },
  };
};

const hosts = (): NonNullable<Given['hosts']> => ({
  'local-delivery': [hostAt(host.port)],
  relay: [hostAt(host.port)],
});

/** Who is let in at all three listeners is told what is next: a message is taken, or AUTH comes first. */
const letIn = { inbound: /^250 /, outbound: /^250 /, authentication: /^MAIL FROM: 530 / };
const notListed = /^CONN: 554 5\.7\.1 .*Access denied/;

const from = (list: AccessListName, address: string, mail: Mail = {}): Promise<string> =>
  address.includes(':')
    ? visit({ port: ports[`${list}6`], at: '::1', from: address }, mail)
    : visit({ port: ports[list], from: address }, mail);

const cases = (clients: readonly [string, boolean][]) =>
  lists.flatMap((list) => clients.map(([address, isIn]) => [list, address, isIn] as const));

describe.skipIf(lacking !== '')(`who may connect to a Postfix${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    noIpv6 = await addLoopback(added);
    host = await startHost();
    const found = [];
    for (const list of lists)
      found.push([list, await freePort()] as const, [`${list}6`, await freePort('::1')] as const);
    ports = Object.fromEntries(found) as typeof ports;
    scanner = await startScanner(noNames ? undefined : withNames({ hosts: names }));
  });

  afterAll(async () => {
    await scanner?.stop();
    await host?.close();
    await removeLoopback(added);
  });

  describe('by lists of addresses and networks', () => {
    beforeAll(async () => {
      const own = { inbound: '127.1.0.0/16', outbound: '127.2.0.0/16', authentication: '127.3.0.0/16' };
      const values = (list: AccessListName) => [
        '127.0.1.0/24',
        '127.0.2.7',
        '#127.0.3.0/24',
        '127.0.5.0/25',
        own[list],
        '::1',
        `${net6}:1::7`,
        `${net6}:2::/48`,
        `#${net6}:3::1`,
      ];
      const given = Object.fromEntries(lists.map((list) => [list, values(list)]));
      await scanner.apply({ smtp: settings('listed'), lists: given, hosts: hosts() });
    });

    it.each(
      cases([
        ['127.0.1.0', true],
        ['127.0.1.255', true],
        ['127.0.2.0', false],
        ['127.0.2.7', true],
        ['127.0.2.8', false],
        ['127.0.3.3', false],
        ['127.0.5.127', true],
        ['127.0.5.128', false],
        ['127.0.0.1', false],
        ['::1', true],
      ]),
    )('%s, from %s: %s', async (list, address, isIn) => {
      expect(await from(list, address)).toMatch(isIn ? letIn[list] : notListed);
    });

    describe('and of IPv6, added to loopback', () => {
      beforeEach((context) => {
        if (noIpv6) context.skip(noIpv6);
      });

      it.each(
        cases([
          [`${net6}:1::7`, true],
          [`${net6}:2::9`, true],
          [`${net6}:3::1`, false],
          [`${net6}:4::1`, false],
        ]),
      )('%s, from %s: %s', async (list, address, isIn) => {
        expect(await from(list, address)).toMatch(isIn ? letIn[list] : notListed);
      });
    });

    it.each([
      ['127.1.0.1', 'inbound'],
      ['127.2.0.1', 'outbound'],
      ['127.3.0.1', 'authentication'],
    ] as const)('%s, in the %s list alone, is let in nowhere else', async (address, own) => {
      for (const list of lists)
        expect(await from(list, address)).toMatch(list === own ? letIn[list] : notListed);
    });

    it('who is refused is told no more, whatever is said', async () => {
      const replies = await speak({ port: ports.inbound, from: '127.0.3.3' }, [
        'EHLO there.example',
        'MAIL FROM:<a@there.example>',
      ]);
      expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['554', '503', '503']);
    });
  });

  describe.skipIf(noNames !== '')(`by lists with domains${noNames && ` (${noNames})`}`, () => {
    beforeAll(async () => {
      const values = ['127.0.2.7', 'partner.example', '.sub.example', '#notpartner.example'];
      const given = Object.fromEntries(lists.map((list) => [list, values]));
      await scanner.apply({ smtp: settings('listed'), lists: given, hosts: hosts() });
    });

    it.each(
      cases([
        ['127.0.4.1', true],
        ['127.0.4.2', true],
        ['127.0.4.3', false],
        ['127.0.4.4', true],
        ['127.0.4.5', false],
        ['127.0.2.7', true],
      ]),
    )('%s, from %s by the name it has: %s', async (list, address, isIn) => {
      expect(await from(list, address)).toMatch(isIn ? letIn[list] : notListed);
    });

    it.for(lists)('%s, from an address of IPv6 by the name it has', async (list, context) => {
      if (noIpv6) context.skip(noIpv6);
      expect(await from(list, `${net6}:4::1`)).toMatch(letIn[list]);
    });

    it.each(lists)('%s, from an address without a name, is put off', async (list) => {
      expect(await from(list, '127.0.6.1')).toMatch(/^CONN: 450 4\.7\.1 /);
    });
  });

  describe('where all are accepted', () => {
    beforeAll(() =>
      scanner.apply({ smtp: settings('all'), lists: { outbound: ['127.0.2.7'] }, hosts: hosts() }),
    );

    it.each([
      ['inbound', true],
      ['authentication', true],
      ['outbound', false],
    ] as const)('%s lets strangers in: %s', async (list, isIn) => {
      expect(await from(list, '127.9.9.9')).toMatch(isIn ? letIn[list] : notListed);
      expect(await from(list, '127.0.2.7')).toMatch(letIn[list]);
    });
  });

  describe('at a listener that inbound and outbound share', () => {
    let inside: MailHost;
    let sent = 0;

    const shared = (accept: 'all' | 'listed'): Given => {
      const { inbound, authentication: _, ...more } = settings(accept);
      return {
        smtp: {
          ...more,
          inbound,
          outbound: { ipv4: inbound?.ipv4, ipv6: inbound?.ipv6, nonLocalDelivery: 'relay' },
        },
        lists: {
          outbound: ['127.0.2.7'],
          ...(accept === 'listed' ? { inbound: ['127.0.2.7', '127.0.2.8'] } : {}),
        },
        hosts: { ...hosts(), 'local-delivery': [hostAt(inside.port)] },
      } as Given;
    };

    /** Where a message went that was taken; otherwise the refusal. */
    const way = async (address: string): Promise<string> => {
      sent += 1;
      // Others may still be on their way.
      const to = `no${sent}@here.example`;
      const isAt = ({ arrived }: MailHost) => arrived.some((mail) => mail.to.includes(to));
      const answer = await from('inbound', address, { to });
      if (!answer.startsWith('250')) return answer;
      return until('the message arrives', () => (isAt(host) ? 'out' : isAt(inside) && 'in'));
    };

    beforeAll(async () => {
      inside = await startHost();
      await scanner.apply(shared('listed'));
    });
    afterAll(() => inside.close());

    it('mail of who is in both lists goes out: the outbound list is asked first', async () => {
      expect(await way('127.0.2.7')).toBe('out');
    });

    it('mail of who is in the inbound list alone comes in', async () => {
      expect(await way('127.0.2.8')).toBe('in');
    });

    it('who is in neither is refused', async () => {
      expect(await way('127.0.2.9')).toMatch(notListed);
    });

    it('where inbound accepts all, mail of strangers comes in', async () => {
      await scanner.apply(shared('all'));
      expect(await way('127.0.2.9')).toBe('in');
      expect(await way('127.0.2.7')).toBe('out');
    });
  });
});
