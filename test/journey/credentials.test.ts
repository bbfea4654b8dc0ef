import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Certificate, ClientAuthority } from '../../shared/schemas/certificates.ts';
import type { DirectorySource } from '../../shared/schemas/directory-sources.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { make, makeChain, type ServerChain } from '../helpers/certificates.ts';
import { type ApiAnswer, keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { register, s3Of } from './support.ts';

let stack: StackProcess;
let dynamo: DynamoDBClient;
let chain: ServerChain;
/** Everything that any answer of this file said. */
const said: string[] = [];

const call = async (...args: Parameters<StackProcess['call']>): Promise<ApiAnswer> => {
  const answer = await stack.call(...args);
  said.push(JSON.stringify(answer.body));
  return answer;
};

const passwordMarker = 'PASSWORD-MARKER-7f1d';
/** A line of the key that is nowhere else. */
const keyMarkerOf = (keyPem: string) => keyPem.split('\n')[1] ?? '';

beforeAll(async () => {
  chain = await makeChain();
  stack = await startStackProcess(keepingHistory);
  const { dynamodb: endpoint, region } = stack.endpoints;
  dynamo = new DynamoDBClient({ endpoint, region, credentials: stack.endpoints });
  for (const id of ['mx1', 'mx2', 'mx3']) await register(stack, id);
});
afterAll(async () => {
  dynamo?.destroy();
  await stack?.stop();
});

const codesOf = ({ body }: ApiAnswer) =>
  ((body as { errors?: { pointer: string; code: string }[] }).errors ?? []).map(
    ({ pointer, code }) => `${pointer} ${code}`,
  );
const warningsOf = ({ body }: ApiAnswer) =>
  (body as { warnings: { code: string }[] }).warnings.map(({ code }) => code);

const withTls = (certificateId: string, more: object = {}) => ({
  mailFiltering: 'inbound',
  inbound: {
    ipv4: { address: '127.0.0.1', port: 2525 },
    tls: { accept: true, certificateId, ...more },
  },
});
const plain = {
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '127.0.0.1', port: 2525 } },
};
const withLdap = {
  mailFiltering: 'outbound',
  outbound: { ipv4: { address: '127.0.0.1', port: 2526 } },
  authentication: {
    enabled: true,
    ipv4: { address: '127.0.0.1', port: 2587 },
    source: { type: 'ldap' },
    accept: 'all',
  },
};
const save = (scannerId: string, settings: unknown) => call('PUT', `/scanners/${scannerId}/smtp`, settings);
const revisionOf = async (scannerId: string) =>
  ((await call('GET', `/scanners/${scannerId}`)).body as { revision: number }).revision;
const artifactsOf = async (scannerId: string) => {
  const answer = await call('GET', `/scanners/${scannerId}/revisions/${await revisionOf(scannerId)}`);
  return (answer.body as { artifacts: Record<string, string> }).artifacts;
};

/** What Scanners are to have of an artifact: each is brought to it by a worker, some time after a change. */
const fleetDigest = async (artifact: string): Promise<string | undefined> => {
  const Key = { pk: { S: keys.ofArtifact(artifact) }, sk: { S: sortKeys.artifact } };
  const { Item } = await dynamo.send(new GetItemCommand({ TableName: stack.endpoints.table, Key }));
  return Item?.['digest']?.S;
};

describe('certificates', () => {
  let certificate: Certificate;
  const path = () => `/certificates/${certificate.certificateId}`;

  it('are refused with everything that is wrong, at once, each with where it is', async () => {
    const other = await make({ key: 'rsa1024', until: -0.5 });
    const answer = await call('POST', '/certificates', {
      certificatePem: other.pem + chain.root.pem,
      privateKeyPem: chain.leaf.keyPem,
      colour: 'red',
    });

    expect(answer.status).toBe(422);
    expect(codesOf(answer)).toEqual([
      '/name REQUIRED',
      '/colour UNKNOWN_FIELD',
      '/certificatePem CHAIN_BROKEN',
      '/certificatePem CERTIFICATE_EXPIRED',
      '/certificatePem KEY_TOO_WEAK',
      '/privateKeyPem PRIVATE_KEY_MISMATCH',
    ]);
  });

  it('in a dry run are judged, and not stored', async () => {
    const answer = await call('POST', '/certificates?dryRun=true', { name: 'dry', ...chain.upload });
    expect(answer).toMatchObject({ status: 201, body: { name: 'dry', version: 1 } });
    expect(answer.headers.get('etag')).toBeNull();
    const { certificateId } = answer.body as Certificate;
    expect((await call('GET', `/certificates/${certificateId}`)).status).toBe(404);
  });

  it('are stored once under an Idempotency-Key, and listed', async () => {
    const body = { name: 'mx 2026', ...chain.upload };
    const key = { 'idempotency-key': 'store-mx-2026' };
    const first = await call('POST', '/certificates', body, key);
    certificate = first.body as Certificate;

    expect(first).toMatchObject({
      status: 201,
      body: {
        name: 'mx 2026',
        issuer: 'CN=Intermediate',
        chainLength: 2,
        keyType: 'EC P-256',
        assignedTo: [],
      },
    });
    expect(first.headers.get('location')).toBe(`/v1${path()}`);
    expect(first.headers.get('etag')).toBe('"1"');
    expect((await call('POST', '/certificates', body, key)).body).toEqual(first.body);
    expect(await call('POST', '/certificates', { ...body, name: 'MX 2026' })).toMatchObject({
      status: 409,
      body: { code: 'NAME_TAKEN' },
    });
    expect((await call('GET', path())).body).toEqual(first.body);
    await until('the certificate is listed', async () => {
      const { items } = (await call('GET', '/certificates')).body as { items: Certificate[] };
      return items.length === 1 && items[0]?.certificateId === certificate.certificateId;
    });
  });

  it('need the scope of the fleet to be written', async () => {
    const token = await stack.token(['scanners/read', 'scanners/write'], 60);
    const headers = { authorization: `Bearer ${token}` };
    expect((await call('GET', path(), undefined, headers)).status).toBe(200);
    expect((await call('DELETE', path(), undefined, headers)).status).toBe(403);
  });

  it('are assigned by a save, and show to whom', async () => {
    for (const scannerId of ['mx1', 'mx2'])
      expect((await save(scannerId, withTls(certificate.certificateId))).status).toBe(200);

    expect((await call('GET', path())).body).toMatchObject({ assignedTo: ['mx1', 'mx2'] });
    expect(Object.keys(await artifactsOf('mx1'))).toEqual([certificate.certificateId]);
    expect(codesOf(await save('mx3', withTls('cert-0123456789abcdef')))).toEqual([
      '/inbound/tls/certificateId CERTIFICATE_NOT_FOUND',
    ]);
  });

  it('are not deleted while they are used', async () => {
    const { errors, ...refusal } = (await call('DELETE', path())).body as Record<string, unknown>;
    expect(errors).toBeUndefined();
    expect(refusal).toMatchObject({
      status: 409,
      code: 'CERTIFICATE_IN_USE',
      users: 2,
      scannerIds: ['mx1', 'mx2'],
    });
  });

  it('renewed give every Scanner that uses them a revision, in the name of who renewed', async () => {
    const before = {
      mx1: await revisionOf('mx1'),
      mx2: await revisionOf('mx2'),
      mx3: await revisionOf('mx3'),
    };
    const digest = (await artifactsOf('mx1'))[certificate.certificateId];
    const next = await makeChain();
    const stale = await call('PUT', path(), { name: 'mx 2027', ...next.upload }, { 'if-match': '"7"' });
    expect(stale).toMatchObject({ status: 412, body: { code: 'REVISION_CONFLICT', revision: 1 } });

    const renewed = await call('PUT', path(), { name: 'mx 2027', ...next.upload }, { 'if-match': '"1"' });

    expect(renewed).toMatchObject({
      status: 200,
      body: { certificateId: certificate.certificateId, version: 2 },
    });
    for (const scannerId of ['mx1', 'mx2'] as const) {
      await until(
        `${scannerId} is renewed`,
        async () => (await revisionOf(scannerId)) === before[scannerId] + 1,
      );
      expect((await artifactsOf(scannerId))[certificate.certificateId]).not.toBe(digest);
    }
    expect(await revisionOf('mx3')).toBe(before.mx3);
    const { items } = (await call('GET', '/scanners/mx1/audit?limit=1')).body as {
      items: Record<string, unknown>[];
    };
    const fleet = (await call('GET', '/audit')).body as { items: Record<string, unknown>[] };
    const written = fleet.items.find(({ operation }) => operation === 'put-certificate');
    expect(written).toMatchObject({
      subject: certificate.certificateId,
      before: { name: 'mx 2026', version: 1 },
      after: { name: 'mx 2027', version: 2 },
    });
    expect(items[0]).toMatchObject({ operation: 'renew-artifact', requestId: written?.['requestId'] });
    const revisions = (await call('GET', '/scanners/mx1/revisions?limit=1')).body as { items: object[] };
    expect(revisions.items[0]).toMatchObject({ summary: `${certificate.certificateId} renewed` });
    const s3 = s3Of(stack);
    await until('the old text is deleted', () =>
      s3
        .send(new HeadObjectCommand({ Bucket: stack.endpoints.bucket, Key: `secrets/${digest}` }))
        .then(() => false)
        .catch((error: Error) => error.name === 'NotFound'),
    );
    s3.destroy();
  });

  it('that nobody uses any more are deleted, and their name is free', async () => {
    for (const scannerId of ['mx1', 'mx2']) await save(scannerId, plain);
    expect((await call('DELETE', `${path()}?dryRun=true`)).status).toBe(200);
    expect((await call('DELETE', path())).status).toBe(200);
    expect((await call('DELETE', path())).status).toBe(404);
    expect((await call('POST', '/certificates', { name: 'mx 2027', ...chain.upload })).status).toBe(201);
  });
});

describe('directory sources', () => {
  const input = {
    name: 'People',
    functions: ['authentication'],
    host: 'LDAP.example.com',
    bindDn: 'cn=reader,dc=example,dc=com',
    bindPassword: passwordMarker,
    baseDn: 'dc=example,dc=com',
    userFilter: '(mail=%s)',
  };
  const { bindPassword: _, ...withoutPassword } = input;
  let source: DirectorySource;
  const path = () => `/directory-sources/${source.directorySourceId}`;

  it('are needed where users are authenticated by them', async () => {
    expect(codesOf(await save('mx1', withLdap))).toEqual([
      '/authentication/source DIRECTORY_SOURCE_REQUIRED',
    ]);
  });

  it('are refused with everything that is wrong', async () => {
    const answer = await call('POST', '/directory-sources', {
      name: 'x',
      functions: ['routing', 'routing'],
      host: 'a b',
      baseDn: 'example',
      userFilter: '(mail=%s',
      bindPassword: passwordMarker,
      port: 0,
    });
    expect(answer.status).toBe(422);
    expect(codesOf(answer).sort()).toEqual([
      '/baseDn DISTINGUISHED_NAME_INVALID',
      '/bindDn REQUIRED',
      '/functions/1 VALUE_INVALID',
      '/host HOST_INVALID',
      '/port PORT_OUT_OF_RANGE',
      '/userFilter FILTER_INVALID',
    ]);
  });

  it('are stored, and answered without their password', async () => {
    const made = await call('POST', '/directory-sources', input);
    source = made.body as DirectorySource;

    expect(made).toMatchObject({
      status: 201,
      body: {
        host: 'ldap.example.com',
        port: 389,
        tls: 'start-tls',
        hasBindPassword: true,
        version: 1,
        warnings: [],
      },
    });
    expect((await call('GET', path())).body).toEqual(made.body);
    expect((await call('GET', '/directory-sources')).body).toMatchObject({ items: [made.body] });
    expect(await call('POST', '/directory-sources', { ...input, name: 'PEOPLE' })).toMatchObject({
      status: 409,
      body: { code: 'NAME_TAKEN' },
    });
  });

  it('replaced without a password keep the one that is stored', async () => {
    const kept = await call('PUT', path(), { ...withoutPassword, timeoutSeconds: 20 });
    expect(kept).toMatchObject({ status: 200, body: { hasBindPassword: true, version: 2 } });
    expect(codesOf(await call('PUT', path(), { ...withoutPassword, tls: 'none' }))).toEqual([
      '/bindPassword REQUIRED',
    ]);
    const clear = await call('POST', '/directory-sources?dryRun=true', {
      ...input,
      name: 'clear',
      tls: 'none',
    });
    expect(warningsOf(clear)).toEqual(['DIRECTORY_WITHOUT_TLS']);
    expect(codesOf(await call('PUT', path(), { ...withoutPassword, bindDn: null }))).toEqual([
      '/bindDn REQUIRED',
    ]);
    expect((await call('PUT', path(), { ...withoutPassword, timeoutSeconds: 20 })).body).toMatchObject({
      version: 2,
    });
    expect(await call('PUT', path(), withoutPassword, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
  });

  it('are kept while a Scanner needs the last one', async () => {
    expect((await save('mx1', withLdap)).status).toBe(200);

    const refusal = { status: 409, body: { code: 'DIRECTORY_SOURCE_IN_USE', scannerIds: ['mx1'] } };
    expect(await call('DELETE', path())).toMatchObject(refusal);
    expect(await call('PUT', path(), { ...withoutPassword, functions: ['routing'] })).toMatchObject(refusal);
    const second = await call('POST', '/directory-sources', {
      ...withoutPassword,
      name: 'More',
      bindDn: null,
    });
    const { directorySourceId } = second.body as DirectorySource;
    expect((await call('DELETE', path())).status).toBe(200);
    expect(await call('DELETE', `/directory-sources/${directorySourceId}`)).toMatchObject({ status: 409 });
  });

  it('without the function authentication make no Scanner a revision; with it, each that asks them', async () => {
    const settled = async () => {
      const { items } = (await call('GET', '/directory-sources')).body as { items: DirectorySource[] };
      return items.find(({ functions }) => functions.includes('authentication'));
    };
    const asked = await settled();
    const digest = await until('the changes before have arrived', async () => {
      const present = await fleetDigest('directory-sources');
      return (await artifactsOf('mx1'))['directory-sources'] === present && present;
    });
    await call('POST', '/directory-sources', {
      ...withoutPassword,
      name: 'Routes',
      functions: ['routing'],
      bindDn: null,
    });
    expect((await artifactsOf('mx1'))['directory-sources']).toBe(digest);

    const { directorySourceId = '' } = asked ?? {};
    await call('PUT', `/directory-sources/${directorySourceId}`, {
      ...withoutPassword,
      name: 'More',
      bindDn: null,
      timeoutSeconds: 20,
    });
    await until('mx1 asks it anew', async () => (await artifactsOf('mx1'))['directory-sources'] !== digest);
  });
});

describe('client authorities', () => {
  let authority: ClientAuthority;
  let certificateId: string;

  it('are needed where clients are verified', async () => {
    const stored = await call('POST', '/certificates', { name: 'for clients', ...chain.upload });
    ({ certificateId } = stored.body as Certificate);
    expect(codesOf(await save('mx2', withTls(certificateId, { clientCertificate: 'request' })))).toEqual([
      '/inbound/tls/clientCertificate CLIENT_CA_REQUIRED',
    ]);
  });

  it('are certificates of authorities, several in one text', async () => {
    const refused = await call('POST', '/client-authorities', { name: 'x', certificatePem: chain.leaf.pem });
    expect(codesOf(refused)).toEqual(['/certificatePem CERTIFICATE_AUTHORITY_EXPECTED']);

    const certificatePem = chain.root.pem + chain.intermediate.pem;
    const made = await call('POST', '/client-authorities', { name: 'Partners', certificatePem });
    authority = made.body as ClientAuthority;
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'Partners',
        certificates: [{ subject: 'CN=Root' }, { subject: 'CN=Intermediate' }],
        warnings: [],
      },
    });
    expect((await call('GET', `/client-authorities/${authority.clientAuthorityId}`)).body).toEqual(made.body);
    expect((await call('GET', '/client-authorities')).body).toMatchObject({ items: [made.body] });
  });

  it('are kept while a Scanner verifies clients', async () => {
    const path = `/client-authorities/${authority.clientAuthorityId}`;
    expect((await save('mx2', withTls(certificateId, { clientCertificate: 'request' }))).status).toBe(200);
    expect(await call('DELETE', path)).toMatchObject({
      status: 409,
      body: { code: 'CLIENT_AUTHORITY_IN_USE', scannerIds: ['mx2'] },
    });

    const digest = (await artifactsOf('mx2'))['client-authorities'];
    const replaced = await call('PUT', path, { name: 'Partners', certificatePem: chain.root.pem });
    expect(replaced).toMatchObject({ status: 200, body: { version: 2 } });
    await until(
      'mx2 has the new ones',
      async () => (await artifactsOf('mx2'))['client-authorities'] !== digest,
    );

    await save('mx2', plain);
    expect((await call('DELETE', path)).status).toBe(200);
  });
});

describe('secrets', () => {
  it('are in no answer, no item of the table and no line of a log', async () => {
    const { body } = await call('GET', '/audit?limit=1000');
    const { items } = body as { items: { subject?: string; operation: string }[] };
    expect(new Set(items.flatMap(({ subject, operation }) => (subject ? [operation] : [])))).toEqual(
      new Set(
        ['certificate', 'directory-source', 'client-authority'].flatMap((what) =>
          ['create', 'put', 'delete'].map((verb) => `${verb}-${what}`),
        ),
      ),
    );
    const pages = paginateScan({ client: dynamo }, { TableName: stack.endpoints.table });
    let kept = '';
    for await (const page of pages) kept += JSON.stringify(page.Items);
    const logs = readdirSync(join(stack.dir, 'logs')).map((file) =>
      readFileSync(join(stack.dir, 'logs', file), 'utf8'),
    );

    expect(kept.length).toBeGreaterThan(1000);
    expect(logs.join('').length).toBeGreaterThan(100);
    for (const marker of [passwordMarker, keyMarkerOf(chain.leaf.keyPem)]) {
      expect(marker.length).toBeGreaterThan(10);
      for (const text of [...said, kept, ...logs]) expect(text.includes(marker)).toBe(false);
    }
  });

  it('in a body that is not JSON are not repeated', async () => {
    const answer = await call('POST', '/directory-sources', `{"bindPassword": ${passwordMarker}}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON' } });
    expect(JSON.stringify(answer.body)).not.toContain(passwordMarker.slice(0, 5));
  });
});
