import { expect } from 'vitest';
import { type MailHost, startHost, visit } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import { runToSuccess } from '../../../scanner/postfix/program.ts';
import { type DnsServer, startDns, whyNoDns } from '../../helpers/dns.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { type OwnNames, whyNoNames, withNames } from './own-names.ts';
import { type Given, type Scanner, startScanner } from './world.ts';

/** Why no Postfix can have a DNS of its own here; empty where it can. */
export const lacksDns = lacking || whyNoNames() || (await whyNoDns());

/** Who is in the outbound list, and who is not. */
export const insider = '127.0.0.2';
const stranger = '127.0.0.3';

export type Way = 'inbound' | 'outbound';

/** A Postfix that asks a DNS server of the test, and hosts that its mail goes to. */
export interface NamesWorld {
  dns: DnsServer;
  scanner: Scanner;
  ports: Record<Way, number>;
  /** The listeners of these ports; the outbound list has the insider. */
  listeners(nonLocalDelivery: 'mx' | 'relay'): Given['smtp'];
  /** An address of the DNS server's own net. */
  at(octet: number): string;
  /** Starts a host under a name of the test's. */
  open(name: string, address: string, port: number): Promise<void>;
  /** Sends a message, from inside where it is outbound. Answers its recipient, which no other message has. */
  send(way: Way, domain?: string, from?: string): Promise<string>;
  /** The name of the host that has the mail for a recipient, once one has. */
  arrivedAt(to: string): Promise<string>;
  /** The address that the mail for a recipient comes from. */
  cameFrom(to: string): Promise<string>;
  /** The notice of a message that is returned, once a host has it. */
  noticeOf(to: string): Promise<string>;
  /** Waits until a message waits for its next attempt. Answers what the log says of it last. */
  waits(to: string): Promise<string>;
  /** Has Postfix try again now what waits. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

interface Queued {
  queue_name: string;
  recipients: { address: string }[];
}

const queuedIn = async (configuration: string): Promise<Queued[]> => {
  const text = await runToSuccess('postqueue', ['-c', configuration, '-j']);
  return text === '' ? [] : text.split('\n').map((line): Queued => JSON.parse(line));
};

const listenersAt = ({ inbound, outbound }: NamesWorld['ports'], nonLocalDelivery: 'mx' | 'relay') => ({
  mailFiltering: 'inbound-and-outbound' as const,
  inbound: { ipv4: { address: '127.0.0.1', port: inbound } },
  outbound: { ipv4: { address: '127.0.0.1', port: outbound }, nonLocalDelivery },
});

/** Starts one. `tables`: what its `/etc/hosts` says, by the last octet of an address of the DNS server's net. */
export const startNamesWorld = async (tables: Record<number, string> = {}): Promise<NamesWorld> => {
  const dns = await startDns();
  const at = (octet: number) => `${dns.net}.${octet}`;
  const names = Object.entries(tables).map(([octet, name]) => [at(Number(octet)), name] as const);
  const own: OwnNames = { nameserver: dns.address, hosts: [['127.0.0.1', 'localhost'], ...names] };
  const scanner = await startScanner(withNames(own));
  const current = `${scanner.dir}/current`;
  const ports = { inbound: await freePort(), outbound: await freePort() };
  const hosts = new Map<string, MailHost>();
  const allMail = () => [...hosts.values()].flatMap(({ arrived }) => arrived);
  let sent = 0;
  return {
    dns,
    scanner,
    ports,
    at,
    listeners: (nonLocalDelivery) => listenersAt(ports, nonLocalDelivery),
    async open(name, address, port) {
      hosts.set(name, await startHost({}, { at: address, port }));
    },
    async send(way, domain = 'far.example', from = 'me@home.example') {
      sent += 1;
      const to = `no${sent}@${domain}`;
      const client = { port: ports[way], from: way === 'inbound' ? stranger : insider };
      expect(await visit(client, { from, to })).toMatch(/^250 /);
      return to;
    },
    arrivedAt: (to) =>
      until(`mail to ${to} arrives`, () => {
        const found = [...hosts].find(([, { arrived }]) => arrived.some((one) => one.to.includes(to)));
        return found?.[0];
      }),
    async cameFrom(to) {
      const mail = await until(`mail to ${to} arrives`, () => allMail().find((one) => one.to.includes(to)));
      return mail.client;
    },
    async noticeOf(to) {
      const notice = await until(`mail to ${to} is returned`, () =>
        allMail().find(({ from, text }) => from === '' && text.includes(to)),
      );
      return notice.text;
    },
    async waits(to) {
      await until(`mail to ${to} waits`, async () =>
        (await queuedIn(current)).some(
          ({ queue_name: queue, recipients }) => queue === 'deferred' && recipients[0]?.address === to,
        ),
      );
      // Another process writes the log.
      return until(`the log says of mail to ${to} why it waits`, () =>
        scanner
          .logged()
          .split('\n')
          .findLast((line) => line.includes(`to=<${to}>`)),
      );
    },
    async flush() {
      await runToSuccess('postqueue', ['-c', current, '-f']);
    },
    async stop() {
      await scanner.stop();
      for (const host of hosts.values()) await host.close();
      await dns.close();
    },
  };
};
