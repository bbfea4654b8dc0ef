import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Operation, scopes } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';

let stack: StackProcess;

beforeAll(async () => {
  stack = await startStackProcess();
});

afterAll(async () => {
  await stack?.stop();
});

const registry: readonly Operation[] = operations;
const pathOf = (operation: Operation) => operation.path.replace('/v1', '').replace(/\{\w+\}/g, 'x');

/** The stack's own key of tokens, with which a test makes some that its issuer would not. */
const issuerKey = () => createPrivateKey(readFileSync(join(stack.dir, 'issuer-key.pem')));
const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const seconds = (more: number) => Math.floor(Date.now() / 1000) + more;

const claims = (more: object = {}) => ({
  iss: stack.endpoints.issuer,
  scope: scopes.join(' '),
  client_id: 'scanner-control-plane',
  token_use: 'access',
  iat: seconds(0),
  exp: seconds(3600),
  ...more,
});

const signed = (more: object = {}, key: KeyObject = issuerKey(), header: object = {}) =>
  new SignJWT(claims(more)).setProtectedHeader({ alg: 'RS256', kid: 'embedded-1', ...header }).sign(key);

/** Signed symmetrically with what everybody knows of the key: a verifier that goes by the token's own `alg` takes it. */
const signedByPublicKey = () => {
  const pem = createPublicKey(issuerKey()).export({ type: 'spki', format: 'pem' });
  return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'embedded-1' }).sign(Buffer.from(pem));
};

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsecured = () => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims())}.`;
const withOtherClaims = async () => {
  const [header, , signature] = (await signed({ scope: '' })).split('.');
  return `${header}.${part(claims())}.${signature}`;
};
const cut = async () => (await signed()).split('.').slice(0, 2).join('.');

/** What comes as a token, and the scopes that it gives: null for what is no token of this API. */
const tokens: [name: string, make: () => string | Promise<string>, scopes: readonly string[] | null][] = [
  ...scopes.map((scope): (typeof tokens)[number] => [
    `one of ${scope} alone`,
    () => stack.token([scope], 3600),
    [scope],
  ]),
  ['one without any scope', () => signed({ scope: '' }), []],
  ['one whose scope begins like one', () => signed({ scope: scopes.map((one) => `${one}x`).join(' ') }), []],
  ['one of another API’s scope', () => signed({ scope: 'openid email' }), []],
  ['no token', () => '', null],
  ['a word', () => 'nonsense', null],
  ['the first two parts of one', cut, null],
  ['one with the claims exchanged', withOtherClaims, null],
  ['one that has expired', () => signed({ iat: seconds(-60), exp: seconds(-10) }), null],
  ['one without an end', () => signed({ exp: undefined }), null],
  ['one that is not valid yet', () => signed({ nbf: seconds(600) }), null],
  ['one that is issued later', () => signed({ iat: seconds(600) }), null],
  ['one of another issuer', () => signed({ iss: 'http://127.0.0.1:1' }), null],
  ['one for another audience', () => signed({ aud: 'another-api' }), null],
  ['one of another client', () => signed({ client_id: 'somebody-else' }), null],
  ['one signed by another key', () => signed({}, otherKey), null],
  ['one signed by a key that is not known', () => signed({}, otherKey, { kid: 'other' }), null],
  ['one without a signature', unsecured, null],
  ['one signed by the public key', signedByPublicKey, null],
];

/** What the gateway itself says to a token; null where it lets it in. */
const verdict = ({ scope }: Operation, given: readonly string[] | null) => {
  if (scope === null) return null;
  if (given === null) return { status: 401, body: { message: 'Unauthorized' } };
  return given.includes(scope) ? null : { status: 403, body: { message: 'Forbidden' } };
};

const own = new Set(['Unauthorized', 'Forbidden']);
const isOfGateway = (body: unknown) => own.has(String((body as { message?: string } | undefined)?.message));

describe('every operation, by its scope', () => {
  it.each(tokens)('answers %s', async (_name, make, given) => {
    const token = await make();
    const headers = { authorization: token === '' ? '' : `Bearer ${token}` };
    for (const operation of registry) {
      const answer = await stack.call(operation.method, pathOf(operation), undefined, headers);
      const wanted = verdict(operation, given);
      if (wanted) expect(answer, operation.id).toMatchObject(wanted);
      else expect(isOfGateway(answer.body), operation.id).toBe(false);
    }
  });

  it('takes a token in no other scheme', async () => {
    const headers = { authorization: `Basic ${stack.endpoints.token}` };
    for (const operation of registry.filter(({ scope }) => scope !== null))
      expect((await stack.call(operation.method, pathOf(operation), undefined, headers)).status).toBe(401);
  });

  it('has one, but for health and the OpenAPI document', () => {
    expect(registry.filter(({ scope }) => scope === null).map(({ id }) => id)).toEqual([
      'get-health',
      'get-openapi',
    ]);
  });
});

it('health and the OpenAPI document need no token', async () => {
  const headers = { authorization: '' };

  expect(await stack.call('GET', '/health', undefined, headers)).toMatchObject({
    status: 200,
    body: { status: 'ok' },
  });
  const document = await stack.call('GET', '/openapi.json', undefined, headers);
  expect(document.body).toMatchObject({ openapi: '3.1.0', paths: { '/v1/scanners': {} } });
});

it('a connection is kept idle for a minute, so that a client that stands still for a while does not write to one that has ended', async () => {
  const { headers } = await stack.call('GET', '/health');

  expect(headers.get('keep-alive')).toBe('timeout=65');
});

/** A request as it is written, with nothing tidied up by a client library. */
const raw = (path: string, headers: Record<string, string | string[]> = {}, body?: Buffer, method = 'GET') =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const url = new URL(stack.endpoints.api);
    const sent = request({ host: url.hostname, port: url.port, method, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });

describe('the event that a function gets', () => {
  const authorized = () => ({ authorization: `Bearer ${stack.endpoints.token}` });

  it('has path parameters decoded, one whole segment each', async () => {
    const odd = await raw('/v1/scanners/mx%31', authorized());
    expect(odd.status).toBe(404);
    expect(JSON.parse(odd.body)).toMatchObject({ code: 'NOT_FOUND', detail: 'There is no Scanner mx1.' });
    expect((await raw('/v1/scanners/', authorized())).status).toBe(404);
    expect((await raw('/v1/scanners/a/b', authorized())).status).toBe(404);
    expect((await raw('/v1/scanners/%zz', authorized())).status).toBe(422);
  });

  it.each([
    ['1 MB', 1.5, { code: 'PAYLOAD_TOO_LARGE' }],
    ['6 MB, which a function cannot be given', 6.5, { message: 'Request Entity Too Large' }],
    ['10 MB', 10.5, { message: 'Request Entity Too Large' }],
  ])('has no body of more than %s: that is 413', async (_, megabytes, body) => {
    const description = 'x'.repeat(megabytes * 1024 * 1024);
    const answer = await stack.call('POST', '/scanners', { scannerId: 'mx-large', description });

    expect(answer).toMatchObject({ status: 413, body });
  });

  it('has repeated query parameters joined by a comma', async () => {
    const answer = await raw('/v1/scanners?limit=1&limit=2', authorized());

    expect(JSON.parse(answer.body)).toMatchObject({ errors: [{ pointer: '/query/limit' }] });
  });

  it('has a body that is no text in base64, which the function takes apart', async () => {
    await stack.call('POST', '/scanners', { scannerId: 'mx1' });
    const patch = Buffer.from(JSON.stringify({ description: 'é' }));

    const answer = await raw(
      '/v1/scanners/mx1',
      { ...authorized(), 'content-type': 'application/merge-patch+json' },
      patch,
      'PATCH',
    );

    expect(JSON.parse(answer.body)).toMatchObject({ description: 'é' });
  });
});

it('a request line and headers of more than 10,240 bytes are refused', async () => {
  const answer = await raw('/v1/health', { padding: 'x'.repeat(10_300) });

  expect(answer.status).toBe(431);
});

it('a second stack on the same folder is refused with the process that holds it', async () => {
  const { startStack } = await import('../../local/stack.ts');

  await expect(startStack({ dir: stack.dir, portBase: 0 })).rejects.toThrow(
    /running already \(process \d+\).*--data/,
  );
});
