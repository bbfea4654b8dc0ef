import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MailHost, speak, startHost, visit } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { type Given, hostAt, type Scanner, startScanner } from './world.ts';

const names = ['near', 'nearNext', 'far', 'farNext'] as const;
let hosts: Record<(typeof names)[number], MailHost>;
let scanner: Scanner;
let ports: Record<'inbound' | 'outbound' | 'authentication' | 'shared' | 'nobody', number>;

const insider = '127.0.0.2';
const stranger = '127.0.0.3';

const at = (name: keyof typeof ports) => ({ address: '127.0.0.1', port: ports[name] });

const given = (inbound: keyof typeof ports, outbound: keyof typeof ports): Given => ({
  smtp: {
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4: at(inbound) },
    outbound: { ipv4: at(outbound), nonLocalDelivery: 'relay' },
    authentication: {
      enabled: true,
      ipv4: at('authentication'),
      source: { type: 'smtp-forwarding', host: '127.0.0.1', port: hosts.near.port },
      accept: 'all',
    },
  },
  lists: { outbound: [insider] },
  hosts: {
    'local-delivery': [
      hostAt(hosts.nearNext.port, 30),
      hostAt(ports.nobody, 10),
      hostAt(hosts.near.port, 20),
    ],
    relay: [hostAt(hosts.farNext.port, 30), hostAt(hosts.far.port, 20), hostAt(ports.nobody, 10)],
  },
  advanced: { outbound: { defaultSenderDomain: 'here.example' } },
});

const arrived = () => names.map((name) => hosts[name].arrived.length);

const isEmpty = () =>
  ['maildrop', 'incoming', 'active', 'deferred'].every(
    (queue) =>
      readdirSync(join(scanner.dir, 'postfix', 'queue', queue), {
        recursive: true,
        withFileTypes: true,
      }).filter((one) => one.isFile()).length === 0,
  );

/** Waits until no message waits in Postfix. One that goes from queue to queue may be overlooked once: the folders are not read in one moment. */
const delivered = () => until('everything is delivered', () => isEmpty() && isEmpty() && isEmpty());

/** Recipients by which strangers have got mail through relays that were open: forms of old routes, of gateways, of the host's own names. */
const recipients = [
  '<victim@far.example>',
  '<victim%far.example@here.example>',
  '<victim%far.example@mx1.example.com>',
  '<victim%far.example@[127.0.0.1]>',
  '<"victim@far.example"@here.example>',
  '<"victim@far.example">',
  '<"victim%far.example">',
  '<victim%far.example>',
  '<victim@far.example@here.example>',
  '<@here.example:victim@far.example>',
  '<@mx1.example.com,@here.example:victim@far.example>',
  '<far.example!victim@here.example>',
  '<far.example!victim>',
  '<victim@[127.0.0.1]>',
  '<victim@[IPv6:::1]>',
  '<victim@127.0.0.1>',
  '<victim@localhost>',
  '<victim@mx1.example.com>',
  '<victim@far.example.>',
  '<victim@FAR.EXAMPLE>',
  'victim@far.example',
  '<postmaster>',
  '<victim>',
];

const senders = [
  '<spammer@there.example>',
  '<someone@here.example>',
  '<root@mx1.example.com>',
  '<root@localhost>',
  '<>',
];

/** Sends a message to a recipient as it is written. True where it was taken. */
const sends = async (port: number, from: string, sender: string, recipient: string): Promise<boolean> => {
  const replies = await speak({ port, from }, [
    'EHLO there.example',
    `MAIL FROM:${sender}`,
    `RCPT TO:${recipient}`,
    'DATA',
    'Subject: relay me\r\n\r\nHello\r\n.',
  ]);
  return replies.length === 6 && replies.at(-1)?.startsWith('250') === true;
};

describe.skipIf(lacking !== '')(`where a Postfix sends mail${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    const started = [];
    for (const name of names) started.push([name, await startHost()] as const);
    hosts = Object.fromEntries(started) as typeof hosts;
    const free = [];
    for (const name of ['inbound', 'outbound', 'authentication', 'shared', 'nobody'])
      free.push([name, await freePort()] as const);
    ports = Object.fromEntries(free) as typeof ports;
    scanner = await startScanner();
  });

  afterAll(async () => {
    await scanner?.stop();
    for (const host of Object.values(hosts ?? {})) await host.close();
  });

  beforeEach(() => {
    for (const host of Object.values(hosts)) host.arrived.length = 0;
  });

  /** All of it is taken or refused. What is taken is near, or its sender is told that it is not; nothing else is far. */
  const tryAll = async (port: number, pairs: readonly (readonly [string, string])[]): Promise<number> => {
    let taken = 0;
    for (const [sender, recipient] of pairs) if (await sends(port, stranger, sender, recipient)) taken += 1;
    await delivered();
    const notices = hosts.far.arrived.filter(
      ({ from, to }) => from === '' && to[0] === 'spammer@there.example',
    );
    expect(arrived()).toEqual([taken - notices.length, 0, notices.length, 0]);
    return taken;
  };

  const pairs = [
    ...recipients.map((recipient) => ['<spammer@there.example>', recipient] as const),
    ...senders.map((sender) => [sender, '<victim@far.example>'] as const),
  ];

  describe('with listeners of their own', () => {
    beforeAll(() => scanner.apply(given('inbound', 'outbound')));

    it('inbound mail goes to the first local-delivery host that is there', async () => {
      expect(await visit({ port: ports.inbound, from: stranger })).toMatch(/^250 /);
      await delivered();
      expect(arrived()).toEqual([1, 0, 0, 0]);
    });

    it('outbound mail goes to the first relay host that is there', async () => {
      expect(await visit({ port: ports.outbound, from: insider }, { to: 'x@far.example' })).toMatch(/^250 /);
      await delivered();
      expect(arrived()).toEqual([0, 0, 1, 0]);
    });

    it('outbound mail for a local domain goes to the local-delivery hosts', async () => {
      expect(await visit({ port: ports.outbound, from: insider }, { to: 'x@here.example' })).toMatch(/^250 /);
      await delivered();
      expect(arrived()).toEqual([1, 0, 0, 0]);
    });

    it('nothing that a stranger sends to inbound is relayed, however its recipient is written', async () => {
      expect(await tryAll(ports.inbound, pairs)).toBeGreaterThan(senders.length);
    });

    it('a stranger has nothing taken at outbound, and nothing at authentication', async () => {
      expect(await tryAll(ports.outbound, pairs.slice(0, 3))).toBe(0);
      expect(await tryAll(ports.authentication, pairs)).toBe(0);
    });
  });

  describe.each([
    ['of their own', 'inbound', 'outbound'],
    ['that both share', 'shared', 'shared'],
  ] as const)('with listeners %s, and no domain that is called local', (_, inbound, outbound) => {
    const some = () => ({ ...given(inbound, outbound), advanced: {} });
    const toPostmaster = ['<postmaster>', '<PostMaster>', '<"postmaster">'].map(
      (recipient) => ['<spammer@there.example>', recipient] as const,
    );

    it('nothing that a stranger sends is relayed, not what is for the postmaster of no domain either', async () => {
      await scanner.apply(some());
      expect(await tryAll(ports[inbound], [...pairs, ...toPostmaster])).toBeGreaterThan(senders.length);
    });

    it('nothing is taken from a stranger where there is no host for it', async () => {
      await scanner.apply({ ...some(), hosts: { ...some().hosts, 'local-delivery': [] } });
      expect(await tryAll(ports[inbound], [...pairs, ...toPostmaster])).toBe(0);
    });
  });

  describe('with a listener that inbound and outbound share', () => {
    beforeAll(() => scanner.apply(given('shared', 'shared')));

    it('nothing that a stranger sends is relayed, however its recipient is written', async () => {
      expect(await tryAll(ports.shared, pairs)).toBeGreaterThan(senders.length);
    });

    it('mail of who is inside is', async () => {
      expect(await sends(ports.shared, insider, '<me@here.example>', '<x@far.example>')).toBe(true);
      await delivered();
      expect(arrived()).toEqual([0, 0, 1, 0]);
    });

    it('with another host down, the next one has the mail', async () => {
      await hosts.near.close();
      await hosts.far.close();
      expect(await sends(ports.shared, stranger, '<you@there.example>', '<x@here.example>')).toBe(true);
      expect(await sends(ports.shared, insider, '<me@here.example>', '<x@far.example>')).toBe(true);
      await delivered();
      expect(arrived()).toEqual([0, 1, 0, 1]);
    });
  });
});
