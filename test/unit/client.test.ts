import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { ApiProblem, type Client, createClient } from '../../shared/client.ts';

interface Seen {
  line: string;
  authorization: string | undefined;
  body: string;
}

let seen: Seen[] = [];
let next: { status: number; body: string; type?: string };
let client: Client;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request.setEncoding('utf8')) body += piece;
  seen.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization, body });
  response.writeHead(next.status, next.type ? { 'content-type': next.type } : {}).end(next.body);
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
        authorization: 'Bearer secret',
        body: '{"entries":[{"value":"192.0.2.1"}]}',
      },
    ]);
  });

  it('answers a list that comes as text as the text that it is', async () => {
    next = { status: 200, body: 'address,enabled,comment\r\n', type: 'text/csv; charset=utf-8' };
    const answer = await client.call('GET /v1/scanners/{scannerId}/access-lists/{list}/export', {
      params: { scannerId: 'mx1', list: 'inbound' },
      query: { format: 'csv' },
    });

    expect(answer).toBe('address,enabled,comment\r\n');
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

  it('knows at compile time what an operation takes', () => {
    const params = { scannerId: 'mx1' };
    const wrong = () => [
      // @ts-expect-error there is no such route
      client.call('GET /v1/scanner'),
      // @ts-expect-error the Scanner's id is missing
      client.call('GET /v1/scanners/{scannerId}'),
      // @ts-expect-error the body is missing
      client.call('PUT /v1/scanners/{scannerId}/smtp', { params }),
      // @ts-expect-error this operation takes no body
      client.call('GET /v1/scanners', { body: { enabled: true } }),
      // @ts-expect-error there is no such mode
      client.call('PUT /v1/scanners/{scannerId}/smtp', { params, body: { mailFiltering: 'x' } }),
    ];

    expect(wrong).toBeTypeOf('function');
  });
});
