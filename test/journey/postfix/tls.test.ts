import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type MailHost, openSession, startHost, visit } from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { type Made, make, makeChain, type ServerChain } from '../../helpers/certificates.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { type Given, hostAt, type Scanner, startScanner } from './world.ts';

const certificateId = 'cert-00000000000000a1';
const lists = ['inbound', 'outbound', 'authentication'] as const;

let scanner: Scanner;
let host: MailHost;
let server: ServerChain;
let authority: Made;
let ports: Record<AccessListName, number>;
/** What a client may present; `none` presents nothing. */
let presented: Record<'valid' | 'expired' | 'self-signed' | 'foreign' | 'none', NonNullable<Client['tls']>>;

const makePresented = async (): Promise<typeof presented> => {
  const named = { subject: 'CN=client.example' };
  const ofAuthority = { ...named, issuer: authority };
  const stranger = await make({ subject: 'CN=Client Authority', isAuthority: true });
  const all = {
    valid: await make(ofAuthority),
    expired: await make({ ...ofAuthority, from: -20, until: -10 }),
    'self-signed': await make(named),
    foreign: await make({ ...named, issuer: stranger }),
  };
  const shown = Object.entries(all).map(([name, { pem, keyPem }]) => [name, { cert: pem, key: keyPem }]);
  return { ...Object.fromEntries(shown), none: {} };
};

type Tls = NonNullable<NonNullable<Given['smtp']['inbound']>['tls']>;
type OutboundTls = NonNullable<NonNullable<Given['smtp']['outbound']>['tls']>;

const given = (tls: { inbound: Tls; outbound: OutboundTls; authentication: Tls }): Given => {
  const ipv4 = (list: AccessListName) => ({ address: '127.0.0.1', port: ports[list] });
  return {
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: ipv4('inbound'), tls: tls.inbound },
      outbound: { ipv4: ipv4('outbound'), tls: tls.outbound, nonLocalDelivery: 'relay' },
      authentication: {
        enabled: true,
        ipv4: ipv4('authentication'),
        tls: tls.authentication,
        source: { type: 'smtp-forwarding', host: '127.0.0.1', port: host.port },
        accept: 'all',
      },
    },
    lists: { outbound: ['127.0.0.0/8'] },
    hosts: { 'local-delivery': [hostAt(host.port)], relay: [hostAt(host.port)] },
    artifacts: {
      [certificateId]: {
        certificatePem: server.upload.certificatePem,
        privateKeyPem: server.upload.privateKeyPem,
      },
      'client-authorities': { certificatePem: authority.pem },
    },
  };
};

/** What is offered in the clear, of STARTTLS and AUTH. */
const offers = async (list: AccessListName): Promise<string[]> => {
  const session = await openSession({ port: ports[list] });
  session.close();
  return ['STARTTLS', 'AUTH'].filter((word) => new RegExp(`^250[- ]${word}\\b`, 'm').test(session.offered));
};

const withTls = (list: AccessListName, name: keyof typeof presented): Promise<string> =>
  visit({ port: ports[list], tls: presented[name] });

const taken = /^250 /;
const invalid = /^MAIL FROM: 554 5\.7\.1 .*tls_invalid_client_certificate/;
const needed = /^MAIL FROM: 554 5\.7\.1 .*client certificate is required/;
const loginFirst = /^MAIL FROM: 530 5\.7\.0 /;

describe.skipIf(lacking !== '')(`TLS of a Postfix${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    host = await startHost();
    authority = await make({ subject: 'CN=Client Authority', isAuthority: true });
    [server, presented] = [await makeChain(), await makePresented()];
    const free = [];
    for (const list of lists) free.push([list, await freePort()] as const);
    ports = Object.fromEntries(free) as typeof ports;
    scanner = await startScanner();
  });

  afterAll(async () => {
    await scanner?.stop();
    await host?.close();
  });

  describe('required at one listener, absent at the next, with certificates of clients', () => {
    beforeAll(() =>
      scanner.apply(
        given({
          inbound: { accept: true, certificateId, require: true, clientCertificate: 'require' },
          outbound: { accept: false },
          authentication: { accept: true, certificateId, clientCertificate: 'request' },
        }),
      ),
    );

    it('is offered where it is accepted, and nowhere else', async () => {
      expect(await offers('inbound')).toEqual(['STARTTLS']);
      expect(await offers('outbound')).toEqual([]);
      expect(await offers('authentication')).toEqual(['STARTTLS', 'AUTH']);
    });

    it('absent is refused to who asks for it, and mail is taken without', async () => {
      expect(await withTls('outbound', 'none')).toMatch(/^STARTTLS: /);
      expect(await visit({ port: ports.outbound })).toMatch(taken);
    });

    it('required lets no mail in without it', async () => {
      expect(await visit({ port: ports.inbound })).toMatch(/^MAIL FROM: 530 5\.7\.0 Must issue a STARTTLS/);
    });

    it.each([
      ['valid', taken],
      ['expired', invalid],
      ['self-signed', invalid],
      ['foreign', invalid],
      ['none', needed],
    ] as const)('a certificate that is required, %s', async (name, wanted) => {
      expect(await withTls('inbound', name)).toMatch(wanted);
    });

    it.each([
      ['valid', loginFirst],
      ['expired', invalid],
      ['self-signed', invalid],
      ['foreign', invalid],
      ['none', loginFirst],
    ] as const)('a certificate that is requested of who authenticates, %s', async (name, wanted) => {
      expect(await withTls('authentication', name)).toMatch(wanted);
    });
  });

  describe('offered at one listener, required at the next', () => {
    beforeAll(() =>
      scanner.apply(
        given({
          inbound: { accept: true, certificateId, clientCertificate: 'request' },
          outbound: { accept: true, certificateId },
          authentication: { accept: true, certificateId, require: true },
        }),
      ),
    );

    it('AUTH is offered after TLS alone where TLS is required', async () => {
      expect(await offers('authentication')).toEqual(['STARTTLS']);
      const session = await openSession({ port: ports.authentication, tls: {} });
      session.close();
      expect(session.offered).toMatch(/^250[- ]AUTH PLAIN LOGIN\r?$/m);
    });

    it.each(['inbound', 'outbound'] as const)('%s mail is taken with it and without it', async (list) => {
      expect(await offers(list)).toEqual(['STARTTLS']);
      expect(await visit({ port: ports[list] })).toMatch(taken);
      expect(await withTls(list, 'none')).toMatch(taken);
    });

    it('the certificate of the listener is shown, with those that vouch for it', async () => {
      const tls = { ca: [server.root.pem], rejectUnauthorized: true, servername: 'mx.example.com' };
      expect(await visit({ port: ports.outbound, tls })).toMatch(taken);
      const stranger = { ...tls, ca: [authority.pem] };
      expect(await visit({ port: ports.outbound, tls: stranger })).not.toMatch(taken);
    });

    it.each([
      ['valid', taken],
      ['expired', invalid],
      ['self-signed', invalid],
      ['foreign', invalid],
      ['none', taken],
    ] as const)('a certificate that is requested, %s', async (name, wanted) => {
      expect(await withTls('inbound', name)).toMatch(wanted);
    });

    it.each(['expired', 'self-signed'] as const)('a certificate that nobody asked for, %s', async (name) => {
      expect(await withTls('outbound', name)).toMatch(taken);
    });

    it('a certificate that is refused stays refused: the next message over TLS, too', async () => {
      const session = await openSession({ port: ports.inbound, tls: presented.expired });
      expect(await session.send()).toMatch(invalid);
      expect(await session.send()).toMatch(invalid);
      session.close();
    });
  });
});
