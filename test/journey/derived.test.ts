import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { dropAndImport, importEnded, inboundSettings, register, sample, save } from './support.ts';

let stack: StackProcess;
beforeAll(async () => {
  stack = await startStackProcess();
});
afterAll(() => stack?.stop());

const base = (scannerId: string, list = 'inbound') => `/scanners/${scannerId}/access-lists/${list}`;
const summary = async (scannerId: string) =>
  (await stack.call('GET', base(scannerId))).body as { root: string; entries: number };

/** An export as a client sees it that follows the link and waits where it is told to. */
const exported = (scannerId: string, format: string, list = 'inbound') =>
  until(`the ${format} of ${scannerId} is there`, async () => {
    const url = `${stack.endpoints.api}${base(scannerId, list)}/export?format=${format}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${stack.endpoints.token}` } });
    if (answer.status === 202) return undefined;
    return { answer, text: await answer.text() };
  });

/** Imports a file into the list of a Scanner of its own and answers what came of it. */
const reimported = async (scannerId: string, text: string, mode = 'merge') => {
  await register(stack, scannerId);
  await save(stack, scannerId, inboundSettings());
  const job = await dropAndImport(stack, `${scannerId}/inbound/again`, text, { mode, activate: 'true' });
  expect(job).toMatchObject({ state: 'completed', problemsTotal: 0 });
  return summary(scannerId);
};

const nasty = [
  '=1+1',
  "'=1+1",
  "''@x",
  '+33 1 23',
  '-minus',
  '@at',
  '＝full width',
  "'quiet",
  'said "no", twice; then # left',
  ' spaced ',
  'Zürich 🏔',
  '',
];

describe('an export', () => {
  beforeAll(async () => {
    await register(stack, 'small');
    await save(stack, 'small', inboundSettings());
    await stack.call('POST', `${base('small')}/entries`, {
      entries: nasty.map((comment, index) => ({
        value: `10.0.0.${index}`,
        enabled: index % 3 !== 0,
        ...(comment ? { comment } : {}),
      })),
    });
    await stack.call('POST', `${base('small')}/entries`, {
      entries: [{ value: 'example.com' }, { value: '2001:db8::/32' }],
    });
  });

  it('is refused while the section accepts all clients', async () => {
    const answer = await stack.call('GET', `${base('small')}/export`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'LIST_NOT_ACTIVE' } });
    await save(stack, 'small', inboundSettings(25, 'listed'));
    expect((await exported('small', 'csv')).answer.status).toBe(200);
    const absent = await stack.call('GET', `${base('small', 'authentication')}/export`);
    expect(absent).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('no authentication section') },
    });
  });

  it('as csv is imported to the same root, into nothing and over anything', async () => {
    const { root } = await summary('small');
    const { answer, text } = await exported('small', 'csv');

    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(text.split('\r\n')[0]).toBe('address,enabled,comment');
    expect((await reimported('again-1', text)).root).toBe(root);
    await stack.call('POST', `${base('again-1')}/entries`, {
      entries: [{ value: '10.0.0.1', enabled: false, comment: 'other' }, { value: '10.9.9.9' }],
    });
    const job = await dropAndImport(stack, 'again-1/inbound/more', text, { mode: 'replace' });
    expect(job.state).toBe('completed');
    expect((await summary('again-1')).root).toBe(root);
  });

  it('as csv has nothing that a spreadsheet would compute', async () => {
    const { text } = await exported('small', 'csv');
    const fields = text
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.replace(/^[^,]*,[^,]*,"?/, ''));

    for (const field of fields) expect(field).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
    for (const line of text.split('\r\n')) expect(line).not.toMatch(/^[=+\-@]/);
  });

  it('as txt is the enabled values; as json all entries as the API shows them', async () => {
    const { text } = await exported('small', 'txt');
    const all = (await stack.call('GET', `${base('small')}/entries?pageSize=1000`)).body as {
      items: { value: string; enabled: boolean }[];
    };
    expect(text).toBe(
      all.items
        .filter(({ enabled }) => enabled)
        .map(({ value }) => `${value}\n`)
        .join(''),
    );
    expect(JSON.parse((await exported('small', 'json')).text)).toEqual(all.items);
  });

  it('of an empty list is a file without entries', async () => {
    await register(stack, 'none');
    expect((await exported('none', 'txt', 'outbound')).text).toBe('');
    expect((await exported('none', 'csv', 'outbound')).text).toBe('address,enabled,comment\r\n');
    expect(JSON.parse((await exported('none', 'json', 'outbound')).text)).toEqual([]);
  });

  it('as txt of a list without disabled entries and comments is imported to the same root', async () => {
    await register(stack, 'plain');
    await save(stack, 'plain', inboundSettings());
    await dropAndImport(stack, 'plain/inbound/all', sample.text, { 'on-invalid': 'skip', activate: 'true' });
    const { text } = await exported('plain', 'txt');

    expect(text).toBe(sample.expected);
    expect((await reimported('plain-2', text)).root).toBe((await summary('plain')).root);
  });

  it('too long for an answer is made once for its root, and is the same list', async () => {
    await register(stack, 'large');
    await save(stack, 'large', inboundSettings());
    const lines = Array.from(
      { length: 60_000 },
      (_, index) =>
        `10.${index >> 16}.${(index >> 8) & 255}.${index & 255},${index % 7 !== 0},"${'long '.repeat(13)}${index}"`,
    );
    const file = `address,enabled,comment\n${lines.join('\n')}\n`;
    const job = await dropAndImport(stack, 'large/inbound/all', file, { activate: 'true' });
    expect(job.state).toBe('completed');

    const path = `${base('large')}/export?format=csv`;
    const first = await stack.call('GET', path);
    expect(first.status).toBe(202);
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(first.body).toEqual({ state: 'pending', root: (await summary('large')).root });
    const { answer, text } = await exported('large', 'csv');
    expect(answer.redirected).toBe(true);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(text.length).toBeGreaterThan(4 * 1024 * 1024);
    expect((await reimported('large-2', text)).root).toBe((await summary('large')).root);

    const again = await fetch(`${stack.endpoints.api}${base('large-2')}/export?format=csv`, {
      headers: { authorization: `Bearer ${stack.endpoints.token}` },
      redirect: 'manual',
    });
    expect(again.status).toBe(303);
    expect(((await again.json()) as { url: string }).url).toBe(again.headers.get('location'));
  });
});

describe('lint', () => {
  const linted = (scannerId: string, list = 'inbound') =>
    until(`lint of ${scannerId} is there`, async () => {
      const answer = await stack.call('GET', `${base(scannerId, list)}/lint`);
      return answer.status === 200
        ? (answer.body as {
            root: string;
            counts: Record<string, number>;
            findings: { code: string; value: string; by?: string; suggestion?: string }[];
            findingsTotal: number;
            download?: { url: string };
          })
        : undefined;
    });

  it('tells what is covered, what is one network, what is private and what is everything', async () => {
    await register(stack, 'lint');
    const values = ['0.0.0.0/0', '10.1.0.0/16', '2001:4860::/33', '2001:4860:8000::/33', 'example.com'];
    await stack.call('POST', `${base('lint')}/entries`, {
      entries: [
        ...values.map((value) => ({ value })),
        { value: 'mail.example.com' },
        { value: '192.168.0.0/16', enabled: false },
      ],
    });

    const first = await stack.call('GET', `${base('lint')}/lint`);
    expect(first.status).toBe(202);
    const result = await linted('lint');

    expect(result.counts).toEqual({ COVERED: 2, MERGEABLE: 1, NOT_PUBLIC: 1, MATCHES_EVERYTHING: 1 });
    expect(result.findings.map(({ code, value, by, suggestion }) => [code, value, by ?? suggestion])).toEqual(
      [
        ['MATCHES_EVERYTHING', '0.0.0.0/0', undefined],
        ['NOT_PUBLIC', '10.1.0.0/16', '10.0.0.0/8'],
        ['COVERED', '10.1.0.0/16', '0.0.0.0/0'],
        ['COVERED', 'mail.example.com', 'example.com'],
        ['MERGEABLE', '2001:4860::/33', '2001:4860::/32'],
      ],
    );
    const all = await (await fetch(result.download?.url ?? '')).text();
    expect(
      all
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(result.findings);
  });

  it('of an outbound list does not mind private ranges, and finds nothing in an empty one', async () => {
    await stack.call('POST', `${base('lint', 'outbound')}/entries`, { entries: [{ value: '10.0.0.0/8' }] });
    expect((await linted('lint', 'outbound')).findings).toEqual([]);
    const empty = await linted('lint', 'authentication');
    expect(empty).toMatchObject({ findingsTotal: 0 });
    expect(empty).not.toHaveProperty('download');
  });

  it('is made again after an edit, for the list as it then is', async () => {
    const before = await linted('lint');
    await stack.call('DELETE', `${base('lint')}/entry?value=0.0.0.0%2F0`);
    const after = await linted('lint');

    expect(after.root).not.toBe(before.root);
    expect(after.counts['COVERED']).toBe(1);
  });
});

describe('the csv of an empty list', () => {
  const emptied = async (scannerId: string, acknowledged: boolean) => {
    const metadata = { mode: 'replace', ...(acknowledged ? { acknowledge: 'empty-list' } : {}) };
    const { text } = await exported('nobody', 'csv');
    expect(text).toBe('address,enabled,comment\r\n');
    const waiting = await dropAndImport(stack, `${scannerId}/inbound/${acknowledged}`, text, metadata);
    expect(waiting).toMatchObject({ state: 'awaiting-confirmation', counts: { tokens: 0, removed: 1 } });
    expect((await summary(scannerId)).entries).toBe(1);
    await stack.call('POST', `/imports/${waiting.importId}/confirm`, {});
    return importEnded(stack, scannerId, waiting.importId);
  };

  beforeAll(async () => {
    for (const scannerId of ['nobody', 'somebody']) {
      await register(stack, scannerId);
      await save(stack, scannerId, inboundSettings());
    }
    await stack.call('POST', `${base('somebody')}/entries`, { entries: [{ value: '192.0.2.1' }] });
    await save(stack, 'somebody', inboundSettings(25, 'listed'));
    const listed = inboundSettings(25, 'listed');
    const answer = await stack.call('PUT', '/scanners/nobody/smtp?acknowledge=empty-list', listed);
    expect(answer.status).toBe(200);
  });

  it('adds nothing to a list that it is merged into', async () => {
    const before = await summary('somebody');
    const { text } = await exported('nobody', 'csv');
    const job = await dropAndImport(stack, 'somebody/inbound/merge', text);
    expect(job).toMatchObject({ state: 'completed', counts: { tokens: 0, added: 0, removed: 0 } });
    expect(await summary('somebody')).toEqual(before);
  });

  it('does not empty a list that decides who may connect, even confirmed, unless that is acknowledged', async () => {
    expect(await emptied('somebody', false)).toMatchObject({
      state: 'failed',
      error: { code: 'LIST_EMPTY' },
    });
    expect((await summary('somebody')).entries).toBe(1);
  });

  it('comes back as the same empty list, once that is confirmed and acknowledged', async () => {
    expect(await emptied('somebody', true)).toMatchObject({ state: 'completed', counts: { removed: 1 } });
    expect((await summary('somebody')).root).toBe((await summary('nobody')).root);
    expect((await exported('somebody', 'csv')).text).toBe((await exported('nobody', 'csv')).text);
  });
});
