import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { enrol, register } from '../../scanner/control-plane.ts';
import { type Conversation, openConversation, RequestRefused } from '../../scanner/conversation.ts';
import { type Identity, makeIdentity, readIdentity } from '../../scanner/identity.ts';
import { domainBindingsText } from '../../shared/domain/artifacts.ts';
import { advancedOf } from '../../shared/domain/desired.ts';
import { advancedShadow, smtpShadow } from '../../shared/messages/shadow.ts';
import { advancedSettings } from '../../shared/schemas/advanced.ts';
import { keys, prefixes, sortKeys } from '../../shared/tables.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import {
  inboundSettings,
  inSync,
  register as registerByApi,
  registered,
  save,
  scannerFile,
  sync,
} from './support.ts';

const certificateId = 'cert-0123456789abcdef';
const secret = JSON.stringify({ certificatePem: 'chain', privateKeyPem: 'the key', salt: randomUUID() });

let stack: StackProcess;
let scanner: ScannerProcess;
let objects: typeof import('../../functions/stores/objects.ts');
let heads: typeof import('../../functions/stores/heads.ts');
let shadows: typeof import('../../functions/stores/shadows.ts');
let dynamo: typeof import('../../functions/stores/dynamo.ts');
let status: typeof import('../../functions/stores/status.ts');

/** The stores, on the stack's own services; clients read the variables when they are made. */
const openStores = async ({ endpoints }: StackProcess): Promise<void> => {
  Object.assign(process.env, {
    AWS_REGION: endpoints.region,
    AWS_ACCESS_KEY_ID: endpoints.accessKeyId,
    AWS_SECRET_ACCESS_KEY: endpoints.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_IOT_DATA_PLANE: endpoints.iotData,
    TABLE_NAME: endpoints.table,
    BUCKET_NAME: endpoints.bucket,
    HISTORY_DAYS: '0',
  });
  objects = await import('../../functions/stores/objects.ts');
  heads = await import('../../functions/stores/heads.ts');
  shadows = await import('../../functions/stores/shadows.ts');
  dynamo = await import('../../functions/stores/dynamo.ts');
  status = await import('../../functions/stores/status.ts');
};

/** A certificate as the table and the bucket hold it. */
const storeCertificate = async (): Promise<void> => {
  const digest = objects.sha256(secret);
  await objects.putText(`${prefixes.secrets}${digest}`, secret, 'application/json');
  const item = {
    pk: keys.ofArtifact(certificateId),
    sk: sortKeys.artifact,
    artifact: certificateId,
    digest,
    version: 1,
    name: 'mx',
    notBefore: '2020-01-01T00:00:00.000Z',
    notAfter: '2099-01-01T00:00:00.000Z',
    format: 1,
  };
  await dynamo.dynamo.send(new PutCommand({ TableName: dynamo.tableName(), Item: item }));
};

const advanced = advancedSettings.parse({
  delivery: { minRetryMinutes: 5 },
  bindings: { domains: [{ domain: 'example.com', sources: ['127.0.0.1'] }] },
});
const bindingsText = domainBindingsText(advanced) ?? '';

const storeAdvanced = async (): Promise<number> => {
  const key = `${prefixes.artifacts}${objects.sha256(bindingsText)}`;
  const { head } = await heads.changeConfiguration({
    scannerId: 'mx1',
    part: 'advanced',
    actor: { name: 'test', requestId: randomUUID() },
    operation: 'test',
    at: new Date(),
    compute: async ({ configuration }) => ({
      configuration: { ...configuration, advanced },
      prepare: () => objects.putText(key, bindingsText, 'application/json'),
      result: null,
    }),
  });
  return head.revision;
};

const withTls = (port: number) => {
  const settings = inboundSettings(port);
  return { ...settings, inbound: { ...settings.inbound, tls: { accept: true, certificateId } } };
};

/** Speaks as a Scanner that is enrolled; hangs up when the test ends. */
const speakAs = async (clientId: string, { mqtt, ...credentials }: Identity): Promise<Conversation> => {
  const listener = { onDelta: () => undefined, newId: randomUUID, patience: 60_000 };
  const link = { ...mqtt, ...credentials, clientId };
  const conversation = await openConversation(link, listener, new AbortController().signal);
  onTestFinished(() => conversation.close());
  return conversation;
};

/** What the control plane says to a request for one object: the object's text behind the link, or the code of its no. */
const asked = async (conversation: Conversation, revision: number, root: string, hash = root) => {
  const request = { requestId: randomUUID(), revision, root, hashes: [hash] };
  const answer = await conversation.artifacts(request, conversation.ended).catch((error: unknown) => error);
  if (answer instanceof RequestRefused) return answer.code;
  const { artifacts } = answer as Awaited<ReturnType<Conversation['artifacts']>>;
  return (await fetch(artifacts[0]?.url ?? '')).text();
};

beforeAll(async () => {
  stack = await startStackProcess();
  await openStores(stack);
  await storeCertificate();
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
});
afterAll(async () => {
  await scanner?.stop();
  await stack?.stop();
});

describe('from the store to the folder of the Scanner', () => {
  it('the advanced settings that nobody has changed come with the settings', async () => {
    const revision = await save(stack, 'mx1', inboundSettings(2525));
    await inSync(stack, 'mx1', revision);

    expect(scanner.configuration()).toMatchObject({
      revision,
      inbound: { tls: { accept: false } },
      advanced: JSON.parse(JSON.stringify(advancedOf(advancedSettings.parse({})))),
    });
  });

  it('a certificate travels with its key, for the Scanner alone, and shows in no log and no shadow', async () => {
    const revision = await save(stack, 'mx1', withTls(2525));
    await inSync(stack, 'mx1', revision);

    const path = ['current', 'artifacts', `${certificateId}.json`];
    expect(scannerFile(scanner.dir, ...path)).toBe(secret);
    expect(statSync(join(scanner.dir, ...path)).mode & 0o777).toBe(0o600);
    expect(scanner.configuration()).toMatchObject({
      revision,
      inbound: { tls: { accept: true, certificateId } },
      artifacts: { [certificateId]: objects.sha256(secret) },
    });
    expect(scanner.output()).toContain(`fetched the artifact ${certificateId}`);
    const both = await Promise.all(
      [smtpShadow, advancedShadow].map((name) => shadows.getShadow('mx1', name)),
    );
    expect(scanner.output() + JSON.stringify(both)).not.toContain('the key');
    expect(both.map((shadow) => shadow && 'delta' in shadow.state)).toEqual([false, false]);
  });

  it('advanced settings travel with the bindings of domains, the settings as they were', async () => {
    const before = scanner.configuration();
    const revision = await storeAdvanced();
    await inSync(stack, 'mx1', revision);

    const { advanced: applied, artifacts, ...settings } = scanner.configuration();
    expect(applied).toEqual(advancedOf(advanced));
    expect(settings).toMatchObject({ revision, inbound: before['inbound'] });
    expect(artifacts).toHaveProperty('domain-bindings', objects.sha256(bindingsText));
    expect(scannerFile(scanner.dir, 'current', 'artifacts', 'domain-bindings.json')).toBe(bindingsText);
  });
});

describe('a request for an artifact', () => {
  const digest = () => objects.sha256(secret);
  const bindings = () => objects.sha256(bindingsText);

  it('of a Scanner whose head does not name it gets nothing, whatever it says', async () => {
    const access = { url: stack.endpoints.api, token: stack.endpoints.token };
    await register(access, { scannerId: 'mx2' });
    const mx2 = await speakAs('mx2', await makeIdentity('mx2', (csr) => enrol(access, 'mx2', csr)));
    const { desiredRevision } = await sync(stack, 'mx1');

    for (const hash of [digest(), bindings()]) {
      expect(await asked(mx2, 1, hash)).toBe('ARTIFACT_NOT_NAMED');
      expect(await asked(mx2, desiredRevision, hash)).toBe('ARTIFACT_NOT_NAMED');
    }
    const { root } = (await stack.call('GET', '/scanners/mx2/access-lists/inbound')).body as { root: string };
    expect(await asked(mx2, 1, root)).toContain('"chunks":[]');
    expect(await asked(mx2, 1, root, digest())).toBe('ARTIFACT_NOT_NAMED');
  });

  it('is answered under the revision of the head alone, and not under an older one that is applied', async () => {
    const { appliedRevision } = await sync(stack, 'mx1');
    await scanner.stop();
    const mx1 = await speakAs('mx1', (await readIdentity(scanner.dir, new Date())) as Identity);
    const revision = await save(stack, 'mx1', withTls(2526));

    expect(revision).toBeGreaterThan(appliedRevision ?? 0);
    expect(await asked(mx1, revision, digest())).toBe(secret);
    expect(await asked(mx1, revision, bindings())).toBe(bindingsText);
    expect(await asked(mx1, revision, bindings(), digest())).toBe('ARTIFACT_NOT_NAMED');
    for (const hash of [digest(), bindings()]) {
      expect(await asked(mx1, appliedRevision ?? 0, hash)).toBe('ARTIFACT_NOT_NAMED');
      expect(await asked(mx1, 2, hash)).toBe('ARTIFACT_SUPERSEDED');
      expect(await asked(mx1, revision + 1, hash)).toBe('ARTIFACT_NOT_NAMED');
    }
  });

  it('is no longer answered once the head has let it go', async () => {
    const mx1 = await speakAs('mx1', (await readIdentity(scanner.dir, new Date())) as Identity);
    const revision = await save(stack, 'mx1', inboundSettings(2526));
    expect(await asked(mx1, revision, digest())).toBe('ARTIFACT_NOT_NAMED');
    expect(await asked(mx1, revision - 1, digest())).toBe('ARTIFACT_SUPERSEDED');
  });
});

describe('a refusal', () => {
  const empty = 'e'.repeat(64);
  const request = (scannerId: string, revision: number, root: string, hash = root) => ({
    scannerId,
    requestId: randomUUID(),
    revision,
    root,
    hashes: [hash],
  });

  /** Codes that are counted while the worker takes an event: its metrics are lines on the console (CloudWatch embedded metric format). */
  const counted = async (event: object): Promise<string[]> => {
    const { handler } = await import('../../functions/workers/artifacts.lambda.ts');
    const lines: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0),
    );
    try {
      await handler(event);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return lines
      .filter((line) => line.includes('"ArtifactsRefused"'))
      .map((line) => {
        const { code, ArtifactsRefused: times } = JSON.parse(line) as Record<string, string | number>;
        return `${code} ${times}`;
      });
  };

  const rootOf = async (scannerId: string, list = 'inbound') =>
    ((await stack.call('GET', `/scanners/${scannerId}/access-lists/${list}`)).body as { root: string }).root;

  it('is counted by its code, and what is handed out is not', async () => {
    const desiredRevision = await save(stack, 'mx1', inboundSettings(2599));
    const root = await rootOf('mx1');
    expect(await counted(request('mx1', desiredRevision, root))).toEqual([]);
    expect(await counted(request('mx1', desiredRevision, root, empty))).toEqual(['ARTIFACT_NOT_NAMED 1']);
    expect(await counted(request('mx1', desiredRevision, empty))).toEqual(['ARTIFACT_NOT_NAMED 1']);
    expect(await counted(request('mx1', desiredRevision + 1, root))).toEqual(['ARTIFACT_NOT_NAMED 1']);
    // A newer one is desired: no fault of who asks.
    expect(await counted(request('mx1', 1, root))).toEqual([]);
    expect(await counted(request('none', 1, root))).toEqual(['NOT_FOUND 1']);
    expect(await counted({ ...request('mx1', 1, root), hashes: ['../secrets'] })).toEqual([
      'ARTIFACT_REQUEST_INVALID 1',
    ]);
  });

  it('is what a decommissioned Scanner gets, and a later one under its id for what was the other’s', async () => {
    await registerByApi(stack, 'mx7');
    const { root } = (await (
      await stack.call('POST', '/scanners/mx7/access-lists/inbound/entries', {
        entries: [{ value: '192.0.2.1' }],
      })
    ).body) as { root?: string };
    const held = root ?? (await rootOf('mx7'));
    expect(await counted(request('mx7', 2, held))).toEqual([]);
    await stack.call('DELETE', '/scanners/mx7');
    expect(await counted(request('mx7', 2, held))).toEqual(['SCANNER_DECOMMISSIONED 1']);

    await until('it is registered again', async () => {
      const answer = await stack.call('POST', '/scanners', { scannerId: 'mx7' });
      return answer.status === 201 || undefined;
    });
    // what it claims to run is what it says itself
    const { scanner: present } = await status.readState('mx7');
    const claimed = {
      shadowVersion: 1,
      appliedRevision: 2,
      appliedRoots: {},
      appliedAt: '',
      lastReport: null,
    };
    await status.putReport('mx7', { ...claimed, epoch: present.epoch });
    expect(await counted(request('mx7', 2, held))).toEqual(['ARTIFACT_NOT_NAMED 1']);
    expect(await counted(request('mx7', 3, await rootOf('mx7')))).toEqual([]);
  });
});

describe('a link', () => {
  it('is good for minutes', async () => {
    const access = { url: stack.endpoints.api, token: stack.endpoints.token };
    await register(access, { scannerId: 'mx8' });
    const mx8 = await speakAs('mx8', await makeIdentity('mx8', (csr) => enrol(access, 'mx8', csr)));
    const { root } = (await stack.call('GET', '/scanners/mx8/access-lists/inbound')).body as { root: string };
    const sent = { requestId: randomUUID(), revision: 1, root, hashes: [root] };
    const before = Date.now();
    const { artifacts } = await mx8.artifacts(sent, mx8.ended);
    const url = new URL(artifacts[0]?.url ?? '');
    const minutes = (Date.parse(artifacts[0]?.expiresAt ?? '') - before) / 60_000;
    expect(Number(url.searchParams.get('X-Amz-Expires'))).toBe(900);
    expect(minutes).toBeGreaterThan(10);
    expect(minutes).toBeLessThan(20);
  });
});
