import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { examples } from '../../shared/examples/index.ts';
import type { Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import { make, makeChain, type ServerChain } from '../helpers/certificates.ts';
import { logLines, logTexts } from '../helpers/logs.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import {
  drop,
  dropAndImport,
  importEnded,
  inboundSettings,
  inSync,
  register,
  registered,
  save,
} from './support.ts';

/** Nothing that is secret, and nothing that a list holds, comes into any log, whatever becomes of the request or of the work that has it. */

let stack: StackProcess;
let scanner: ScannerProcess;
let chain: ServerChain;
/** What was planted, with what it is called where it is found. */
const planted = new Map<string, string>();

const plant = (name: string, text: string): string => {
  planted.set(text, name);
  return text;
};

/** A line in the middle of a PEM, which is nowhere else. */
const lineOf = (pem: string): string => pem.split('\n')[2] ?? '';

const mergePatch = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  chain = await makeChain();
  stack = await startStackProcess();
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
  for (const id of ['mx2', 'mx3', 'mx4']) await register(stack, id);
  await save(stack, 'mx2', inboundSettings(25, 'all'));
  plant('the signature of the token', stack.endpoints.token.split('.')[2] ?? '');
  plant('the claims of the token', stack.endpoints.token.split('.')[1] ?? '');
});
afterAll(async () => {
  await scanner?.stop();
  await stack?.stop();
});

/** As an example, with a marker as every text. */
const marked = (value: unknown, marker: string): unknown => {
  if (typeof value === 'string') return marker;
  if (Array.isArray(value)) return value.map((member) => marked(member, marker));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, marked(member, marker)]));
};

const pathOf = ({ path, id }: Operation): string =>
  path
    .replace('/v1', '')
    .replaceAll('{scannerId}', id === 'delete-scanner' ? 'mx4' : 'mx2')
    .replaceAll('{list}', 'inbound')
    .replace(/\{\w+\}/g, '1');

it('no marker of any request to any operation is in a log: as its texts, as a query, in a body that is no JSON or of another type', async () => {
  for (const operation of operations as readonly Operation[]) {
    const marker = plant(`a text of ${operation.id}`, `marker-${randomUUID()}.example`);
    const path = pathOf(operation);
    const example = (examples as Record<string, { body?: unknown }>)[operation.id]?.body;
    const ask = (query: string, body?: unknown, headers?: Record<string, string>) =>
      stack.call(operation.method, `${path}${query}`, operation.method === 'GET' ? undefined : body, headers);
    const query = ['value', 'client', 'name', 'cursor', 'under', 'acknowledge'].map(
      (name) => `${name}=${marker}`,
    );
    const bodies: [body: unknown, headers?: Record<string, string>][] = [
      [marked(example ?? {}, marker)],
      [{ ...(example as object | undefined), [marker]: marker }],
      [`{"value": "${marker}`],
      [marker, { 'content-type': 'text/plain' }],
      [{ value: marker }, { 'idempotency-key': marker }],
      [{ value: marker }, { 'if-match': marker }],
    ];
    const asked = operation.method === 'GET' ? [] : bodies;
    await ask(`?${query.join('&')}`);
    for (const [body, headers] of asked) await ask('', body, headers);
  }
});

it('no key, no password and no text of a certificate request is', async () => {
  plant('a private key', lineOf(chain.leaf.keyPem));
  const password = plant('a password', `PASSWORD-${randomUUID()}`);
  const other = await make();
  plant('the key of another certificate', lineOf(other.keyPem));
  const body = {
    name: 'mx',
    certificatePem: chain.leaf.pem + chain.intermediate.pem,
    privateKeyPem: chain.leaf.keyPem,
  };
  const certificate = await stack.call('POST', '/certificates', body);
  expect(certificate.status).toBe(201);
  const { certificateId } = certificate.body as { certificateId: string };
  await stack.call('PUT', `/certificates/${certificateId}`, { ...body, privateKeyPem: other.keyPem });
  await stack.call('POST', '/certificates', { ...body, privateKeyPem: chain.leaf.keyPem.slice(0, 200) });
  await stack.call('POST', '/certificates', JSON.stringify(body).slice(0, -20));

  const source = {
    name: 'ldap',
    functions: ['authentication'],
    host: 'ldap.example.com',
    bindDn: 'cn=scanner',
    bindPassword: password,
    baseDn: 'dc=example',
    userFilter: '(uid=%u)',
  };
  expect((await stack.call('POST', '/directory-sources', source)).status).toBe(201);
  expect(
    (await stack.call('POST', '/directory-sources', { ...source, name: 'other', host: `${password} x` }))
      .status,
  ).toBe(422);

  const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${plant('a certificate request', 'TUFSS0VSTUFSS0VSTUFSS0VS'.repeat(2))}\n-----END CERTIFICATE REQUEST-----\n`;
  expect((await stack.call('POST', '/scanners/mx3/certificates', { csr })).status).toBe(422);

  const tls = { accept: true, certificateId };
  await save(stack, 'mx1', { mailFiltering: 'inbound', inbound: { ...inboundSettings().inbound, tls } });
  await inSync(stack, 'mx1');
});

it('no entry and no comment of a list is, nor what was wrong in a file, nor a signature of a link', async () => {
  const value = plant('an entry', `entry-${randomUUID()}.example`);
  const comment = plant('a comment', `comment ${randomUUID()}`);
  const list = '/scanners/mx1/access-lists/inbound';
  const edits: [string, string, unknown?, Record<string, string>?][] = [
    ['POST', `${list}/entries`, { entries: [{ value, comment }, { value: '192.0.2.1' }] }],
    ['POST', `${list}/entries`, { entries: [{ value, comment: `${comment}\u0007` }] }],
    ['GET', `${list}/entry?value=${value}`],
    ['PATCH', `${list}/entry?value=${value}`, { comment: `${comment} again` }, mergePatch],
    ['GET', `${list}/match?client=192.0.2.9&name=${value}`],
    ['DELETE', `${list}/entry?value=no-${value}`],
    ['POST', `${list}/entries/remove`, { values: [`other-${value}`] }],
    ['POST', '/scanners/mx1/host-lists/local-delivery/hosts', { host: value, mxLookup: true }],
  ];
  for (const [method, path, body, headers] of edits) await stack.call(method, path, body, headers);
  await stack.call('PATCH', '/scanners/mx1/smtp', { inbound: { accept: 'listed' } }, mergePatch);
  await inSync(stack, 'mx1');

  const wrong = plant('what is no entry', `wrong_${randomUUID()}_entry`);
  const file = `${value.replace('entry', 'filed')}\n${wrong} 010.0.0.1\n`;
  plant('an entry of a file', value.replace('entry', 'filed'));
  expect((await dropAndImport(stack, 'mx1/inbound/a.txt', file)).state).toBe('failed');
  expect((await dropAndImport(stack, 'mx1/inbound/b.txt', file, { 'on-invalid': 'skip' })).state).toBe(
    'completed',
  );
  await drop(stack, 'mx1/inbound/c.txt', file, {
    mode: plant('an option of a drop', `mode-${randomUUID()}`),
  });
  const created = await stack.call('POST', `${list}/imports`, {});
  const { importId, upload } = created.body as {
    importId: string;
    upload: { url: string; fields: Record<string, string> };
  };
  const form = new FormData();
  for (const [name, text] of Object.entries(upload.fields)) form.append(name, text);
  plant(
    'the signature of an upload',
    upload.fields['X-Amz-Signature'] ?? upload.fields['x-amz-signature'] ?? '?',
  );
  form.append('file', new Blob([`${wrong}\n`]));
  await fetch(upload.url, { method: 'POST', body: form });
  await importEnded(stack, 'mx1', importId);
  await inSync(stack, 'mx1');
});

it('the logs, which hold all that was done, hold none of it', async () => {
  plant('the signature of any link', 'X-Amz-Signature=');
  plant('any PEM', '-----BEGIN');
  plant('any token', 'Bearer ');
  await until('the workers have said what they did', () => stack.queuesAreEmpty() || undefined);
  const messages = new Set(logLines(stack.dir).map(({ message }) => message));
  expect([...messages]).toEqual(expect.arrayContaining(['request', 'published', 'reported', 'import ended']));
  const found = [...logTexts(stack.dir)].flatMap(([name, text]) =>
    [...planted]
      .filter(([marker]) => text.includes(marker))
      .map(([marker, what]) => `${name}: ${what}: ${text.split('\n').find((line) => line.includes(marker))}`),
  );
  expect(planted.size).toBeGreaterThan(60);
  expect(found).toEqual([]);
});
