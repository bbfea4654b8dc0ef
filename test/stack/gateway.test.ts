import { generateKeyPairSync } from 'node:crypto';
import { request } from 'node:http';
import { SignJWT, UnsecuredJWT } from 'jose';
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
const guarded = registry.filter((operation) => operation.scope !== null);
const pathOf = (operation: Operation) => operation.path.replace('/v1', '').replace(/\{\w+\}/g, 'x');

const claims = { scope: scopes.join(' '), client_id: 'scanner-control-plane', token_use: 'access' };

const signed = (issuer: string, more: object = {}, alg = 'RS256') => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return new SignJWT({ ...claims, ...more })
    .setProtectedHeader({ alg, kid: 'embedded-1' })
    .setIssuer(issuer)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
};

describe('every operation that needs a scope', () => {
  const tokens: [string, () => Promise<string> | string, number][] = [
    ['none', () => '', 401],
    ['no token at all', () => 'Bearer nonsense', 401],
    ['another scheme', async () => `Basic ${stack.endpoints.token}`, 401],
    ['one that has expired', async () => `Bearer ${await stack.token([...scopes], -10)}`, 401],
    ['one of another key', async () => `Bearer ${await signed(stack.endpoints.issuer)}`, 401],
    ['one of another issuer', async () => `Bearer ${await signed('http://127.0.0.1:1')}`, 401],
    [
      'one without a signature',
      () =>
        `Bearer ${new UnsecuredJWT(claims).setIssuer(stack.endpoints.issuer).setIssuedAt().setExpirationTime('1h').encode()}`,
      401,
    ],
    ['one without any scope', async () => `Bearer ${await stack.token([], 60)}`, 403],
  ];

  it.each(tokens)('refuses the token: %s', async (_name, authorization, status) => {
    const header = await authorization();
    for (const operation of guarded) {
      const answer = await stack.call(operation.method, pathOf(operation), undefined, {
        authorization: header,
      });
      expect(answer.status, operation.id).toBe(status);
      expect(answer.body).toEqual({ message: status === 401 ? 'Unauthorized' : 'Forbidden' });
    }
  });

  it.each(scopes)('takes a token of %s only where that is its scope', async (scope) => {
    const authorization = `Bearer ${await stack.token([scope], 60)}`;
    for (const operation of guarded) {
      const answer = await stack.call(operation.method, pathOf(operation), undefined, { authorization });
      expect(answer.status === 403, operation.id).toBe(operation.scope !== scope);
    }
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
