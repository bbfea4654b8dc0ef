import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import {
  conditionOf,
  drop,
  importEnded,
  imports,
  inboundSettings,
  inSync,
  sample,
  save,
  sync,
  walk,
} from './support.ts';

describe('from a save or an upload to the Scanner', () => {
  let stack: StackProcess;
  let scanner: ScannerProcess;

  beforeAll(async () => {
    stack = await startStackProcess();
    scanner = startScannerProcess(stack.dir, 'mx1');
    await until('mx1 is registered and connected', async () => (await sync(stack, 'mx1')).connected);
  });

  afterAll(async () => {
    await scanner?.stop();
    await stack?.stop();
  });

  it('a registered Scanner without settings has revision 1 and nothing published', async () => {
    const state = await sync(stack, 'mx1');

    expect(state.desiredRevision).toBe(1);
    expect(state.publishedRevision).toBeNull();
    expect(conditionOf(state, 'Published')?.status).toBe('False');
    expect((await stack.call('GET', '/scanners/mx1/smtp')).status).toBe(404);
  });

  it('saved settings reach the Scanner, and sync says so', async () => {
    const revision = await save(stack, 'mx1', inboundSettings(2525));

    const state = await inSync(stack, 'mx1', revision);

    expect(state).toMatchObject({ desiredRevision: revision, publishedRevision: revision, connected: true });
    expect(state.lastReport).toMatchObject({ revision, code: 'applied' });
    expect(scanner.configuration()).toMatchObject({
      revision,
      mailFiltering: 'inbound',
      inbound: { ipv4: { address: '127.0.0.1', port: 2525 }, accept: 'all' },
    });
  });

  it('an address that the Scanner does not have is refused, and its interfaces are shown', async () => {
    await until('its interfaces are known', async () => {
      const { interfaces } = (await stack.call('GET', '/scanners/mx1')).body as {
        interfaces: { ipv4: string[] }[];
      };
      return interfaces.flatMap(({ ipv4 }) => ipv4).includes('127.0.0.1');
    });

    const answer = await stack.call('PATCH', '/scanners/mx1/smtp', {
      inbound: { ipv4: { address: '203.0.113.200' } },
    });

    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/inbound/ipv4/address', code: 'ADDRESS_NOT_ON_SCANNER' }] },
    });
  });

  it('a save that changes nothing makes no revision', async () => {
    const revision = await save(stack, 'mx1', inboundSettings(2525));

    expect((await sync(stack, 'mx1')).desiredRevision).toBe(revision);
  });

  it('a dropped list is imported, activated, fetched, verified and written by the Scanner', async () => {
    await drop(stack, 'mx1/inbound/partners.txt', sample.text, { 'on-invalid': 'skip', activate: 'true' });

    const job = await importEnded(stack, 'mx1');

    expect(job).toMatchObject({
      state: 'completed',
      counts: { added: sample.entries, invalid: sample.mistakes },
    });
    expect(job.problems.map((problem) => problem.code)).toEqual([
      'NETMASK_NOT_SUPPORTED',
      'NOT_AN_ENTRY',
      'IPV4_LEADING_ZERO',
      'RANGE_NOT_SUPPORTED',
      'DOMAIN_SINGLE_LABEL',
      'IPV6_ZONE',
    ]);
    await inSync(stack, 'mx1', job.revision);
    expect(scanner.list('inbound')).toBe(sample.expected);
    expect(scanner.configuration()).toMatchObject({ revision: job.revision, inbound: { accept: 'listed' } });
    expect((await walk(stack, 'mx1', 'inbound')).join('\n')).toBe(sample.expected.trimEnd());
  });

  it('a presigned upload is imported, and the answer caps its size', async () => {
    const begun = await stack.call('POST', '/scanners/mx1/access-lists/inbound/imports', { mode: 'merge' });
    expect(begun.status).toBe(202);
    const { importId, upload } = begun.body as {
      importId: string;
      upload: { url: string; fields: Record<string, string>; maxBytes: number };
    };
    const form = new FormData();
    for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
    form.append('file', new Blob(['203.0.113.7\n*.example.org\n']), 'more.txt');

    const uploaded = await fetch(upload.url, { method: 'POST', body: form });

    expect(uploaded.status).toBeLessThan(300);
    const job = await importEnded(stack, 'mx1', importId);
    expect(job).toMatchObject({ state: 'completed', counts: { added: 2 } });
    await inSync(stack, 'mx1', job.revision);
    expect(scanner.list('inbound').split('\n')).toContain('203.0.113.7');
    expect(scanner.list('inbound').split('\n')).toContain('.example.org');
  });

  it('an edit moves only what changed: one chunk or two, and the manifest', async () => {
    const before = objectsOf(scanner);

    const edit = await stack.call('POST', '/scanners/mx1/access-lists/inbound/entries', {
      entries: [{ value: '203.0.113.99', comment: 'new relay' }],
    });

    expect(edit.body).toMatchObject({ added: 1, removed: 0, changed: 0, unchanged: 0 });
    await inSync(stack, 'mx1', (edit.body as { revision: number }).revision);
    const fetched = objectsOf(scanner).filter((name) => !before.includes(name));
    expect(fetched.length).toBeGreaterThanOrEqual(2);
    expect(fetched.length).toBeLessThanOrEqual(3);
    expect(scanner.list('inbound').split('\n')).toContain('203.0.113.99');
  });

  it('removing brings the list back to what it was, root and all', async () => {
    const list = '/scanners/mx1/access-lists/inbound';
    const root = async () => ((await stack.call('GET', list)).body as { root: string }).root;
    const before = await root();
    await stack.call('POST', `${list}/entries`, { entries: [{ value: '203.0.113.200' }] });
    expect(await root()).not.toBe(before);

    await stack.call('POST', `${list}/entries/remove`, { values: ['203.0.113.200'] });

    expect(await root()).toBe(before);
  });

  it('two imports of one list at once lose nothing', async () => {
    const known = (await imports(stack, 'mx1')).length;
    await Promise.all([
      drop(stack, 'mx1/inbound/one.txt', '203.0.113.151'),
      drop(stack, 'mx1/inbound/two.txt', '203.0.113.152'),
    ]);

    await until('both imports completed', async () => {
      const jobs = await imports(stack, 'mx1');
      return jobs.length === known + 2 && jobs.every((job) => job.state === 'completed');
    });

    const values = await walk(stack, 'mx1', 'inbound');
    expect(values).toContain('203.0.113.151');
    expect(values).toContain('203.0.113.152');
  });
});

/** Hashes of the objects in the Scanner's cache. */
const objectsOf = (scanner: ScannerProcess): string[] => readdirSync(`${scanner.dir}/objects`);
