import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MailHost, openSession, startHost, visit } from '../../../bench/mail-clients.ts';
import { account, startSenders } from '../../../bench/mail-senders.ts';
import { freePort } from '../../../local/ports.ts';
import { makeChain } from '../../helpers/certificates.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { type Given, hostAt, type Scanner, startScanner } from './world.ts';

const changes = Number(process.env['POSTFIX_CHANGES'] ?? 10);
const certificateId = 'cert-00000000000000a1';
const senders = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4'];

let scanner: Scanner;
let host: MailHost;
let port: number;
let others: number[];
let certificate: object;

/** Configurations that differ in lists, TLS, limits, listeners and hosts, and that all let the senders in. */
const configuration = (revision: number): Given => {
  const isListed = revision % 2 === 0;
  const hasTls = revision % 3 === 0;
  const withOutbound = revision % 5 === 0;
  return {
    smtp: {
      mailFiltering: withOutbound ? 'inbound-and-outbound' : 'inbound',
      inbound: {
        ipv4: { address: '127.0.0.1', port },
        accept: isListed ? 'listed' : 'all',
        ...(hasTls ? { tls: { accept: true, certificateId } } : {}),
      },
      ...(withOutbound
        ? { outbound: { ipv4: { address: '127.0.0.1', port: others[revision % others.length] ?? 0 } } }
        : {}),
    },
    lists: {
      ...(isListed ? { inbound: ['127.0.1.0/24', `10.${revision % 256}.0.0/16`] } : {}),
      ...(withOutbound ? { outbound: ['192.0.2.1'] } : {}),
    },
    hosts: { 'local-delivery': [hostAt(host.port, 10 + (revision % 7))] },
    advanced: {
      inbound: { maxMessageBytes: 100_000 + revision, maxConnections: 50 + (revision % 4) },
      delivery: { minRetryMinutes: 1 },
    },
    artifacts: hasTls ? { [certificateId]: certificate } : {},
  };
};

describe.skipIf(lacking !== '')(`while mail flows${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    host = await startHost();
    port = await freePort();
    others = [await freePort(), await freePort()];
    const { upload } = await makeChain();
    certificate = { certificatePem: upload.certificatePem, privateKeyPem: upload.privateKeyPem };
    scanner = await startScanner();
    await scanner.apply(configuration(1));
  });

  afterAll(async () => {
    await scanner?.stop();
    await host?.close();
  });

  it(`${changes} changes lose no message that was taken, and refuse no session`, {
    timeout: 60_000 + changes * 10_000,
  }, async () => {
    const flow = startSenders(port, senders);
    for (let revision = 2; revision <= changes + 1; revision++) {
      expect(await scanner.apply(configuration(revision))).toBe('Postfix was reloaded');
    }
    const { taken, refused } = await flow.stop();

    expect(refused).toEqual([]);
    expect(taken.length).toBeGreaterThan(changes);
    await until('all that was taken has arrived', () => account(taken, host.arrived).lost.length === 0, {
      seconds: 100,
    });
    expect(account(taken, host.arrived)).toEqual({ lost: [], twice: [], untold: [] });
  });

  it('a session goes on by the rules that it began with, whatever changes meanwhile', async () => {
    await scanner.apply(configuration(1));
    const session = await openSession({ port, from: '127.0.9.9' });
    for (const revision of [2, 4, 8]) await scanner.apply(configuration(revision));
    expect(await session.send()).toMatch(/^250 /);
    session.close();
    expect(await visit({ port, from: '127.0.9.9' })).toMatch(/^CONN: 554 /);
  });
});
