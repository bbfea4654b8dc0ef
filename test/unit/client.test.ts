import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { ApiProblem, type Client, createClient, retryConflicts } from '../../shared/client.ts';
import type { Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';

interface Seen {
  line: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let seen: Seen[] = [];
let next: { status: number; body: string; etag?: string; type?: string };
let client: Client;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request.setEncoding('utf8')) body += piece;
  seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
  const { status, etag, type } = next;
  const headers = { ...(etag ? { etag } : {}), ...(type ? { 'content-type': type } : {}) };
  response.writeHead(status, headers).end(next.body);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: async () => 'secret' });
});
afterAll(() => {
  server.close();
});
beforeEach(() => {
  seen = [];
  next = { status: 200, body: '{}' };
});

describe('the typed client', () => {
  it('puts path parameters, query and body where the operation has them', async () => {
    await client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
      params: { scannerId: 'mx 1', list: 'inbound' },
      query: { acknowledge: 'open-relay' },
      body: { entries: [{ value: '192.0.2.1' }] },
    });

    expect(seen).toEqual([
      {
        line: 'POST /v1/scanners/mx%201/access-lists/inbound/entries?acknowledge=open-relay',
        headers: expect.objectContaining({
          authorization: 'Bearer secret',
          'content-type': 'application/json',
        }),
        body: '{"entries":[{"value":"192.0.2.1"}]}',
      },
    ]);
    expect(seen[0]?.headers).not.toHaveProperty('if-match');
    expect(seen[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('sends a PATCH as a merge patch, which every PATCH of the API takes', async () => {
    await client.call('PATCH /v1/scanners/{scannerId}', {
      params: { scannerId: 'mx1' },
      body: { description: null },
    });

    expect(seen[0]?.headers['content-type']).toBe('application/merge-patch+json');
    const patches = (operations as readonly Operation[]).filter(
      ({ method, body }) => method === 'PATCH' && body,
    );
    for (const { mediaTypes } of patches) expect(mediaTypes).toContain('application/merge-patch+json');
    const others = (operations as readonly Operation[]).filter(
      ({ method, body }) => method !== 'PATCH' && body,
    );
    for (const { mediaTypes = ['application/json'] } of others)
      expect(mediaTypes).toContain('application/json');
  });

  it('gives the revision that was answered, and takes it back for the write', async () => {
    next = { status: 200, body: '{"revision":17}', etag: '"17"' };
    const params = { scannerId: 'mx1' };
    const { status, etag, body } = await client.send('GET /v1/scanners/{scannerId}/smtp', { params });
    await client.call('PATCH /v1/scanners/{scannerId}/smtp', { params, body: {}, ifMatch: etag });

    expect({ status, etag, revision: body.revision }).toEqual({ status: 200, etag: '"17"', revision: 17 });
    expect(seen[1]?.headers['if-match']).toBe('"17"');
  });

  it('names a request by its idempotency key', async () => {
    await client.call('POST /v1/scanners', { body: { scannerId: 'mx1' }, idempotencyKey: 'first' });

    expect(seen[0]?.headers['idempotency-key']).toBe('first');
  });

  it.each(['', '/', '/v1', '/v1/'])('takes the place of the API with "%s" at its end', async (end) => {
    const { port } = server.address() as AddressInfo;
    await createClient({ baseUrl: `http://127.0.0.1:${port}${end}`, token: 't' }).call('GET /v1/health');

    expect(seen[0]?.line).toBe('GET /v1/health');
  });

  it('answers a list that comes as text as the text that it is', async () => {
    next = { status: 200, body: 'address,enabled,comment\r\n', type: 'text/csv; charset=utf-8' };
    const answer = await client.call('GET /v1/scanners/{scannerId}/access-lists/{list}/export', {
      params: { scannerId: 'mx1', list: 'inbound' },
      query: { format: 'csv' },
    });

    expect(answer).toBe('address,enabled,comment\r\n');
  });

  it('sends no body and no content type where the operation can do without', async () => {
    await client.call('POST /v1/scanners/{scannerId}/sync', { params: { scannerId: 'mx1' } });

    expect(seen[0]).toMatchObject({ line: 'POST /v1/scanners/mx1/sync', body: '' });
    expect(seen[0]?.headers).not.toHaveProperty('content-type');
  });

  it('answers what the operation returns', async () => {
    next.body = '{"scannerId":"mx1","desiredRevision":3}';
    const answer = await client.call('GET /v1/scanners/{scannerId}/sync', { params: { scannerId: 'mx1' } });

    expect(answer.desiredRevision).toBe(3);
    expectTypeOf(answer.desiredRevision).toEqualTypeOf<number>();
    expectTypeOf(answer.appliedRevision).toEqualTypeOf<number | null>();
  });

  it('turns a problem document into an error with its code and problems', async () => {
    const problems = [{ pointer: '/scannerId', code: 'REQUIRED', message: 'This field must be given.' }];
    next = {
      status: 422,
      body: JSON.stringify({ code: 'VALIDATION_FAILED', detail: '1 problem', errors: problems }),
    };

    const error = await client.call('GET /v1/health').catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({ status: 422, code: 'VALIDATION_FAILED', message: '1 problem', problems });
  });

  it.each([
    ['the gateway’s own answer', '{"message":"Unauthorized"}', 'Unauthorized'],
    ['an answer that is not JSON', '<html>', '<html>'],
    ['no answer at all', '', 'The API answered 401.'],
  ])('takes %s for a refusal, too', async (_, body, message) => {
    next = { status: 401, body };

    await expect(client.call('GET /v1/scanners')).rejects.toMatchObject({ code: 'GATEWAY', message });
  });

  describe('run again on conflicts', () => {
    const conflict = () => new ApiProblem(412, { code: 'REVISION_CONFLICT' });

    it('gives what came of the first time without one', async () => {
      let calls = 0;
      const change = async () => {
        calls += 1;
        if (calls < 3) throw conflict();
        return calls;
      };

      expect(await retryConflicts(change)).toBe(3);
    });

    it.each([
      ['gives up in the end', conflict(), 4],
      ['throws any other refusal at once', new ApiProblem(404, { code: 'NOT_FOUND' }), 1],
    ])('%s', async (_, error, expected) => {
      let calls = 0;
      const change = async () => {
        calls += 1;
        throw error;
      };

      await expect(retryConflicts(change, 4)).rejects.toBe(error);
      expect(calls).toBe(expected);
    });
  });

  it('knows at compile time what an operation takes', () => {
    const params = { scannerId: 'mx1' };
    const body = { mailFiltering: 'inbound' } as const;
    const wrong = () => [
      // @ts-expect-error there is no such route
      client.call('GET /v1/scanner'),
      // @ts-expect-error the Scanner's id is missing
      client.call('GET /v1/scanners/{scannerId}'),
      // @ts-expect-error the body is missing
      client.call('PUT /v1/scanners/{scannerId}/smtp', { params }),
      // @ts-expect-error this operation takes no body
      client.call('GET /v1/scanners', { body: { enabled: true } }),
      // @ts-expect-error this operation takes no If-Match
      client.call('GET /v1/scanners', { ifMatch: '"1"' }),
      // @ts-expect-error this operation takes no Idempotency-Key
      client.call('PUT /v1/scanners/{scannerId}/smtp', { params, body, idempotencyKey: 'first' }),
      // @ts-expect-error there is no such mode
      client.call('PUT /v1/scanners/{scannerId}/smtp', { params, body: { mailFiltering: 'x' } }),
    ];

    expect(wrong).toBeTypeOf('function');
  });
});
