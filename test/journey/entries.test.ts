import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScannerProcess } from '../helpers/scanner.ts';
import { keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { dropAndImport, inboundSettings, inSync, register, sample, save, walk } from './support.ts';

let stack: StackProcess;
beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
});
afterAll(() => stack?.stop());

const base = (scannerId: string, list = 'inbound') => `/scanners/${scannerId}/access-lists/${list}`;
const one = (value: string) => `entry?value=${encodeURIComponent(value)}`;
const add = (scannerId: string, entries: object[], list = 'inbound', query = '') =>
  stack.call('POST', `${base(scannerId, list)}/entries${query}`, { entries });
const codeOf = (answer: { body: unknown }) => (answer.body as { code?: string }).code;
const codesOf = (answer: { body: unknown }) =>
  ((answer.body as { errors?: { code: string; pointer: string }[] }).errors ?? []).map(
    ({ code, pointer }) => `${pointer} ${code}`,
  );

describe('one entry', () => {
  beforeAll(async () => {
    await register(stack, 'one');
    await add('one', [
      { value: '192.0.2.0/24', comment: 'Lyon' },
      { value: '2001:db8::1' },
      { value: 'example.com', enabled: false },
    ]);
  });

  it('is read by its value in any form that means it', async () => {
    const answer = await stack.call('GET', `${base('one')}/${one('192.0.2.77/24')}`);

    expect(answer).toMatchObject({ status: 200 });
    expect(answer.headers.get('etag')).toBe('"2"');
    expect(answer.body).toEqual({
      value: '192.0.2.0/24',
      kind: 'ipv4-network',
      enabled: true,
      comment: 'Lyon',
    });
    expect((await stack.call('GET', `${base('one')}/${one('2001:DB8:0::1')}`)).status).toBe(200);
  });

  it('that is not there is 404, and a value that is none is 422', async () => {
    for (const [method, body] of [['GET'], ['PATCH', {}], ['DELETE']] as const) {
      const absent = await stack.call(method, `${base('one')}/${one('192.0.2.1')}`, body);
      expect(absent).toMatchObject({ status: 404, body: { code: 'ENTRY_NOT_FOUND' } });
      const none = await stack.call(method, `${base('one')}/${one('192.0.2.01')}`, body);
      expect(none.status).toBe(422);
      expect(codesOf(none)).toEqual(['/query/value IPV4_LEADING_ZERO']);
    }
  });

  it('is patched: only what is given changes, null takes the comment away', async () => {
    const disabled = await stack.call('PATCH', `${base('one')}/${one('192.0.2.0/24')}`, { enabled: false });
    expect(disabled).toMatchObject({ status: 200, body: { added: 0, removed: 0, changed: 1, unchanged: 0 } });
    expect((await stack.call('GET', `${base('one')}/${one('192.0.2.0/24')}`)).body).toMatchObject({
      enabled: false,
      comment: 'Lyon',
    });

    await stack.call('PATCH', `${base('one')}/${one('192.0.2.0/24')}`, { enabled: true, comment: null });
    const body = (await stack.call('GET', `${base('one')}/${one('192.0.2.0/24')}`)).body;
    expect(body).toEqual({ value: '192.0.2.0/24', kind: 'ipv4-network', enabled: true });
  });

  it('that a patch does not change makes no revision', async () => {
    const before = await stack.call('GET', base('one'));
    const answer = await stack.call('PATCH', `${base('one')}/${one('example.com')}`, { enabled: false });

    expect(answer.body).toMatchObject({
      revision: (before.body as { revision: number }).revision,
      unchanged: 1,
    });
  });

  it('gets another value and keeps its attributes', async () => {
    const answer = await stack.call('PATCH', `${base('one')}/${one('example.com')}`, {
      value: '*.Example.ORG',
      comment: 'moved',
    });

    expect(answer.body).toMatchObject({
      added: 1,
      removed: 1,
      normalized: [{ input: '*.Example.ORG', value: '.example.org' }],
    });
    expect((await stack.call('GET', `${base('one')}/${one('.example.org')}`)).body).toEqual({
      value: '.example.org',
      kind: 'domain',
      enabled: false,
      comment: 'moved',
    });
    expect(await walk(stack, 'one', 'inbound')).toEqual(['192.0.2.0/24', '2001:db8::1', '.example.org']);
  });

  it('does not get the value of another, nor one that is none; the same value in another form is no change', async () => {
    const onto = await stack.call('PATCH', `${base('one')}/${one('.example.org')}`, {
      value: '192.0.2.9/24',
    });
    expect(onto).toMatchObject({ status: 409, body: { code: 'ENTRY_EXISTS' } });

    const bad = await stack.call('PATCH', `${base('one')}/${one('.example.org')}`, {
      value: '10.0.0.0-10.0.0.255',
      comment: 'a\u0007b',
    });
    expect(bad.status).toBe(422);
    expect(codesOf(bad).sort()).toEqual(['/comment COMMENT_INVALID', '/value RANGE_NOT_SUPPORTED']);

    const same = await stack.call('PATCH', `${base('one')}/${one('192.0.2.0/24')}`, {
      value: '192.0.2.9/24',
    });
    expect(same.body).toMatchObject({ unchanged: 1, changed: 0 });
  });

  it('is removed, on the revision that was read and on no other', async () => {
    const stale = await stack.call('DELETE', `${base('one')}/${one('2001:db8::1')}`, undefined, {
      'if-match': '"1"',
    });
    expect(stale.status).toBe(412);

    const answer = await stack.call('DELETE', `${base('one')}/${one('2001:db8::1')}`);
    expect(answer).toMatchObject({ status: 200, body: { removed: 1 } });
    expect(await walk(stack, 'one', 'inbound')).toEqual(['192.0.2.0/24', '.example.org']);
  });
});

describe('a list is cleared', () => {
  it('if the number given is the number there is', async () => {
    await register(stack, 'clear');
    await add('clear', [{ value: '10.0.0.1' }, { value: '10.0.0.2' }]);

    const wrong = await stack.call('POST', `${base('clear')}/entries/clear`, { entries: 3 });
    expect(wrong).toMatchObject({ status: 409, body: { code: 'COUNT_MISMATCH', entries: 2 } });
    expect(await walk(stack, 'clear', 'inbound')).toHaveLength(2);

    const right = await stack.call('POST', `${base('clear')}/entries/clear`, { entries: 2 });
    expect(right).toMatchObject({ status: 200, body: { removed: 2 } });
    expect(await walk(stack, 'clear', 'inbound')).toEqual([]);
    const audit = await stack.call('GET', '/scanners/clear/audit');
    expect(JSON.stringify(audit.body)).toContain('10.0.0.2');
  });
});

describe('guards stand on every path', () => {
  it('a list that decides keeps an enabled entry, unless that is acknowledged', async () => {
    await register(stack, 'guard');
    await add('guard', [{ value: '10.0.0.1' }]);
    await save(stack, 'guard', inboundSettings(25, 'listed'));

    const refusals = [
      await stack.call('DELETE', `${base('guard')}/${one('10.0.0.1')}`),
      await stack.call('PATCH', `${base('guard')}/${one('10.0.0.1')}`, { enabled: false }),
      await stack.call('POST', `${base('guard')}/entries/clear`, { entries: 1 }),
      await add('guard', [{ value: '10.0.0.1', enabled: false }]),
      await stack.call('POST', `${base('guard')}/copy`, { from: 'empty' }).then(async (missing) => {
        expect(missing.status).toBe(404);
        await register(stack, 'empty');
        return stack.call('POST', `${base('guard')}/copy`, { from: 'empty' });
      }),
    ];

    for (const answer of refusals) {
      expect(answer.status).toBe(422);
      expect(codesOf(answer)).toEqual(['/inbound/accept LIST_EMPTY']);
    }
    const passed = await stack.call('PATCH', `${base('guard')}/${one('10.0.0.1')}&acknowledge=empty-list`, {
      enabled: false,
    });
    expect(passed).toMatchObject({ status: 200, body: { warnings: [{ code: 'LIST_EMPTY' }] } });
    const still = await add('guard', [{ value: '10.0.0.2', enabled: false }]);
    expect(codesOf(still)).toEqual(['/inbound/accept LIST_EMPTY']);
  });

  it('a network that opens a relay is refused when it is added, enabled, made of another or copied', async () => {
    for (const id of ['relay', 'relay-2']) await register(stack, id);
    const added = await add('relay', [{ value: '10.0.0.1' }, { value: '0.0.0.0/1' }], 'outbound');
    expect(codesOf(added)).toEqual(['/entries/1/value OPEN_RELAY']);

    await add('relay', [{ value: '0.0.0.0/1', enabled: false }, { value: '10.0.0.0/8' }], 'outbound');
    const paths = [
      await add('relay', [{ value: '0.0.0.0/1', enabled: true }], 'outbound'),
      await stack.call('PATCH', `${base('relay', 'outbound')}/${one('0.0.0.0/1')}`, { enabled: true }),
      await stack.call('PATCH', `${base('relay', 'outbound')}/${one('10.0.0.0/8')}`, { value: '10.0.0.0/7' }),
    ];
    expect(paths.map(codesOf)).toEqual([
      ['/entries/0/value OPEN_RELAY'],
      ['/enabled OPEN_RELAY'],
      ['/value OPEN_RELAY'],
    ]);
    const comment = await add('relay', [{ value: '0.0.0.0/1', comment: 'stays off' }], 'outbound');
    expect(comment).toMatchObject({ status: 200, body: { changed: 1, warnings: [] } });

    const acknowledged = `${base('relay', 'outbound')}/${one('0.0.0.0/1')}&acknowledge=open-relay`;
    expect((await stack.call('PATCH', acknowledged, { enabled: true })).status).toBe(200);
    const later = await stack.call('PATCH', `${base('relay', 'outbound')}/${one('0.0.0.0/1')}`, {
      comment: 'known',
    });
    expect(later).toMatchObject({ status: 200, body: { warnings: [{ code: 'OPEN_RELAY' }] } });

    const copied = await stack.call('POST', `${base('relay-2', 'outbound')}/copy`, { from: 'relay' });
    expect(codesOf(copied)).toEqual(['/from OPEN_RELAY']);
    const known = await stack.call('POST', `${base('relay-2', 'outbound')}/copy?acknowledge=open-relay`, {
      from: 'relay',
    });
    expect(known).toMatchObject({ status: 200, body: { entries: 2 } });
    const again = await stack.call('POST', `${base('relay-2', 'outbound')}/copy`, { from: 'relay' });
    expect(again).toMatchObject({ status: 200, body: { revision: 2 } });
  });
});

describe('a list of thousands', () => {
  let revision: number;
  beforeAll(async () => {
    await register(stack, 'many');
    await save(stack, 'many', inboundSettings());
    const job = await dropAndImport(stack, 'many/inbound/partners', sample.text, {
      'on-invalid': 'skip',
      activate: 'true',
    });
    revision = job.revision ?? 0;
  });

  const filtered = async (query: string) => {
    const items: { value: string; kind: string }[] = [];
    let cursor: string | undefined = '';
    let pages = 0;
    while (cursor !== undefined) {
      const path = `${base('many')}/entries?pageSize=500&${query}&cursor=${encodeURIComponent(cursor)}`;
      const page = (await stack.call('GET', path)).body as { items: typeof items; nextCursor?: string };
      items.push(...page.items);
      cursor = page.nextCursor;
      pages += 1;
    }
    return { items, pages };
  };

  it('is walked by kind and below a network or a domain, as a look at all of it finds', async () => {
    const all = await walk(stack, 'many', 'inbound');
    const domains = all.filter((value) => /[a-z]/.test(value) && !value.includes(':'));

    const byKind = await filtered('kind=domain');
    expect(byKind.items.map(({ value }) => value)).toEqual(domains);
    const suffix = domains[0]?.split('.').slice(-1)[0] ?? 'com';
    const under = domains.find((value) => value.endsWith(`.${suffix}`) && value.split('.').length > 2);
    const parent = (under ?? domains[0] ?? '').split('.').slice(-2).join('.');
    const below = await filtered(`under=${encodeURIComponent(parent)}`);
    expect(below.items.map(({ value }) => value)).toEqual(
      domains.filter((value) => value === parent || value.endsWith(`.${parent}`)),
    );

    const network = all.find((value) => /^\d+\.\d+\.\d+\.\d+/.test(value))?.split('.')[0] ?? '1';
    const within = await filtered(`under=${network}.0.0.0/8`);
    expect(within.items.map(({ value }) => value)).toEqual(
      all.filter((value) => value.startsWith(`${network}.`) && Number(value.split('/')[1] ?? 32) >= 8),
    );
    expect(within.pages).toBeLessThanOrEqual(Math.ceil(within.items.length / 500) + 1);
  });

  it('refuses a filter that is none', async () => {
    const under = await stack.call('GET', `${base('many')}/entries?under=10.0.0.0-10.0.0.9`);
    expect(codesOf(under)).toEqual(['/query/under RANGE_NOT_SUPPORTED']);
    const kind = await stack.call('GET', `${base('many')}/entries?kind=host`);
    expect(kind.status).toBe(422);
  });

  it('is read as it was at an earlier revision, and its links stay there', async () => {
    const first = (await walk(stack, 'many', 'inbound'))[0] ?? '';
    await stack.call('DELETE', `${base('many')}/${one(first)}`);

    const path = `${base('many')}/entries?page=2&pageSize=20&revision=${revision}`;
    const answer = await stack.call('GET', path);
    expect(answer.body).toMatchObject({
      revision,
      from: 21,
      to: 40,
      totalEntries: sample.entries,
      totalPages: Math.ceil(sample.entries / 20),
    });
    const { links } = answer.body as { links: Record<string, string> };
    expect(links['next']).toBe(`/v1${base('many')}/entries?page=3&pageSize=20&revision=${revision}`);
    expect(links['forward']).toContain('page=52&');
    expect(links['last']).toContain(`page=${Math.ceil(sample.entries / 20)}&`);
    const linked = await stack.call('GET', (links['previous'] ?? '').replace('/v1', ''));
    expect((linked.body as { items: { value: string }[] }).items[0]?.value).toBe(first);
    const past = await stack.call('GET', `${base('many')}/entries?page=9999`);
    expect(past).toMatchObject({ status: 404, body: { code: 'PAGE_OUT_OF_RANGE' } });
  });

  it('is copied by its root to a Scanner that has never connected', async () => {
    await register(stack, 'copy');
    const source = (await stack.call('GET', base('many'))).body as { root: string; entries: number };

    const answer = await stack.call('POST', `${base('copy')}/copy`, { from: 'many' });

    expect(answer).toMatchObject({ status: 200, body: { root: source.root, entries: source.entries } });
    expect(await walk(stack, 'copy', 'inbound')).toEqual(await walk(stack, 'many', 'inbound'));
  });
});

describe('match', () => {
  const match = async (scannerId: string, client: string, name?: string, list = 'inbound') =>
    (
      await stack.call(
        'GET',
        `${base(scannerId, list)}/match?client=${encodeURIComponent(client)}${name ? `&name=${name}` : ''}`,
      )
    ).body as {
      client: string;
      desired: { accepted: boolean | null; reason: string; entries: { value: string }[] };
      applied: { revision: number; accepted: boolean | null; reason: string } | null;
    };

  it('says what settings decide without the list', async () => {
    await register(stack, 'modes');
    expect((await match('modes', '10.0.0.1')).desired.reason).toBe('SMTP_NOT_CONFIGURED');
    await save(stack, 'modes', inboundSettings());
    expect((await match('modes', '10.0.0.1')).desired).toEqual({
      accepted: true,
      reason: 'ACCEPTS_ALL',
      message: 'The section accepts all clients, whatever the list has.',
      entries: [],
    });
    expect((await match('modes', '10.0.0.1', undefined, 'outbound')).desired).toMatchObject({
      accepted: false,
      reason: 'SECTION_ABSENT',
    });
    expect((await match('modes', '10.0.0.1')).applied).toBeNull();
  });

  it('says which entries let a client in, as desired and as applied', async () => {
    await register(stack, 'match');
    await add('match', [
      { value: '192.0.2.0/24' },
      { value: '192.0.2.0/28', enabled: false },
      { value: '::ffff:198.51.100.0/120' },
      { value: '2001:db8::/32' },
      { value: '203.0.113.7', enabled: false },
      { value: 'example.com' },
      { value: '.example.net' },
    ]);
    const scanner = startScannerProcess(stack.dir, 'match');
    const revision = await save(stack, 'match', inboundSettings(25, 'listed'));
    await inSync(stack, 'match', revision);

    const network = await match('match', '::ffff:192.0.2.9');
    expect(network.client).toBe('192.0.2.9');
    expect(network.desired).toMatchObject({ accepted: true, reason: 'LISTED' });
    expect(network.desired.entries.map(({ value }) => value)).toEqual(['192.0.2.0/24']);
    expect(network.applied).toEqual({ revision, ...network.desired });
    expect((await match('match', '198.51.100.9')).desired.entries[0]?.value).toBe('::ffff:198.51.100.0/120');
    expect((await match('match', '2001:db8:1::1')).desired.accepted).toBe(true);

    expect((await match('match', '198.18.0.1')).desired).toMatchObject({
      accepted: null,
      reason: 'NAME_NEEDED',
      message: expect.stringContaining('ask again with `name`'),
    });
    expect((await match('match', '198.18.0.1', 'Mail.Example.com.')).desired).toMatchObject({
      accepted: true,
      entries: [{ value: 'example.com' }],
    });
    expect((await match('match', '198.18.0.1', 'example.net')).desired.reason).toBe('NOT_LISTED');
    expect((await match('match', '198.18.0.1', 'a.example.net')).desired.accepted).toBe(true);
    expect((await match('match', '203.0.113.7', 'a.example.org')).desired).toMatchObject({
      accepted: false,
      reason: 'ONLY_DISABLED',
      entries: [{ value: '203.0.113.7' }],
    });

    await scanner.stop();
    await stack.call('DELETE', `${base('match')}/${one('192.0.2.0/24')}`);
    const after = await match('match', '192.0.2.9', 'a.example.org');
    expect(after.desired).toMatchObject({ accepted: false, reason: 'ONLY_DISABLED' });
    expect(after.applied).toMatchObject({ revision, accepted: true, reason: 'LISTED' });
  });

  it('refuses what is no client', async () => {
    const answer = await stack.call('GET', `${base('match')}/match?client=010.0.0.1&name=a..b`);
    expect(codesOf(answer)).toEqual(['/query/client ADDRESS_INVALID', '/query/name DOMAIN_INVALID']);
    expect(codeOf(await stack.call('GET', `${base('match')}/match`))).toBe('VALIDATION_FAILED');
  });
});
