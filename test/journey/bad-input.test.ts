import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import type { ImportJob } from '../../shared/schemas/lists.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { drop, importEnded, imports, inboundSettings, register, save, sync } from './support.ts';

interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** A problem document's code, and the codes and places of all that is wrong. */
const problemOf = (answer: Answer) => {
  const body = answer.body as { code: string; errors?: { pointer: string; code: string }[] };
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return { code: body.code, errors: (body.errors ?? []).map((one) => `${one.code} ${one.pointer}`) };
};

let stack: StackProcess;

beforeAll(async () => {
  stack = await startStackProcess();
  await register(stack, 'mx1');
  await save(stack, 'mx1', inboundSettings());
});

afterAll(async () => {
  await stack?.stop();
});

const put = (body: unknown, headers: Record<string, string> = {}) =>
  stack.call('PUT', '/scanners/mx1/smtp', body, headers);

describe('a bad save is refused whole, with everything that is wrong, and stores nothing', () => {
  const listener = { address: '192.0.2.10', port: 25 };
  const refused: [string, unknown, number, string, string[]][] = [
    ['a body that is not JSON', '{"mailFiltering":', 400, 'MALFORMED_JSON', []],
    ['half a surrogate pair', '{"mailFiltering":"\\ud800"}', 400, 'MALFORMED_JSON', []],
    [
      'a body nested deeper than any stack holds',
      `{"lists":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      400,
      'MALFORMED_JSON',
      [],
    ],
    [
      'an unknown field',
      { ...inboundSettings(), colour: 'red' },
      422,
      'VALIDATION_FAILED',
      ['UNKNOWN_FIELD /colour'],
    ],
    [
      'a wrong type',
      { mailFiltering: 'inbound', inbound: { ipv4: { address: 25, port: '25' } } },
      422,
      'VALIDATION_FAILED',
      ['TYPE_INVALID /inbound/ipv4/address', 'TYPE_INVALID /inbound/ipv4/port'],
    ],
    [
      'an address that is none',
      { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.256', port: 25 } } },
      422,
      'VALIDATION_FAILED',
      ['ADDRESS_INVALID /inbound/ipv4/address'],
    ],
    [
      'port 0',
      { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.10', port: 0 } } },
      422,
      'VALIDATION_FAILED',
      ['PORT_OUT_OF_RANGE /inbound/ipv4/port'],
    ],
    [
      'port 65536',
      { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.10', port: 65536 } } },
      422,
      'VALIDATION_FAILED',
      ['PORT_OUT_OF_RANGE /inbound/ipv4/port'],
    ],
    [
      'a section that the mode hides, and one that it needs',
      { mailFiltering: 'outbound', inbound: { ipv4: listener } },
      422,
      'VALIDATION_FAILED',
      ['SECTION_NOT_IN_MODE /inbound', 'SECTION_REQUIRED /outbound'],
    ],
    [
      'authentication on the address and port of another listener',
      {
        mailFiltering: 'inbound-and-outbound',
        inbound: { ipv4: listener },
        outbound: { ipv4: { address: '192.0.2.10', port: 26 } },
        authentication: {
          enabled: true,
          ipv4: { address: '192.0.2.10', port: 26 },
          source: { type: 'smtp-forwarding', host: 'auth.example.com' },
        },
      },
      422,
      'VALIDATION_FAILED',
      ['LISTENER_CONFLICT /authentication/ipv4'],
    ],
    [
      'only listed clients with an empty list',
      inboundSettings(25, 'listed'),
      422,
      'VALIDATION_FAILED',
      ['LIST_EMPTY /inbound/accept'],
    ],
    [
      'several mistakes of both kinds at once',
      {
        mailFiltering: 'inbound',
        inbound: { ipv4: { address: 'mx1', port: 70000 } },
        outbound: { ipv4: listener },
      },
      422,
      'VALIDATION_FAILED',
      [
        'ADDRESS_INVALID /inbound/ipv4/address',
        'PORT_OUT_OF_RANGE /inbound/ipv4/port',
        'SECTION_NOT_IN_MODE /outbound',
      ],
    ],
  ];

  it.each(refused)('%s', async (_name, body, status, code, errors) => {
    const before = await sync(stack, 'mx1');

    const answer = await put(body);

    expect(answer.status).toBe(status);
    const problem = problemOf(answer);
    expect(problem.code).toBe(code);
    expect(problem.errors.sort()).toEqual(errors.sort());
    expect((await sync(stack, 'mx1')).desiredRevision).toBe(before.desiredRevision);
  });

  it('a Scanner that is not registered', async () => {
    const answer = await stack.call('PUT', '/scanners/nowhere/smtp', inboundSettings());

    expect(answer.status).toBe(404);
    expect(problemOf(answer).code).toBe('NOT_FOUND');
  });

  it('a Scanner id that cannot be one', async () => {
    const answer = await stack.call('PUT', '/scanners/MX_1/smtp', inboundSettings());

    expect(answer.status).toBe(422);
    expect(problemOf(answer).errors).toEqual(['SCANNER_ID_INVALID /path/scannerId']);
  });

  it('a stale If-Match answers the present revision', async () => {
    const first = await save(stack, 'mx1', inboundSettings(2501));
    const second = await save(stack, 'mx1', inboundSettings(2502));
    expect(second).toBe(first + 1);

    const answer = await put(inboundSettings(2503), { 'if-match': `"${first}"` });

    expect(answer.status).toBe(412);
    expect(problemOf(answer).code).toBe('REVISION_CONFLICT');
    expect(answer.body).toMatchObject({ revision: second });
    expect((await sync(stack, 'mx1')).desiredRevision).toBe(second);
  });

  it('an If-Match from before another part changed still holds', async () => {
    const saved = await save(stack, 'mx1', inboundSettings(2504));
    await stack.call('POST', '/scanners/mx1/access-lists/outbound/entries', {
      entries: [{ value: '192.0.2.1' }],
    });

    const answer = await put(inboundSettings(2505), { 'if-match': `"${saved}"` });

    expect(answer.status).toBe(200);
  });

  it.each([
    ['/access-lists/inbound/entries?pageSize=1e2', 'TYPE_INVALID /query/pageSize'],
    ['/access-lists/inbound/entries?page=%205', 'TYPE_INVALID /query/page'],
    ['/access-lists/inbound/entries?revision=0x1', 'TYPE_INVALID /query/revision'],
    ['/revisions?limit=%2B5', 'TYPE_INVALID /query/limit'],
    ['/revisions?limit=', 'TYPE_INVALID /query/limit'],
    ['/revisions?limit=1&limit=2', 'TYPE_INVALID /query/limit'],
    ['/revisions?limit=1001', 'VALUE_INVALID /query/limit'],
    ['/revisions/1.0', 'TYPE_INVALID /path/revision'],
    ['/revisions/1/diff?from=1_0', 'TYPE_INVALID /query/from'],
  ])('a number in the path or the query that is not decimal digits, or too large: %s', async (path, error) => {
    const answer = await stack.call('GET', `/scanners/mx1${path}`);

    expect(answer.status).toBe(422);
    expect(problemOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', errors: [error] });
  });

  it('an If-None-Match on a write, which is refused and stores nothing; a read is answered whole', async () => {
    const patch = { inbound: { ipv4: { port: 2507 } } };
    const before = await stack.call('GET', '/scanners/mx1/smtp');
    for (const value of ['*', '"1"', '']) {
      const headers = { 'if-none-match': value };
      const answers = [
        await stack.call('PATCH', '/scanners/mx1/smtp', patch, headers),
        await stack.call('POST', '/scanners/mx1/sync', undefined, headers),
        await stack.call('DELETE', '/scanners/mx1', undefined, headers),
      ];
      for (const answer of answers) {
        expect(answer.status).toBe(422);
        expect(problemOf(answer).errors).toEqual(['VALUE_INVALID /headers/if-none-match']);
      }
    }

    const after = await stack.call('GET', '/scanners/mx1/smtp', undefined, { 'if-none-match': '*' });
    expect(after).toMatchObject({ status: 200, body: before.body as object });
  });

  const registry: readonly Operation[] = operations;
  const unconditional = registry.filter(({ ifMatch }) => !ifMatch);

  it('an If-Match is refused by reads and writes', () => {
    expect(unconditional.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['get-health', 'get-smtp', 'create-scanner', 'halt-rollout', 'confirm-import']),
    );
  });

  it.each(
    unconditional.map((operation) => [operation.id, operation] as const),
  )('an If-Match where %s does not take it, also one that holds', async (_id, { method, path, body }) => {
    const target = path
      .replace('/v1', '')
      .replace('{scannerId}', 'mx1')
      .replace(/\{\w+\}/g, '1');
    for (const value of ['*', '"1"', '']) {
      const answer = await stack.call(method, target, body && {}, { 'if-match': value });
      expect(answer.status).toBe(422);
      expect(problemOf(answer).errors).toContain('VALUE_INVALID /headers/if-match');
    }
  });

  it('an If-Match on a registration, which registers nothing', async () => {
    const refused = await stack.call('POST', '/scanners', { scannerId: 'mx9' }, { 'if-match': '*' });
    expect(problemOf(refused).errors).toEqual(['VALUE_INVALID /headers/if-match']);
    expect((await stack.call('GET', '/scanners/mx9')).status).toBe(404);
  });

  it('a body of another media type', async () => {
    const answer = await put('mailFiltering: inbound', { 'content-type': 'application/yaml' });

    expect(answer.status).toBe(415);
    expect(problemOf(answer).code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it('a body over the limit of the operation', async () => {
    const answer = await put(JSON.stringify({ ...inboundSettings(), padding: 'x'.repeat(1_100_000) }));

    expect(answer.status).toBe(413);
    expect(problemOf(answer).code).toBe('PAYLOAD_TOO_LARGE');
  });
});

describe('requests made to be awkward', () => {
  it('more problems than an answer has room for are counted, and the first are shown', async () => {
    const fields = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`field${index}`, 0]));

    const answer = await put({ ...inboundSettings(), ...fields });

    expect(answer.status).toBe(422);
    expect(problemOf(answer).errors).toHaveLength(1000);
    expect((answer.body as { detail: string }).detail).toBe('60000 problems; errors has the first 1000.');
  });

  it.each([
    ['rubbish', '%zz'],
    [
      'the key of nothing',
      Buffer.from('{"pk":"","sk":"","listPk":"scanners","listSk":""}').toString('base64url'),
    ],
    [
      'a key of another list',
      Buffer.from('{"pk":"a","sk":"b","listPk":"other","listSk":"c"}').toString('base64url'),
    ],
  ])('a cursor that is %s', async (_, cursor) => {
    const answer = await stack.call('GET', `/scanners?cursor=${cursor}`);

    expect(answer.status).toBe(422);
    expect(problemOf(answer).code).toBe('CURSOR_INVALID');
  });

  it.each([
    ['half a surrogate pair', '"\\udfff"', 400],
    ['a control character', '"a\\u0000b"', 422],
    ['more than a thousand characters', JSON.stringify('x'.repeat(1001)), 422],
  ])('a description with %s', async (_, description, status) => {
    const answer = await stack.call('POST', '/scanners', `{"scannerId":"mx7","description":${description}}`);

    expect(answer.status).toBe(status);
    expect((await stack.call('GET', '/scanners/mx7')).status).toBe(404);
  });

  it.each(['%zz', '%ff', 'mx1%2Fsmtp', 'MX1', 'a'.repeat(64)])('the Scanner id %s', async (id) => {
    const answer = await stack.call('GET', `/scanners/${id}`);

    expect(answer.status).toBe(422);
    expect(problemOf(answer).errors).toEqual(['SCANNER_ID_INVALID /path/scannerId']);
  });
});

describe('what API Gateway refuses has its own answer', () => {
  const gatewaySays = (answer: Answer, status: number, message: string) => {
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ message });
  };

  it('no access token', async () => {
    gatewaySays(await put(inboundSettings(), { authorization: '' }), 401, 'Unauthorized');
  });

  it('an access token that has expired', async () => {
    const token = await stack.token(['scanners/read', 'scanners/write'], -60);

    gatewaySays(await put(inboundSettings(), { authorization: `Bearer ${token}` }), 401, 'Unauthorized');
  });

  it('an access token without the scope', async () => {
    const token = await stack.token(['scanners/read'], 60);

    gatewaySays(await put(inboundSettings(), { authorization: `Bearer ${token}` }), 403, 'Forbidden');
    expect(
      (await stack.call('GET', '/scanners/mx1/smtp', undefined, { authorization: `Bearer ${token}` })).status,
    ).toBe(200);
  });

  it('a body over ten megabytes', async () => {
    gatewaySays(await put('x'.repeat(10_500_000)), 413, 'Request Entity Too Large');
  });

  it('a route that is none', async () => {
    gatewaySays(await stack.call('GET', '/scanner'), 404, 'Not Found');
  });
});

describe('a bad file ends its job with one code and leaves the list untouched', () => {
  const files: [string, Uint8Array | string, string][] = [
    [
      'UTF-16',
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('192.0.2.1\n', 'utf16le')]),
      'FILE_NOT_UTF8',
    ],
    ['gzip', gzipSync('192.0.2.1\n'), 'FILE_COMPRESSED'],
    ['empty', '', 'FILE_EMPTY'],
    ['nothing but comments', '# none\n\n', 'FILE_EMPTY'],
    ['with a NUL', '192.0.2.1\n\0\n', 'FILE_BINARY'],
    ['one bad token under reject', '192.0.2.1\n192.0.2.300\n192.0.2.3\n', 'INVALID_ENTRIES'],
  ];

  const listOf = async () => (await stack.call('GET', '/scanners/mx1/access-lists/outbound')).body;

  it.each(files)('%s', async (name, body, code) => {
    const before = await listOf();

    await drop(stack, `mx1/outbound/${name.replaceAll(' ', '-')}.txt`, body);

    const job = await endedOf(`mx1/outbound/${name.replaceAll(' ', '-')}.txt`);
    expect(job.state).toBe('failed');
    expect(job.error?.code).toBe(code);
    expect(await listOf()).toEqual(before);
  });

  it('the one bad token is shown with its line, column and what is wrong', async () => {
    await drop(stack, 'mx1/outbound/shown.txt', '192.0.2.1 192.0.2.300\n');

    const job = await endedOf('mx1/outbound/shown.txt');

    expect(job.problems).toEqual([
      expect.objectContaining({ line: 1, column: 11, token: '192.0.2.300', code: 'NOT_AN_ENTRY' }),
    ]);
  });

  it('a drop for a Scanner that is not registered makes a failed job', async () => {
    await drop(stack, 'nowhere/inbound/list.txt', '192.0.2.1');

    const job = await importEnded(stack, 'nowhere');

    expect(job.error?.code).toBe('TARGET_NOT_FOUND');
    const report = await stack.call('GET', `/imports/${job.importId}/report`);
    expect(report.body).toMatchObject({ error: job.error, problemsTotal: 0 });
  });

  it('an import of a list that decides nothing is refused', async () => {
    const answer = await stack.call('POST', '/scanners/mx1/access-lists/inbound/imports', {});

    expect(answer.status).toBe(409);
    expect(problemOf(answer).code).toBe('LIST_NOT_ACTIVE');
    expect(answer.body).toMatchObject({ detail: expect.stringMatching(/"accept" to "listed".* "activate"/) });
  });

  /** The job made by one drop. */
  const endedOf = async (path: string): Promise<ImportJob> => {
    return until(`the import of ${path} ends`, async () =>
      (await imports(stack, 'mx1')).find(
        (job) =>
          job.source.key === `imports/${path}` && (job.state === 'failed' || job.state === 'completed'),
      ),
    );
  };
});
