import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { ControlPlaneRefused, ControlPlaneUnknown, whyTurnedAway } from '../../../scanner/control-plane.ts';
import { assureIdentity, type Enrolling } from '../../../scanner/enrolment.ts';
import { readIdentity } from '../../../scanner/identity.ts';
import { emptyFolder } from './folder.ts';
import { serve } from './object-server.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const now = () => new Date();
const day = 86_400_000;

/** Issues a certificate for a signing request, as an authority does. */
const issue = async (csr: string, days: number): Promise<string> => {
  const request = new x509.Pkcs10CertificateRequest(csr);
  if (!(await request.verify())) throw new Error('the request is not signed by its key');
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: request.subject,
    issuer: 'CN=test authority',
    publicKey: request.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: p256,
    notBefore: new Date(Date.now() - 3000 * day),
    notAfter: new Date(Date.now() + days * day),
  });
  return certificate.toString('pem');
};

/** The three calls of the API that a Scanner makes, over HTTP; `status` overrules an answer. */
const controlPlane = async ({ registered = false, days = 365 } = {}) => {
  const calls: string[] = [];
  const bodies: string[] = [];
  const state = {
    registered,
    decommissionedAt: undefined as string | undefined,
    status: (_: string): number | undefined => undefined,
  };
  const url = await serve(async (request, response) => {
    const call = `${request.method} ${request.url}`;
    calls.push(call);
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    bodies.push(body);
    const send = (status: number, answer: object) => response.writeHead(status).end(JSON.stringify(answer));
    const status = request.headers.authorization === 'Bearer t' ? state.status(call) : 401;
    if (status) return send(status, { message: 'said no' });
    if (request.method === 'GET')
      return state.registered
        ? send(200, { decommissionedAt: state.decommissionedAt })
        : send(404, { detail: 'There is no Scanner.' });
    if (request.url === '/scanners') {
      state.registered = true;
      return send(201, {});
    }
    const certificatePem = await issue(JSON.parse(body).csr, days);
    const mqtt = { host: 'broker.example.com', port: 8883 };
    return send(201, { certificatePem, caPem: 'the authority', mqtt, thingName: 'mx1' });
  });
  return { url, calls, bodies, state };
};

const enrolling = (dir: string, url: string, more: Partial<Enrolling> = {}): Enrolling => ({
  scannerId: 'mx1',
  dir,
  access: async () => ({ url, token: 't' }),
  anew: false,
  now,
  log: () => undefined,
  ...more,
});

describe('enrolment', () => {
  it('registers, makes a key, and keeps what it gets', async () => {
    const dir = emptyFolder();
    const { url, calls, bodies } = await controlPlane();

    const identity = await assureIdentity(enrolling(dir, url, { hostName: 'mx1.example.com' }));

    expect(calls).toEqual(['GET /scanners/mx1', 'POST /scanners', 'POST /scanners/mx1/certificates']);
    expect(JSON.parse(bodies[1] ?? '')).toEqual({ scannerId: 'mx1', hostName: 'mx1.example.com' });
    expect(identity).toMatchObject({
      caPem: 'the authority',
      mqtt: { host: 'broker.example.com', port: 8883 },
    });
    expect(new X509Certificate(identity.certificatePem).subject).toBe('CN=mx1');
    expect(await readIdentity(dir, now())).toEqual(identity);
  });

  it('keeps the private key to itself: never sent, and for its owner alone on disk', async () => {
    const dir = emptyFolder();
    const { url, bodies } = await controlPlane();

    const { privateKeyPem } = await assureIdentity(enrolling(dir, url));

    const file = join(dir, 'private-key.pem');
    expect(readFileSync(file, 'utf8')).toBe(privateKeyPem);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const secret = createPrivateKey(privateKeyPem).export({ format: 'jwk' }).d ?? '';
    for (const body of bodies) expect(body).not.toContain(secret);
    const others = readdirSync(dir).filter((name) => name !== 'private-key.pem');
    for (const name of others) expect(readFileSync(join(dir, name), 'utf8')).not.toMatch(/PRIVATE/);
    expect(createPublicKey(privateKeyPem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it('of a registered Scanner does not register it again', async () => {
    const { url, calls } = await controlPlane({ registered: true });
    await assureIdentity(enrolling(emptyFolder(), url));
    expect(calls).toEqual(['GET /scanners/mx1', 'POST /scanners/mx1/certificates']);
  });

  it('of a Scanner that another registers at the same moment goes on', async () => {
    const { url, state } = await controlPlane();
    state.status = (call) => (call === 'POST /scanners' ? 409 : undefined);
    expect((await assureIdentity(enrolling(emptyFolder(), url))).caPem).toBe('the authority');
  });

  it('is done once', async () => {
    const dir = emptyFolder();
    const { url, calls } = await controlPlane();
    const first = await assureIdentity(enrolling(dir, url));

    expect(await assureIdentity(enrolling(dir, url))).toEqual(first);

    expect(calls.slice(3)).toEqual(['GET /scanners/mx1']);
  });

  it.each([
    ['it is asked for', {}, () => undefined, { anew: true }],
    ['the certificate has expired', { days: -1 }, () => undefined, {}],
    [
      'the files are of two enrolments',
      {},
      (dir: string) => {
        const { privateKey } = { privateKey: readFileSync(join(dir, 'other.pem')) };
        writeFileSync(join(dir, 'private-key.pem'), privateKey);
      },
      {},
    ],
    ['a file is cut', {}, (dir: string) => writeFileSync(join(dir, 'certificate.pem'), '-----BEGIN'), {}],
    ['the address is no address', {}, (dir: string) => writeFileSync(join(dir, 'mqtt.json'), '{}'), {}],
  ])('is done again when %s', async (_, made, harm, more) => {
    const dir = emptyFolder();
    const other = emptyFolder();
    const { url } = await controlPlane(made);
    await assureIdentity(enrolling(other, url));
    const first = await assureIdentity(enrolling(dir, url));
    writeFileSync(join(dir, 'other.pem'), readFileSync(join(other, 'private-key.pem')));
    harm(dir);

    const second = await assureIdentity(enrolling(dir, url, more));

    expect(second.privateKeyPem).not.toBe(first.privateKeyPem);
    expect(second.certificatePem).not.toBe(first.certificatePem);
  });

  it('is done again when the control plane has forgotten the Scanner', async () => {
    const dir = emptyFolder();
    const { url, state } = await controlPlane();
    const first = await assureIdentity(enrolling(dir, url));
    state.registered = false;
    expect((await assureIdentity(enrolling(dir, url))).privateKeyPem).not.toBe(first.privateKeyPem);
  });

  it.each([
    ['is not to be found', null, 't', ControlPlaneUnknown],
    ['refuses the token', undefined, 'other', ControlPlaneRefused],
  ])('fails when the control plane %s, but not for a Scanner that is enrolled', async (_, at, token, kind) => {
    const dir = emptyFolder();
    const { url } = await controlPlane();
    const away = {
      access: async () => {
        if (at === null) throw new ControlPlaneUnknown('nothing says where');
        return { url, token };
      },
    };

    await expect(assureIdentity(enrolling(dir, url, away))).rejects.toThrow(kind);
    expect(readdirSync(dir)).toEqual([]);

    const first = await assureIdentity(enrolling(dir, url));
    expect(await assureIdentity(enrolling(dir, url, away))).toEqual(first);
  });

  it.each([
    ['is busy', 429],
    ['is broken', 503],
    ['is away', undefined],
  ])('is tried again, with longer and longer waits, while the control plane %s', async (_, status) => {
    const { url, state } = await controlPlane();
    const waits: number[] = [];
    const lines: string[] = [];
    const well = () => waits.length >= 4;
    state.status = () => (well() ? undefined : status);
    const identity = await assureIdentity(
      enrolling(emptyFolder(), url, {
        access: async () => ({ url: status || well() ? url : 'http://127.0.0.1:1', token: 't' }),
        time: {
          sleep: async (ms) => {
            waits.push(ms);
          },
        },
        random: () => 0.5,
        log: (line) => void lines.push(line),
      }),
    );
    expect(identity.caPem).toBe('the authority');
    expect(waits).toEqual([750, 1500, 3000, 6000]);
    expect(lines[0]).toMatch(/^not enrolled yet \(GET .*\); trying again in 0\.8 s$/);
  });

  it('that waits for the control plane is given up when the Scanner is to stop', async () => {
    const stop = new AbortController();
    const { url, state } = await controlPlane();
    state.status = () => 503;
    const more = { signal: stop.signal, time: { sleep: async () => stop.abort() } };
    await expect(assureIdentity(enrolling(emptyFolder(), url, more))).rejects.toThrow('503');
  });

  it('that is refused says what to do', async () => {
    const { url, state } = await controlPlane();
    state.status = () => 403;
    await expect(assureIdentity(enrolling(emptyFolder(), url))).rejects.toThrow(
      /scanners\/read and scanners\/write/,
    );
  });

  it('is no question of a Scanner that is decommissioned or not registered: that says so', async () => {
    const { url, state } = await controlPlane();
    const access = { url, token: 't' };
    expect(await whyTurnedAway(access, 'mx1')).toEqual({ kind: 'unknown' });
    state.registered = true;
    expect(await whyTurnedAway(access, 'mx1')).toEqual({ kind: 'known' });
    state.decommissionedAt = '2026-01-01T00:00:00.000Z';
    expect(await whyTurnedAway(access, 'mx1')).toEqual({
      kind: 'decommissioned',
      at: '2026-01-01T00:00:00.000Z',
    });
  });

  it.each([403, 409, 422])('that is refused with %i says so, and keeps nothing', async (status) => {
    const dir = emptyFolder();
    const { url, state } = await controlPlane();
    state.status = (call) => (call.endsWith('/certificates') ? status : undefined);
    await expect(assureIdentity(enrolling(dir, url))).rejects.toThrow(new RegExp(`${status}: said no`));
    expect(readdirSync(dir)).toEqual([]);
  });
});
