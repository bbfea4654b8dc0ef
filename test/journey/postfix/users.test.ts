import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Client,
  type MailHost,
  openSession,
  speak,
  startHost,
  visit,
} from '../../../bench/mail-clients.ts';
import { freePort } from '../../../local/ports.ts';
import { make, makeChain } from '../../helpers/certificates.ts';
import { admin, type Slapd, startSlapd, suffix, whyNoSlapd } from '../../helpers/slapd.ts';
import { until } from '../../helpers/until.ts';
import { lacking } from '../../stack/scanner/postfix/world.ts';
import { type Given, hostAt, type Scanner, startScanner } from './world.ts';

const certificateId = 'cert-00000000000000a1';
const noSlapd = whyNoSlapd();

let scanner: Scanner;
/** Where mail goes that is taken. */
let relay: MailHost;
/** Who is asked about users, where it is an SMTP server. */
let forwarding: MailHost;
let directory: Slapd | undefined;
let port: number;
let outboundPort: number;
let tls: object;

type Section = NonNullable<Given['smtp']['authentication']>;

const given = (source: Section['source'], more: Partial<Given> & { tls?: Section['tls'] } = {}): Given => ({
  smtp: {
    mailFiltering: 'outbound',
    outbound: { ipv4: { address: '127.0.0.1', port: outboundPort }, nonLocalDelivery: 'relay' },
    authentication: {
      enabled: true,
      ipv4: { address: '127.0.0.1', port },
      ...(more.tls ? { tls: more.tls } : {}),
      source,
      accept: 'all',
    },
  },
  lists: { outbound: [] },
  hosts: { relay: [hostAt(relay.port)] },
  artifacts: more.artifacts ?? {},
});

const user = (name: string, password: string): Client => ({ port, user: { name, password } });
const taken = /^250 /;
const refused = /^AUTH PLAIN: 535 5\.7\.8 /;

describe.skipIf(lacking !== '')(
  `who may send through a Postfix after AUTH${lacking && ` (${lacking})`}`,
  () => {
    beforeAll(async () => {
      relay = await startHost();
      forwarding = await startHost({
        disabledCommands: ['STARTTLS'],
        authMethods: ['PLAIN', 'LOGIN'],
        allowInsecureAuth: true,
        onAuth: ({ username = '', password }, _, done) => {
          if (password === 'of-ann') done(null, { user: username });
          else done(Object.assign(new Error('no'), { responseCode: password === 'later' ? 454 : 535 }));
        },
      });
      const authority = await make({ subject: 'CN=directory', addresses: ['127.0.0.1'] });
      const people = [{ uid: 'ann', mail: 'ann@here.example', password: 'of-ann' }];
      const own = { certificatePem: authority.pem, keyPem: authority.keyPem };
      directory = noSlapd ? undefined : await startSlapd(people, own);
      const { upload } = await makeChain();
      tls = { certificatePem: upload.certificatePem, privateKeyPem: upload.privateKeyPem };
      [port, outboundPort] = [await freePort(), await freePort()];
      scanner = await startScanner();
    });

    afterAll(async () => {
      await scanner?.stop();
      await directory?.stop();
      await relay?.close();
      await forwarding?.close();
    });

    describe('that an SMTP server answers', () => {
      beforeAll(() =>
        scanner.apply(
          given({ type: 'smtp-forwarding', host: '127.0.0.1', port: forwarding.port, tls: 'none' }),
        ),
      );

      it('mail of who is right goes out, to whomever', async () => {
        const before = relay.arrived.length;
        const mail = { from: 'ann@here.example', to: 'someone@far.example' };
        expect(await visit(user('ann', 'of-ann'), mail)).toMatch(taken);
        await until('the message arrives', () => relay.arrived.length > before);
        expect(relay.arrived.at(-1)).toMatchObject({ from: mail.from, to: [mail.to] });
      });

      it('who is wrong is refused, and may try again', async () => {
        expect(await visit(user('ann', 'mistaken'))).toMatch(refused);
        const right = Buffer.from('\0ann\0of-ann').toString('base64');
        const wrong = Buffer.from('\0ann\0mistaken').toString('base64');
        const replies = await speak({ port }, [
          'EHLO there.example',
          `AUTH PLAIN ${wrong}`,
          `AUTH PLAIN ${right}`,
          'MAIL FROM:<ann@here.example>',
        ]);
        expect(replies.slice(2).map((reply) => reply.slice(0, 3))).toEqual(['535', '235', '250']);
      });

      it('AUTH LOGIN does it as well', async () => {
        const say = (text: string) => Buffer.from(text).toString('base64');
        const replies = await speak({ port }, [
          'EHLO there.example',
          'AUTH LOGIN',
          say('ann'),
          say('of-ann'),
        ]);
        expect(replies.at(-1)).toMatch(/^235 /);
      });

      it('a server that says "later" refuses nobody for good', async () => {
        expect(await visit(user('ann', 'later'))).toMatch(/^AUTH PLAIN: 454 /);
      });

      it('who says no name sends nothing', async () => {
        expect(await visit({ port })).toMatch(/^MAIL FROM: 530 5\.7\.0 /);
      });

      it('passwords are in no log of Postfix, right or wrong', async () => {
        await until('the log says who it was', () => scanner.logged().includes('sasl_username=ann'));
        expect(scanner.logged()).not.toMatch(/of-ann|mistaken|b2YtYW5u|bWlzdGFrZW/);
      });
    });

    describe(`that a directory answers${noSlapd ? ` (${noSlapd})` : ''}`, () => {
      beforeEach((context) => {
        if (noSlapd) context.skip(noSlapd);
      });

      beforeAll(async () => {
        if (!directory) return;
        const source = {
          name: 'people',
          functions: ['authentication'],
          host: '127.0.0.1',
          port: directory.port,
          tls: 'none',
          bindDn: admin.dn,
          bindPassword: admin.password,
          baseDn: suffix,
          userFilter: '(&(objectClass=person)(|(uid=%s)(mail=%s)))',
          timeoutSeconds: 10,
        };
        await scanner.apply(
          given(
            { type: 'ldap' },
            {
              tls: { accept: true, certificateId, require: true },
              artifacts: {
                [certificateId]: tls,
                'directory-sources': { format: 1, salt: '00', sources: [source] },
              },
            },
          ),
        );
      });

      it.each(['ann', 'ann@here.example'])('mail of %s goes out', async (name) => {
        const before = relay.arrived.length;
        expect(await visit({ ...user(name, 'of-ann'), tls: {} })).toMatch(taken);
        await until('the message arrives', () => relay.arrived.length > before);
      });

      it.each([
        ['ann', 'mistaken'],
        ['nobody', 'of-ann'],
        ['*', 'of-ann'],
      ])('%s with "%s" is refused', async (name, password) => {
        expect(await visit({ ...user(name, password), tls: {} })).toMatch(refused);
      });

      it('no password is taken in the clear where TLS is required', async () => {
        const plain = Buffer.from('\0ann\0of-ann').toString('base64');
        const replies = await speak({ port }, ['EHLO there.example', `AUTH PLAIN ${plain}`]);
        expect(replies.at(-1)).toMatch(/^5\d\d /);
        const session = await openSession({ port, tls: {} });
        expect(await session.send()).toMatch(/^MAIL FROM: 530 5\.7\.0 /);
        session.close();
      });
    });
  },
);
