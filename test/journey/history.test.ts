import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiAnswer, keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { dropAndImport, inboundSettings, register, save, walk } from './support.ts';

let stack: StackProcess;
beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
});
afterAll(() => stack?.stop());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  stack.call(method, path, body, headers);
const get = async <T>(path: string): Promise<T> => (await call('GET', path)).body as T;
const keyed = (key: string = randomUUID()) => ({ 'idempotency-key': key });
const codeOf = (answer: ApiAnswer) => (answer.body as { code: string }).code;

let count = 0;
/** A Scanner of its own with settings: revision 2. */
const configured = async (): Promise<string> => {
  count += 1;
  const id = `history-${count}`;
  await register(stack, id);
  await save(stack, id, inboundSettings());
  return id;
};
const revisionOf = async (id: string) => (await get<{ revision: number }>(`/scanners/${id}`)).revision;

describe('a merge patch of the settings', () => {
  it('changes what it names, as one revision, and answers what a PUT would', async () => {
    const id = await configured();
    const answer = await call('PATCH', `/scanners/${id}/smtp`, { inbound: { ipv4: { port: 2525 } } });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"3"');
    expect(answer.body).toMatchObject({
      revision: 3,
      inbound: { ipv4: { address: '127.0.0.1', port: 2525 }, accept: 'all' },
    });
    expect(await get(`/scanners/${id}/smtp`)).toEqual(answer.body);
  });

  it('that changes the mode drops the section that the new mode hides, unless it gives it', async () => {
    const id = await configured();
    const outbound = { ipv4: { address: '127.0.0.1', port: 26 } };
    await call('PATCH', `/scanners/${id}/smtp`, { mailFiltering: 'inbound-and-outbound', outbound });

    const given = await call('PATCH', `/scanners/${id}/smtp`, { mailFiltering: 'inbound', outbound });
    const silent = await call('PATCH', `/scanners/${id}/smtp`, { mailFiltering: 'inbound' });

    expect(given).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/outbound', code: 'SECTION_NOT_IN_MODE' }] },
    });
    expect(silent.status).toBe(200);
    expect(silent.body).not.toHaveProperty('outbound');
    expect(silent.body).not.toHaveProperty('authentication');
  });

  it('whose result breaks rules is refused with all of them', async () => {
    const id = await configured();
    const answer = await call('PATCH', `/scanners/${id}/smtp`, {
      inbound: { ipv4: { address: 'mx', port: 0 }, colour: 1 },
      outbound: {},
    });

    expect(answer.status).toBe(422);
    expect(
      (answer.body as { errors: { pointer: string; code: string }[] }).errors
        .map(({ pointer, code }) => `${code} ${pointer}`)
        .sort(),
    ).toEqual([
      'ADDRESS_INVALID /inbound/ipv4/address',
      'PORT_OUT_OF_RANGE /inbound/ipv4/port',
      'REQUIRED /outbound/ipv4',
      'SECTION_NOT_IN_MODE /outbound',
      'UNKNOWN_FIELD /inbound/colour',
    ]);
    expect(await revisionOf(id)).toBe(2);
  });

  it('with a stale If-Match is refused with the present revision', async () => {
    const id = await configured();
    await save(stack, id, inboundSettings(26));
    const answer = await call('PATCH', `/scanners/${id}/smtp`, {}, { 'if-match': '"2"' });
    expect(answer).toMatchObject({ status: 412, body: { code: 'REVISION_CONFLICT', revision: 3 } });
  });
});

describe('a dry run', () => {
  it.each([
    ['PUT', 'smtp', inboundSettings(2600), { revision: 3, inbound: { ipv4: { port: 2600 } } }],
    ['PATCH', 'smtp', { inbound: { ipv4: { port: 2600 } } }, { revision: 3 }],
    [
      'POST',
      'access-lists/inbound/entries',
      { entries: [{ value: '192.0.2.1' }] },
      { revision: 3, added: 1 },
    ],
    ['POST', 'access-lists/inbound/entries/remove', { values: ['192.0.2.1'] }, { revision: 2, unchanged: 1 }],
  ])('of %s %s says what would be, and changes nothing', async (method, path, body, would) => {
    const id = await configured();
    const before = await get(`/scanners/${id}/audit`);

    const answer = await call(method, `/scanners/${id}/${path}?dryRun=true`, body);

    expect(answer).toMatchObject({ status: 200, body: { ...would, dryRun: true } });
    expect(answer.headers.get('etag')).toBeNull();
    expect(await revisionOf(id)).toBe(2);
    expect(await walk(stack, id, 'inbound')).toEqual([]);
    expect(await get(`/scanners/${id}/audit`)).toEqual(before);
  });

  it('of a registration’s patch changes nothing', async () => {
    const id = await configured();
    const answer = await call('PATCH', `/scanners/${id}?dryRun=true`, { enabled: false });
    expect(answer).toMatchObject({ status: 200, body: { enabled: false } });
    const present = await get(`/scanners/${id}`);
    expect(present).toMatchObject({ enabled: true });
    expect(present).not.toHaveProperty('dryRun');
  });

  it('breaks on what the write would break on', async () => {
    const id = await configured();
    const answer = await call('PUT', `/scanners/${id}/smtp?dryRun=true`, inboundSettings(0));
    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } });
    expect((await call('PUT', `/scanners/${id}/smtp?dryRun=yes`, inboundSettings())).status).toBe(422);
  });
});

describe('an Idempotency-Key', () => {
  const add = (id: string, value: string, headers: Record<string, string>) =>
    call('POST', `/scanners/${id}/access-lists/inbound/entries`, { entries: [{ value }] }, headers);

  it('makes a request that is sent again do nothing and get the same answer', async () => {
    const id = await configured();
    const headers = keyed();
    const first = await add(id, '192.0.2.1', headers);
    await add(id, '192.0.2.2', {});
    const again = await add(id, '192.0.2.1', headers);

    expect(first.body).toMatchObject({ revision: 3, added: 1 });
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([200, first.body, '"3"']);
    expect(await revisionOf(id)).toBe(4);
  });

  it('is answered the same also when the write changed nothing', async () => {
    const id = await configured();
    await add(id, '192.0.2.1', {});
    const headers = keyed();
    const first = await add(id, '192.0.2.1', headers);
    await call('POST', `/scanners/${id}/access-lists/inbound/entries/remove`, { values: ['192.0.2.1'] });

    expect(first.body).toMatchObject({ unchanged: 1 });
    expect((await add(id, '192.0.2.1', headers)).body).toEqual(first.body);
    expect(await walk(stack, id, 'inbound')).toEqual([]);
  });

  it('of another request is refused', async () => {
    const id = await configured();
    const headers = keyed();
    await add(id, '192.0.2.1', headers);
    const other = await add(id, '192.0.2.2', headers);

    expect([other.status, codeOf(other)]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await walk(stack, id, 'inbound')).toEqual(['192.0.2.1']);
  });

  it('sent many times at once is done once', async () => {
    const id = await configured();
    const headers = keyed();
    const answers = await Promise.all(Array.from({ length: 8 }, () => add(id, '192.0.2.1', headers)));

    expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1);
    expect(await revisionOf(id)).toBe(3);
  });

  it('names a registration and an import, too', async () => {
    const id = await configured();
    const headers = keyed();
    const registration = () => call('POST', '/scanners', { scannerId: `${id}-other` }, headers);
    const [first, again] = [await registration(), await registration()];
    expect([first.status, again.status, again.headers.get('location')]).toEqual([
      201,
      201,
      `/v1/scanners/${id}-other`,
    ]);

    const upload = () =>
      call('POST', `/scanners/${id}/access-lists/inbound/imports`, { activate: true }, keyed(`${id}-upload`));
    expect((await upload()).body).toEqual((await upload()).body);
    expect((await get<{ items: unknown[] }>(`/imports?scannerId=${id}`)).items).toHaveLength(1);
  });

  it('of a dry run is not kept', async () => {
    const id = await configured();
    const headers = keyed();
    const path = `/scanners/${id}/access-lists/inbound/entries`;
    const entries = { entries: [{ value: '192.0.2.1' }] };
    await call('POST', `${path}?dryRun=true`, entries, headers);
    expect((await call('POST', path, entries, headers)).body).toMatchObject({ added: 1 });
  });

  it.each(['', 'a b', 'x'.repeat(256)])('that is %j is refused', async (key) => {
    const id = await configured();
    expect((await add(id, '192.0.2.1', keyed(key))).status).toBe(422);
  });
});

describe('the history of a Scanner', () => {
  let id: string;
  const list = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];

  /** Revisions: 1 registered, 2 settings, 3 an import that activates, 4 an edit, 5 another port. */
  beforeAll(async () => {
    id = await configured();
    await dropAndImport(stack, `${id}/inbound/a.txt`, list.join('\n'), { activate: 'true' });
    await call('POST', `/scanners/${id}/access-lists/inbound/entries`, {
      entries: [{ value: '192.0.2.2', enabled: false }, { value: '198.51.100.0/24' }],
    });
    await call('PATCH', `/scanners/${id}/smtp`, { inbound: { ipv4: { port: 2525 } } });
  });

  it('lists revisions, newest first, a page at a time, with what each changed', async () => {
    interface Page {
      items: { revision: number; operation: string; summary: string }[];
      nextCursor?: string;
    }
    const first = await get<Page>(`/scanners/${id}/revisions?limit=3`);
    const rest = await get<Page>(
      `/scanners/${id}/revisions?limit=3&cursor=${encodeURIComponent(first.nextCursor ?? '')}`,
    );

    expect(
      [...first.items, ...rest.items].map(({ revision, operation }) => `${revision} ${operation}`),
    ).toEqual(['5 patch-smtp', '4 add-entries', '3 import', '2 put-smtp', '1 create-scanner']);
    expect(first.items.map((item) => item.summary)).toEqual([
      'smtp/inbound/ipv4/port',
      'inbound list: 3 to 4 entries, 3 to 3 enabled',
      'smtp/inbound/accept; inbound list: 0 to 3 entries, 0 to 3 enabled',
    ]);
  });

  it('shows a revision whole', async () => {
    expect(await get(`/scanners/${id}/revisions/3`)).toMatchObject({
      revision: 3,
      operation: 'import',
      smtp: { inbound: { ipv4: { port: 25 }, accept: 'listed' } },
      lists: { inbound: { entries: 3, enabled: 3 } },
    });
    expect(await get(`/scanners/${id}/revisions/1`)).toMatchObject({ smtp: null });
    expect((await call('GET', `/scanners/${id}/revisions/6`)).status).toBe(404);
  });

  it('says what differs between any two, fields by pointer and lists by entry', async () => {
    expect(await get(`/scanners/${id}/revisions/5/diff?from=3`)).toMatchObject({
      from: 3,
      to: 5,
      changes: [{ pointer: '/smtp/inbound/ipv4/port', before: 25, after: 2525 }],
      lists: {
        inbound: {
          added: 1,
          removed: 0,
          changed: 1,
          items: [
            { value: '192.0.2.2', change: 'changed', before: { enabled: true }, after: { enabled: false } },
            { value: '198.51.100.0/24', change: 'added' },
          ],
        },
      },
    });
    expect(await get(`/scanners/${id}/revisions/3/diff?from=5`)).toMatchObject({
      lists: { inbound: { added: 0, removed: 1, changed: 1 } },
    });
    expect(await get(`/scanners/${id}/revisions/5/diff`)).toMatchObject({ from: 4, lists: {} });
    expect(await get(`/scanners/${id}/revisions/1/diff`)).toEqual({ from: 1, to: 1, changes: [], lists: {} });
  });

  it('pages the entries of a difference', async () => {
    interface Difference {
      lists: { inbound: { items: { value: string }[]; nextCursor?: string } };
    }
    const path = `/scanners/${id}/revisions/4/diff?from=2&list=inbound&limit=3`;
    const first = (await get<Difference>(path)).lists.inbound;
    const rest = (await get<Difference>(`${path}&cursor=${encodeURIComponent(first.nextCursor ?? '')}`)).lists
      .inbound;

    expect([...first.items, ...rest.items].map((item) => item.value)).toEqual([...list, '198.51.100.0/24']);
    expect(rest).not.toHaveProperty('nextCursor');
  });

  it('restores an earlier configuration as a new revision, settings and lists together', async () => {
    const answer = await call('POST', `/scanners/${id}/revisions/3/restore`);

    expect(answer).toMatchObject({
      status: 200,
      body: { revision: 6, inbound: { ipv4: { port: 25 } }, lists: { inbound: { entries: 3 } } },
    });
    expect(await walk(stack, id, 'inbound')).toEqual(list);
    expect(await get(`/scanners/${id}/revisions/6/diff?from=3`)).toMatchObject({ changes: [], lists: {} });
    expect((await call('POST', `/scanners/${id}/revisions/3/restore`)).body).toMatchObject({ revision: 6 });
  });

  it('restores nothing that breaks a rule of today, that never was, or over a change unseen', async () => {
    const other = await configured();
    await call('PUT', `/scanners/${other}/smtp?acknowledge=empty-list`, inboundSettings(25, 'listed'));
    await save(stack, other, inboundSettings(26));

    expect(await call('POST', `/scanners/${other}/revisions/3/restore`)).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'LIST_EMPTY' }] },
    });
    const acknowledged = `/scanners/${other}/revisions/3/restore?acknowledge=empty-list`;
    expect(await call('POST', acknowledged, undefined, { 'if-match': '"3"' })).toMatchObject({ status: 412 });
    expect(await call('POST', `${acknowledged}&dryRun=true`)).toMatchObject({ status: 200 });
    expect(await call('POST', `/scanners/${other}/revisions/1/restore`)).toMatchObject({
      status: 404,
      body: { code: 'SMTP_NOT_CONFIGURED' },
    });
    expect(await revisionOf(other)).toBe(4);
  });

  it('asks again before it opens a relay that was closed', async () => {
    const other = await configured();
    const path = `/scanners/${other}/access-lists/outbound/entries`;
    await call('POST', `${path}?acknowledge=open-relay`, { entries: [{ value: '10.0.0.0/7' }] });
    await call('POST', `${path}/remove`, { values: ['10.0.0.0/7'] });

    expect(await call('POST', `/scanners/${other}/revisions/3/restore`)).toMatchObject({
      status: 422,
      body: { errors: [{ code: 'OPEN_RELAY' }] },
    });
    expect(await call('POST', `/scanners/${other}/revisions/3/restore?acknowledge=open-relay`)).toMatchObject(
      { status: 200, body: { lists: { outbound: { entries: 1 } } } },
    );
  });
});

describe('the audit', () => {
  interface Entry {
    operation: string;
    actor: string;
    requestId: string;
    scannerId: string;
    before: unknown;
    after: unknown;
  }
  const operations = (page: { items: Entry[] }) => page.items.map((entry) => entry.operation);

  it('has every write of a Scanner, with who, what before and what after', async () => {
    const id = await configured();
    await call('PATCH', `/scanners/${id}`, { description: 'Lyon' });
    await dropAndImport(stack, `${id}/inbound/a.txt`, '192.0.2.1', { activate: 'true' });
    const begun = await call('POST', `/scanners/${id}/access-lists/inbound/imports`, {});
    await call('POST', `/imports/${(begun.body as { importId: string }).importId}/cancel`);

    const audit = await get<{ items: Entry[] }>(`/scanners/${id}/audit`);

    expect(operations(audit)).toEqual([
      'cancel-import',
      'create-import',
      'import',
      'patch-scanner',
      'put-smtp',
      'create-scanner',
    ]);
    expect(audit.items[3]).toMatchObject({
      before: { labels: {}, enabled: true },
      after: { description: 'Lyon' },
      scannerId: id,
    });
    for (const entry of audit.items) {
      expect(entry.actor).not.toBe('');
      expect(entry.requestId).not.toBe('');
    }
  });

  it('is there across the fleet for who may see it, a month at a time', async () => {
    const id = await configured();
    const fleet = await get<{ items: Entry[] }>('/audit?limit=2');
    expect(fleet.items.map((entry) => `${entry.scannerId} ${entry.operation}`)).toEqual([
      `${id} put-smtp`,
      `${id} create-scanner`,
    ]);
    expect(await get('/audit?month=2001-01')).toEqual({ items: [] });
    expect((await call('GET', '/audit?month=2026-13')).status).toBe(422);

    const token = await stack.token(['scanners/read'], 60);
    expect((await call('GET', '/audit', undefined, { authorization: `Bearer ${token}` })).status).toBe(403);
  });

  it('of a Scanner that there is not is 404', async () => {
    for (const path of ['audit', 'revisions', 'revisions/1', 'revisions/1/diff'])
      expect((await call('GET', `/scanners/nobody/${path}`)).status).toBe(404);
  });
});
