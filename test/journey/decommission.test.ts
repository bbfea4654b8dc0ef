import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { DescribeThingCommand, IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, ListNamedShadowsForThingCommand } from '@aws-sdk/client-iot-data-plane';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { enrol } from '../../scanner/control-plane.ts';
import { openConversation } from '../../scanner/conversation.ts';
import { type Identity, makeIdentity, readIdentity } from '../../scanner/identity.ts';
import type { Certificate } from '../../shared/schemas/certificates.ts';
import { makeChain } from '../helpers/certificates.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { dropAndImport, imports, inSync, register, registered, save, sync } from './support.ts';

let stack: StackProcess;
let scanner: ScannerProcess;
let certificate: Certificate;
/** What the Scanner connects with, before and after. */
let old: Identity;
/** The revision at the end of the first life. */
let last: number;

const clients = () => {
  const { endpoints } = stack;
  const { region, accessKeyId, secretAccessKey } = endpoints;
  const own = { region, credentials: { accessKeyId, secretAccessKey } };
  const iot = new IoTClient({ ...own, endpoint: endpoints.iotData });
  const data = new IoTDataPlaneClient({ ...own, endpoint: endpoints.iotData });
  const dynamo = new DynamoDBClient({ ...own, endpoint: endpoints.dynamodb });
  onTestFinished(() => {
    for (const client of [iot, data, dynamo]) client.destroy();
  });
  return { iot, data, dynamo };
};

/** Kinds of items that the table has of a Scanner. */
const kindsOf = async (scannerId: string): Promise<string[]> => {
  const kinds = new Set<string>();
  const query = {
    TableName: stack.endpoints.table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: `scanner#${scannerId}` } },
  };
  for await (const page of paginateQuery({ client: clients().dynamo }, query))
    for (const item of page.Items ?? []) kinds.add(item['sk']?.S?.split('#')[0] ?? '');
  return [...kinds].sort();
};

const attempt = async (identity: Identity): Promise<'in' | 'refused'> => {
  const { mqtt, ...credentials } = identity;
  const link = { ...mqtt, ...credentials, clientId: 'mx1' };
  const listener = { onDelta: () => undefined, newId: randomUUID, patience: 60_000 };
  try {
    await (await openConversation(link, listener, new AbortController().signal)).close();
    return 'in';
  } catch {
    return 'refused';
  }
};

const identity = async (): Promise<Identity> => {
  const known = await readIdentity(join(stack.dir, 'scanners', 'mx1'), new Date());
  if (!known) throw new Error('mx1 has no identity');
  return known;
};

const cleared = () =>
  until('the id is free again', async () => {
    const answer = await stack.call('POST', '/scanners?dryRun=true', { scannerId: 'mx1' });
    return answer.status === 201 || undefined;
  });

const settings = () => ({
  mailFiltering: 'inbound',
  inbound: {
    ipv4: { address: '127.0.0.1', port: 2525 },
    tls: { accept: true, certificateId: certificate.certificateId },
    accept: 'listed',
  },
});

beforeAll(async () => {
  stack = await startStackProcess();
  const chain = await makeChain();
  const made = await stack.call('POST', '/certificates', {
    name: 'mx',
    certificatePem: chain.leaf.pem + chain.intermediate.pem,
    privateKeyPem: chain.leaf.keyPem,
  });
  certificate = made.body as Certificate;
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
  await stack.call('POST', '/scanners/mx1/access-lists/inbound/entries', {
    entries: [{ value: '192.0.2.0/24' }, { value: 'example.com' }],
  });
  last = await save(stack, 'mx1', settings());
  await inSync(stack, 'mx1', last);
  old = await identity();
});
afterAll(async () => {
  await scanner?.stop();
  await stack?.stop();
});

describe('decommissioning a running Scanner', () => {
  it('is for administrators, dry changes nothing, and holds to If-Match', async () => {
    const token = await stack.token(['scanners/read', 'scanners/write'], 60);
    const as = { authorization: `Bearer ${token}` };
    expect((await stack.call('DELETE', '/scanners/mx1', undefined, as)).status).toBe(403);
    const dry = await stack.call('DELETE', '/scanners/mx1?dryRun=true');
    expect(dry).toMatchObject({
      status: 202,
      body: { dryRun: true, decommissionedAt: expect.any(String) },
    });
    const late = await stack.call('DELETE', '/scanners/mx1', undefined, { 'if-match': '"77"' });
    expect(late).toMatchObject({ status: 412, body: { code: 'REVISION_CONFLICT' } });
    const present = await stack.call('GET', '/scanners/mx1');
    expect(present.body).toMatchObject({ connected: true });
    expect(present.body).not.toHaveProperty('decommissionedAt');
    expect((await stack.call('DELETE', '/scanners/none')).status).toBe(404);
  });

  it('takes it out of service at once, and is the same the second time', async () => {
    const gone = await stack.call('DELETE', '/scanners/mx1');
    expect(gone).toMatchObject({
      status: 202,
      body: { scannerId: 'mx1', revision: last, decommissionedAt: expect.any(String) },
    });
    const again = await stack.call('DELETE', '/scanners/mx1');
    expect(again.status).toBe(202);
    const { decommissionedAt } = gone.body as { decommissionedAt: string };
    expect(again.body).toMatchObject({ decommissionedAt });

    const ids = async (query = '') =>
      ((await stack.call('GET', `/scanners${query}`)).body as { items: { scannerId: string }[] }).items.map(
        ({ scannerId }) => scannerId,
      );
    await until('it left the list', async () => (await ids()).length === 0 || undefined);
    await until('it is listed', async () => (await ids('?decommissioned=true'))[0] === 'mx1' || undefined);
  });

  it('refuses every write', async () => {
    const base = '/scanners/mx1';
    const list = `${base}/access-lists/inbound`;
    const host = { host: '192.0.2.7', port: 25 };
    const writes: [string, string, unknown?][] = [
      ['PATCH', base, { description: 'x' }],
      ['PUT', `${base}/smtp`, settings()],
      ['PUT', `${base}/smtp?dryRun=true`, settings()],
      ['PATCH', `${base}/smtp`, { inbound: { accept: 'all' } }],
      ['PATCH', `${base}/smtp/advanced`, { delivery: { minRetryMinutes: 7 } }],
      ['POST', `${list}/entries`, { entries: [{ value: '192.0.2.9' }] }],
      ['POST', `${list}/entries/remove`, { values: ['example.com'] }],
      ['POST', `${list}/entries/clear?acknowledge=empty-list`, { entries: 2 }],
      ['DELETE', `${list}/entry?value=example.com`],
      ['POST', `${list}/imports`, {}],
      ['POST', `${base}/host-lists/local-delivery/hosts`, host],
      ['POST', `${base}/revisions/1/restore`, {}],
      ['POST', `${base}/certificates`, { csr: 'whatever' }],
    ];
    for (const [method, path, body] of writes)
      expect([method, path, await stack.call(method, path, body)]).toMatchObject([
        method,
        path,
        { status: 409, body: { code: 'SCANNER_DECOMMISSIONED' } },
      ]);
    const drop = await dropAndImport(stack, 'mx1/inbound/late.txt', '198.51.100.1\n');
    expect(drop).toMatchObject({ state: 'failed', error: { code: 'SCANNER_DECOMMISSIONED' } });
  });

  it('gives the certificate of the fleet back, which can be deleted then', async () => {
    expect(await stack.call('DELETE', `/certificates/${certificate.certificateId}`)).toMatchObject({
      status: 200,
    });
  });

  it('cuts the Scanner off for good, and leaves nothing of it but its history', async () => {
    await cleared();
    expect(await attempt(old)).toBe('refused');
    await scanner.stop();
    const { iot, data } = clients();
    await expect(iot.send(new DescribeThingCommand({ thingName: 'mx1' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const list = new ListNamedShadowsForThingCommand({ thingName: 'mx1' });
    expect((await data.send(list)).results).toEqual([]);
    await until('late events are over', () => stack.queuesAreEmpty() || undefined);
    await cleared();
    await until('what late events left is gone, too', async () => {
      expect((await data.send(list)).results).toEqual([]);
      expect(await kindsOf('mx1')).toEqual(['audit', 'head', 'revision', 'scanner']);
      return true;
    });
  });

  it('keeps the history readable at the same paths', async () => {
    const get = async (path: string) => {
      const answer = await stack.call('GET', `/scanners/mx1${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.body as Record<string, never>;
    };
    expect(await get('')).toMatchObject({ decommissionedAt: expect.any(String), connected: false });
    expect(await get('/smtp')).toMatchObject({ revision: last });
    expect(await get('/revisions')).toMatchObject({ items: { length: last } });
    expect(await get(`/revisions/${last}`)).toMatchObject({ revision: last });
    expect(await get('/access-lists/inbound')).toMatchObject({ entries: 2 });
    expect(await get(`/access-lists/inbound/entries?page=1&revision=${last - 1}`)).toMatchObject({
      totalEntries: 2,
    });
    const { items } = (await get('/audit')) as unknown as { items: { operation: string }[] };
    expect(items[0]?.operation).toBe('delete-scanner');
    expect(await imports(stack, 'mx1')).toHaveLength(1);
  });
});

describe('registering the id again', () => {
  it('begins empty, with the next revision, in service', async () => {
    const made = await stack.call('POST', '/scanners', { scannerId: 'mx1', description: 'second' });
    expect(made).toMatchObject({
      status: 201,
      body: { revision: last + 1, description: 'second', connected: false, software: null },
    });
    expect(made.body).not.toHaveProperty('decommissionedAt');
    expect((await stack.call('POST', '/scanners', { scannerId: 'mx1' })).body).toMatchObject({
      code: 'SCANNER_EXISTS',
    });
    expect((await stack.call('GET', '/scanners/mx1/smtp')).status).toBe(404);
    expect((await stack.call('GET', '/scanners/mx1/access-lists/inbound')).body).toMatchObject({
      entries: 0,
      revision: last + 1,
    });
    expect(await sync(stack, 'mx1')).toMatchObject({
      desiredRevision: last + 1,
      publishedRevision: null,
      appliedRevision: null,
      connected: false,
      lastReport: null,
    });
    const revisions = await stack.call('GET', '/scanners/mx1/revisions');
    expect(revisions.body).toMatchObject({ items: { length: last + 1 } });
  });

  it('lets a new Scanner run under it, and never the old one', async () => {
    expect(await attempt(old)).toBe('refused');
    const { api: url, token } = stack.endpoints;
    const fresh = await makeIdentity('mx1', (csr) => enrol({ url, token }, 'mx1', csr));
    expect(await attempt(fresh)).toBe('in');
    expect(await attempt(old)).toBe('refused');

    // another host: it has nothing of the old one
    rmSync(scanner.dir, { recursive: true });
    scanner = startScannerProcess(stack.dir, 'mx1');
    const plain = { mailFiltering: 'inbound', inbound: { ipv4: { address: '127.0.0.1', port: 2525 } } };
    const revision = await save(stack, 'mx1', plain);
    expect(revision).toBe(last + 2);
    await inSync(stack, 'mx1', revision);
    await until('it is seen as connected', async () => (await sync(stack, 'mx1')).connected);
  });
});

describe('a registration that comes too early', () => {
  it('is told so, and when to come again', async () => {
    await register(stack, 'mx9');
    await stack.call('DELETE', '/scanners/mx9');
    const early = await until('it is free, or not yet', async () => {
      const answer = await stack.call('POST', '/scanners', { scannerId: 'mx9' });
      if (answer.status === 201) return answer;
      expect(answer).toMatchObject({ status: 409, body: { code: 'SCANNER_NOT_CLEARED' } });
      expect(answer.headers.get('retry-after')).toBe('2');
      return undefined;
    });
    expect(early.body).toMatchObject({ revision: 2 });
  });
});
