import { generateKeyPairSync } from 'node:crypto';
import 'reflect-metadata';
import { DescribeCertificateCommand, IoTClient, ListThingPrincipalsCommand } from '@aws-sdk/client-iot';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { dropAndImport, imports, inboundSettings, register, save, sync, walk } from './support.ts';

let stack: StackProcess;
beforeAll(async () => {
  stack = await startStackProcess();
});
afterAll(() => stack?.stop());

const get = async <T>(path: string): Promise<T> => (await stack.call('GET', path)).body as T;

describe('registrations', () => {
  beforeAll(async () => {
    for (const id of ['reg-1', 'reg-2', 'reg-3', 'reg-4', 'reg-5']) await register(stack, id);
  });

  it('are listed by id, a page at a time', async () => {
    const seen: string[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: { items: { scannerId: string }[]; nextCursor?: string } = await get(
        `/scanners?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((item) => item.scannerId));
      cursor = page.nextCursor;
    }
    expect(seen.filter((id) => id.startsWith('reg-'))).toEqual(['reg-1', 'reg-2', 'reg-3', 'reg-4', 'reg-5']);
  });

  it('are changed by a merge patch, which removes what is null', async () => {
    const patch = (body: unknown, contentType = 'application/merge-patch+json') =>
      stack.call('PATCH', '/scanners/reg-1', body, { 'content-type': contentType });

    await patch({ description: 'Lyon', labels: { site: 'lyon', tier: 'edge' } });
    const answer = await patch({ description: null, labels: { tier: null } }, 'application/json');

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ scannerId: 'reg-1', labels: { site: 'lyon' }, enabled: true });
    expect(answer.body).not.toHaveProperty('description');
    expect(await get('/scanners/reg-1')).toEqual(answer.body);
  });

  it('keep every one of several patches at the same time', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const answers = await Promise.all(
      names.map((name) => stack.call('PATCH', '/scanners/reg-2', { labels: { [name]: name } })),
    );

    expect(answers.map((answer) => answer.status)).toEqual(names.map(() => 200));
    const { labels } = await get<{ labels: Record<string, string> }>('/scanners/reg-2');
    expect(Object.keys(labels).sort()).toEqual(names);
  });

  it('hold to the version that If-Match names', async () => {
    const { headers } = await stack.call('GET', '/scanners/reg-4');
    const seen = headers.get('etag') ?? '';
    const patch = (ifMatch: string) =>
      stack.call('PATCH', '/scanners/reg-4', { description: `over ${ifMatch}` }, { 'if-match': ifMatch });

    const first = await patch(seen);
    expect(first.status).toBe(200);
    expect(first.headers.get('etag')).not.toBe(seen);
    expect(await patch(seen)).toMatchObject({ status: 412, body: { code: 'REVISION_CONFLICT' } });
    expect((await patch('*')).status).toBe(200);
  });

  it('refuse a patch that would leave them invalid, and stay as they were', async () => {
    const before = await get('/scanners/reg-3');
    const bad = [
      { labels: { 'Not A Name': 'x' } },
      { labels: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`l${index}`, 'x'])) },
      { enabled: 'yes' },
      { scannerId: 'other' },
    ];
    for (const body of bad) {
      const answer = await stack.call('PATCH', '/scanners/reg-3', body);
      expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } });
    }
    expect(await get('/scanners/reg-3')).toEqual(before);
  });

  it('of an id that is taken are refused', async () => {
    const answer = await stack.call('POST', '/scanners', { scannerId: 'reg-1' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'SCANNER_EXISTS' } });
  });

  it('disabled are saved and not published to, enabled again they are', async () => {
    await stack.call('PATCH', '/scanners/reg-4', { enabled: false });
    const revision = await save(stack, 'reg-4', inboundSettings());
    const published = async () => (await sync(stack, 'reg-4')).publishedRevision;
    await save(stack, 'reg-5', inboundSettings());
    await expect
      .poll(() => sync(stack, 'reg-5'), { timeout: 60_000 })
      .toMatchObject({ publishedRevision: 2 });
    expect(await published()).toBeNull();

    await stack.call('PATCH', '/scanners/reg-4', { enabled: true });

    await expect.poll(published, { timeout: 60_000 }).toBe(revision);
  });
});

describe('enrolment', () => {
  const csrOf = async (name: string): Promise<string> => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    });
    return request.toString('pem');
  };

  it('several times at once leaves one certificate active, one that was answered', async () => {
    await register(stack, 'enrol-1');
    const csrs = await Promise.all(Array.from({ length: 4 }, () => csrOf('enrol-1')));
    const answers = await Promise.all(
      csrs.map((csr) => stack.call('POST', '/scanners/enrol-1/certificates', { csr })),
    );

    for (const answer of answers)
      if (answer.status !== 201)
        expect(answer).toMatchObject({ status: 409, body: { code: 'ENROLMENT_CONFLICT' } });
    const issued = answers.flatMap((answer) =>
      answer.status === 201 ? [(answer.body as { certificatePem: string }).certificatePem] : [],
    );
    const { endpoints } = stack;
    const iot = new IoTClient({ endpoint: endpoints.iot, region: endpoints.region, credentials: endpoints });
    const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName: 'enrol-1' }));
    expect(principals).toHaveLength(1);
    const certificateId = principals[0]?.split('/').at(-1) ?? '';
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
    expect(certificateDescription?.status).toBe('ACTIVE');
    expect(issued).toContain(certificateDescription?.certificatePem);
    iot.destroy();
  });

  it.each([
    ['that is no PEM', 'hello'],
    [
      'that is a public key',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
    ['with rubbish in it', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n'],
  ])('with a request %s is refused', async (_, csr) => {
    const answer = await stack.call('POST', '/scanners/enrol-1/certificates', { csr });
    expect(answer).toMatchObject({ status: 422, body: { code: 'CSR_INVALID' } });
  });
});

describe('the entries of a list', () => {
  const list = '/scanners/pages/access-lists/inbound';
  const size = 230;
  const values = Array.from({ length: size }, (_, index) => `10.0.${index >> 8}.${index & 255}`);

  interface Page {
    items: { value: string }[];
    links: Record<string, string>;
  }

  beforeAll(async () => {
    await register(stack, 'pages');
    await save(stack, 'pages', inboundSettings());
    await stack.call('POST', `${list}/entries`, { entries: values.map((value) => ({ value })) });
  });

  it('are read by page number, with totals and links that lead on', async () => {
    const first = await get<Page>(`${list}/entries?pageSize=100`);

    expect(first).toMatchObject({ page: 1, from: 1, to: 100, totalEntries: size, totalPages: 3 });
    expect(first.links).not.toHaveProperty('previous');
    const second = await get<Page>((first.links['next'] ?? '').replace('/v1', ''));
    expect(second).toMatchObject({ page: 2, from: 101, to: 200 });
    const last = await get<Page>((first.links['last'] ?? '').replace('/v1', ''));
    expect(last).toMatchObject({ page: 3, from: 201, to: size });
    expect(last.links).not.toHaveProperty('next');
    expect([...first.items, ...second.items, ...last.items].map((item) => item.value)).toEqual(values);
  });

  it('past the end are refused, and an older revision can be read', async () => {
    expect(await stack.call('GET', `${list}/entries?page=6`)).toMatchObject({
      status: 404,
      body: { code: 'PAGE_OUT_OF_RANGE' },
    });
    expect(await get(`${list}/entries?revision=2`)).toMatchObject({
      items: [],
      totalEntries: 0,
      revision: 2,
    });
  });

  it('are walked in the revision that the walk began with, whatever is written meanwhile', async () => {
    const begun = await get<Page & { nextCursor: string; revision: number }>(
      `${list}/entries?pageSize=200&cursor=`,
    );
    await stack.call('POST', `${list}/entries/remove`, { values: values.slice(0, 200) });

    const rest = await get<Page & { revision: number }>(
      `${list}/entries?pageSize=200&cursor=${encodeURIComponent(begun.nextCursor)}`,
    );

    expect(rest.revision).toBe(begun.revision);
    expect([...begun.items, ...rest.items].map((item) => item.value)).toEqual(values);
    expect(await walk(stack, 'pages', 'inbound')).toEqual(values.slice(200));
  });

  it('are refused all together when one of them is none, each with its reason', async () => {
    const before = await walk(stack, 'pages', 'inbound');
    const answer = await stack.call('POST', `${list}/entries`, {
      entries: [{ value: '192.0.2.1' }, { value: '010.0.0.1' }, { value: 'localhost' }],
    });

    expect(answer).toMatchObject({
      status: 422,
      body: {
        errors: [
          { pointer: '/entries/1/value', code: 'IPV4_LEADING_ZERO' },
          { pointer: '/entries/2/value', code: 'DOMAIN_SINGLE_LABEL' },
        ],
      },
    });
    expect(await walk(stack, 'pages', 'inbound')).toEqual(before);
  });
});

describe('an import', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`);
  let count = 0;
  let id: string;

  /** A Scanner whose inbound list has a hundred addresses. */
  const withList = async (): Promise<void> => {
    count += 1;
    id = `import-${count}`;
    await register(stack, id);
    await save(stack, id, inboundSettings());
    expect(
      await dropAndImport(stack, `${id}/inbound/a.txt`, hundred.join('\n'), { activate: 'true' }),
    ).toMatchObject({ state: 'completed', counts: { added: 100 } });
  };
  const entriesOf = () => walk(stack, id, 'inbound');

  /** A file that would take out 60 of the hundred, which waits to be confirmed. */
  const shrinking = async () => {
    await withList();
    const job = await dropAndImport(stack, `${id}/inbound/b.txt`, hundred.slice(60).join(' '), {
      mode: 'replace',
    });
    expect(job).toMatchObject({ state: 'awaiting-confirmation', counts: { removed: 60, unchanged: 40 } });
    expect(await entriesOf()).toHaveLength(100);
    return job.importId;
  };

  it('that takes out more than half waits, and goes on when it is confirmed', async () => {
    const importId = await shrinking();

    expect((await stack.call('POST', `/imports/${importId}/confirm`)).status).toBe(202);

    await expect
      .poll(() => get(`/imports/${importId}`), { timeout: 60_000 })
      .toMatchObject({ state: 'completed', counts: { removed: 60 } });
    expect(await entriesOf()).toEqual(hundred.slice(60));
  });

  it('confirmed is computed on the list as it is then', async () => {
    const importId = await shrinking();
    await stack.call('POST', `/scanners/${id}/access-lists/inbound/entries`, {
      entries: [{ value: '203.0.113.1' }],
    });

    await stack.call('POST', `/imports/${importId}/confirm`);

    await expect
      .poll(() => get(`/imports/${importId}`), { timeout: 60_000 })
      .toMatchObject({ state: 'completed', counts: { removed: 61 } });
    expect(await entriesOf()).toEqual(hundred.slice(60));
  });

  it('that waits can be cancelled, and then neither confirmed nor cancelled', async () => {
    const importId = await shrinking();

    expect((await stack.call('POST', `/imports/${importId}/cancel`)).body).toMatchObject({
      state: 'cancelled',
    });

    for (const action of ['confirm', 'cancel'])
      expect(await stack.call('POST', `/imports/${importId}/${action}`)).toMatchObject({
        status: 409,
        body: { code: 'IMPORT_STATE' },
      });
    expect(await entriesOf()).toHaveLength(100);
  });

  it('with a bound of its own on removals keeps to that', async () => {
    await withList();
    const file = hundred.slice(60).join(' ');
    expect(
      await dropAndImport(stack, `${id}/inbound/b.txt`, file, { mode: 'replace', 'max-removals': '60' }),
    ).toMatchObject({ state: 'completed', counts: { removed: 60 } });

    expect(
      await dropAndImport(stack, `${id}/inbound/c.txt`, hundred[60] ?? '', {
        mode: 'remove',
        'max-removals': '0',
      }),
    ).toMatchObject({ state: 'awaiting-confirmation' });
  });

  it('run dry says what would be, and changes nothing', async () => {
    await withList();
    const before = await sync(stack, id);
    const job = await dropAndImport(stack, `${id}/inbound/b.txt`, '192.0.2.1 198.51.100.1', {
      mode: 'replace',
      'dry-run': 'true',
    });

    expect(job).toMatchObject({
      state: 'completed',
      dryRun: true,
      counts: { added: 1, removed: 99, unchanged: 1 },
    });
    expect(job).not.toHaveProperty('revision');
    expect(await sync(stack, id)).toMatchObject({ desiredRevision: before.desiredRevision });
    expect(await entriesOf()).toHaveLength(100);
  });

  it('has a report of all its problems to download', async () => {
    await withList();
    const bad = Array.from({ length: 250 }, (_, index) => `10.0.0.${index}/33`);
    const job = await dropAndImport(stack, `${id}/inbound/b.txt`, ['198.51.100.1', ...bad].join('\n'), {
      'on-invalid': 'skip',
    });
    expect(job).toMatchObject({ state: 'completed', problemsTotal: 250, counts: { added: 1, invalid: 250 } });

    const report = await get<{ problems: unknown[]; download: { url: string } }>(
      `/imports/${job.importId}/report`,
    );
    const lines = (await (await fetch(report.download.url)).text()).trimEnd().split('\n');

    expect(report.problems).toHaveLength(100);
    expect(lines).toHaveLength(250);
    expect(JSON.parse(lines[249] ?? '')).toMatchObject({
      line: 251,
      column: 1,
      token: '10.0.0.249/33',
      code: 'PREFIX_INVALID',
    });
  });

  it('is listed with the Scanner’s others, and by its state', async () => {
    await withList();
    await dropAndImport(stack, `${id}/inbound/b.txt`, 'nonsense', {});

    expect((await imports(stack, id)).map((job) => job.state)).toEqual(['failed', 'completed']);
    const failed = await get<{ items: { state: string }[] }>(`/imports?scannerId=${id}&state=failed`);
    expect(failed.items).toHaveLength(1);
  });

  it('that there is not is 404, and so are its report and its confirmation', async () => {
    const calls = [
      ['GET', '/imports/imp-none'],
      ['GET', '/imports/imp-none/report'],
      ['POST', '/imports/imp-none/confirm'],
      ['POST', '/imports/imp-none/cancel'],
    ] as const;
    for (const [method, path] of calls)
      expect(await stack.call(method, path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });
});

describe('open to everyone', () => {
  it.each(['/health', '/openapi.json'])('%s needs no access token', async (path) => {
    const answer = await fetch(`${stack.endpoints.api}${path}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toBeTypeOf('object');
  });
});
