import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MailHost, openSession, speak, startHost, type Where } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import { readConnections } from '../../../scanner/postfix/guard/connection-table.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { addLoopback, hostAt, removeLoopback, type Scanner, startScanner } from './world.ts';

/** Of this file alone: two addresses of one /64, and one beside it. */
const net6 = 'fd5c:b';
const added = [`${net6}:1::1`, `${net6}:1::2`, `${net6}:1::3`, `${net6}:2::1`];

let noIpv6: string | null = null;
let scanner: Scanner;
let host: MailHost;
let port: number;
let port6: number;
const open: Socket[] = [];

/** Connects and stays. Answers the greeting. */
const stay = async ({ port: to, at = '127.0.0.1', from }: Where): Promise<string> => {
  const socket = connect({ host: at, port: to, ...(from === undefined ? {} : { localAddress: from }) });
  socket.on('error', () => undefined);
  open.push(socket);
  const [piece] = (await once(socket, 'data')) as [Buffer];
  return piece.toString('latin1');
};

const greeted = /^220 /;

/** Waits until Postfix has ended all sessions at some ports: who has gone counts until it has noticed. */
const emptied = (...at: number[]) =>
  until('nobody is connected', async () => {
    const connections = await readConnections((one) => at.includes(one));
    return connections.length === 0;
  });

describe.skipIf(lacking !== '')(`limits of a Postfix${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    noIpv6 = await addLoopback(added);
    host = await startHost();
    [port, port6] = [await freePort(), await freePort('::1')];
    scanner = await startScanner();
    await scanner.apply({
      smtp: {
        mailFiltering: 'inbound',
        inbound: { ipv4: { address: '127.0.0.1', port }, ipv6: { address: '::1', port: port6 } },
      },
      hosts: { 'local-delivery': [hostAt(host.port)] },
      advanced: {
        inbound: {
          maxMessageBytes: 4096,
          maxRecipientsPerMessage: 3,
          maxMessagesPerSession: 2,
          maxConnections: 6,
          maxConnectionsPerRange: 3,
          maxConnectionsPerAddress: 2,
          ipv6Prefix: 64,
        },
      },
    });
  });

  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy();
    await emptied(port, port6);
  });

  afterAll(async () => {
    await scanner?.stop();
    await host?.close();
    await removeLoopback(added);
  });

  it('a message of the announced size is taken, a larger one is not, announced or not', async () => {
    const session = await openSession({ port });
    expect(session.offered).toMatch(/^250[- ]SIZE 4096\r?$/m);
    session.close();
    const told = async (lines: readonly string[]) => {
      await emptied(port);
      return (await speak({ port }, lines)).at(-1);
    };
    const begin = ['EHLO there.example', 'MAIL FROM:<a@there.example>', 'RCPT TO:<b@here.example>', 'DATA'];
    const ofBytes = (bytes: number) => `${'x'.repeat(78)}\r\n`.repeat(bytes / 80);
    expect(await told([...begin, `${ofBytes(3200)}.`])).toMatch(/^250 /);
    expect(await told([...begin, `${ofBytes(4800)}.`])).toMatch(/^552 5\.3\.4 /);
    const announced = ['EHLO there.example', 'MAIL FROM:<a@there.example> SIZE=4800'];
    expect(await told(announced)).toMatch(/^552 5\.3\.4 /);
  });

  it('a recipient above the number is put off, those before it are taken', async () => {
    const to = ['a', 'b', 'c', 'd'].map((name) => `RCPT TO:<${name}@here.example>`);
    const replies = await speak({ port }, ['EHLO there.example', 'MAIL FROM:<x@there.example>', ...to]);
    expect(replies.slice(3).map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '250', '452']);
  });

  it('a session ends with the message above its number, and the next session begins anew', async () => {
    for (const _ of ['first', 'second']) {
      const session = await openSession({ port, from: '127.0.7.1' });
      expect(await session.send()).toMatch(/^250 /);
      expect(await session.send()).toMatch(/^250 /);
      expect(await session.send()).toMatch(/^MAIL FROM: 421 4\.7\.0 /);
      session.close();
    }
  });

  it('a connection above the number of one address is put off, loopback or not, others are not', async () => {
    expect(await stay({ port, from: '127.0.7.2' })).toMatch(greeted);
    expect(await stay({ port, from: '127.0.7.2' })).toMatch(greeted);
    expect(await stay({ port, from: '127.0.7.2' })).toMatch(/^421 4\.7\.0 /);
    expect(await stay({ port, from: '127.0.7.3' })).toMatch(greeted);
  });

  it('a connection above the number of one IPv6 range is put off, from the next range it is not', async (context) => {
    if (noIpv6) context.skip(noIpv6);
    for (const from of [`${net6}:1::1`, `${net6}:1::1`, `${net6}:1::2`])
      expect(await stay({ port: port6, at: '::1', from })).toMatch(greeted);
    expect(await stay({ port: port6, at: '::1', from: `${net6}:1::3` })).toMatch(/^421 4\.7\.0 /);
    expect(await stay({ port: port6, at: '::1', from: `${net6}:2::1` })).toMatch(greeted);
  });

  it('clients that are refused and stay leave room for who is listed', async () => {
    const listed = await freePort();
    const other = await startScanner();
    try {
      await other.apply({
        smtp: {
          mailFiltering: 'inbound',
          inbound: { ipv4: { address: '127.0.0.1', port: listed }, accept: 'listed' },
        },
        lists: { inbound: ['127.0.9.1'] },
        advanced: { inbound: { maxConnections: 8, maxConnectionsPerRange: 8, maxConnectionsPerAddress: 8 } },
      });
      await emptied(listed);
      const strangers = [];
      for (let index = 0; index < 8; index++)
        strangers.push(await stay({ port: listed, from: `127.0.9.${10 + index}` }));
      expect(strangers.map((said) => said.slice(0, 3))).toEqual(['554', '554', ...Array(6).fill('421')]);
      expect(await stay({ port: listed, from: '127.0.9.1' })).toMatch(greeted);
      open[0]?.destroy();
      await until('another may hear why', async () =>
        (await stay({ port: listed, from: '127.0.9.9' })).startsWith('554'),
      );
    } finally {
      await other.stop();
    }
  });

  it('a connection above the number of all is put off, of IPv4 and IPv6 together, until one ends', async () => {
    for (const from of ['127.0.8.1', '127.0.8.2', '127.0.8.3', '127.0.8.4'])
      expect(await stay({ port, from })).toMatch(greeted);
    for (const _ of [1, 2]) expect(await stay({ port: port6, at: '::1' })).toMatch(greeted);
    expect(await stay({ port, from: '127.0.8.5' })).toMatch(/^421 4\.7\.0 /);
    open.shift()?.destroy();
    await until('there is room again', async () => greeted.test(await stay({ port, from: '127.0.8.6' })));
  });
});
