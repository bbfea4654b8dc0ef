import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SourceMember } from '../../functions/stores/directory-sources.ts';
import type { CollectionRecord } from '../../functions/stores/fleet-artifacts.ts';
import type { Report } from '../../scripts/fsck/found.ts';
import { ownDigests } from '../../shared/domain/artifacts.ts';
import type { Configuration } from '../../shared/domain/configuration.ts';
import type { Finding } from '../../shared/domain/fsck.ts';
import { standingOf } from '../../shared/domain/standing.ts';
import { syncOf } from '../../shared/domain/sync.ts';
import { newRollout } from '../../shared/schemas/rollouts.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { type ImportWorld, startImportWorld } from './imports/world.ts';

let world: ImportWorld;
let dir: string;
let dynamo: typeof import('../../functions/stores/dynamo.ts');
let checkAll: typeof import('../../scripts/fsck/check.ts').checkAll;
let standing: typeof import('../../functions/stores/standing.ts');
let writeDomainBindings: typeof import('../../functions/stores/domain-bindings.ts').writeDomainBindings;
let scannerId: string;
let root: string;
let chunk: string;
const day = 86_400_000;

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const fsck = async (...args: string[]): Promise<Ended> => {
  const child = spawn(process.execPath, ['scripts/fsck.ts', '--data', dir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.err += text;
  });
  [ended.code] = (await once(child, 'close')) as [number | null];
  return ended;
};

const check = (at = new Date(), now = () => at): Promise<Report> =>
  checkAll({ startedAt: at, now, progress: () => undefined });
const told = ({ findings }: { findings: Finding[] }) => findings.map(({ kind, key }) => `${kind} ${key}`);

const put = (key: string, Body: Uint8Array | string) =>
  world.stores.objects.s3.send(
    new PutObjectCommand({ Bucket: world.stores.objects.bucketName(), Key: key, Body }),
  );
const erase = async (key: string) => {
  const { listVersions, deleteVersions } = await import('../../functions/stores/sweep.ts');
  const { versions, markers } = await listVersions(key);
  await deleteVersions([...versions, ...markers]);
};

beforeAll(async () => {
  world = await startImportWorld();
  dynamo = await import('../../functions/stores/dynamo.ts');
  ({ checkAll } = await import('../../scripts/fsck/check.ts'));
  await (await import('../../scripts/fsck/stores.ts')).loadStores();
  dir = mkdtempSync(join(tmpdir(), 'fsck-'));
  const { env } = process;
  const endpoints = {
    s3: env['AWS_ENDPOINT_URL_S3'],
    dynamodb: env['AWS_ENDPOINT_URL_DYNAMODB'],
    region: env['AWS_REGION'],
    accessKeyId: env['AWS_ACCESS_KEY_ID'],
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'],
    table: env['TABLE_NAME'],
    bucket: env['BUCKET_NAME'],
  };
  writeFileSync(join(dir, 'endpoints.json'), JSON.stringify(endpoints));
  scannerId = await world.scanner(['192.0.2.1', '192.0.2.2', '2001:db8::/32', 'example.com']);
  standing = await import('../../functions/stores/standing.ts');
  await standing.refreshStanding(scannerId);
});
afterAll(async () => {
  await world?.end();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  ({ root } = (await world.stores.heads.readHead(scannerId)).configuration.lists.outbound);
  const manifest = await world.stores.lists.readManifest(root);
  chunk = manifest.chunks[0]?.sha256 ?? '';
});

const chunkKey = (digest: string) => `lists/chunks/${digest}`;
const manifestKey = (digest: string) => `lists/manifests/${digest}`;

describe('npm run fsck', () => {
  it('ends with 0 where all is well, and says what it has looked at', async () => {
    const { code, out } = await fsck();
    expect(out).toContain('Everything is as it should be.');
    expect(out).toMatch(/1 Scanners, 2 revisions, 2 lists, 1 chunks, 0 bindings of domains, 0 artifacts/);
    expect(code).toBe(0);
  });

  it.each([
    ['--nonsense'],
    ['--table', 't'],
    ['word'],
  ])('called wrongly with %s ends with 2 and says what it takes', async (...args) => {
    const { code, err } = await fsck(...args);
    expect(err).toContain('npm run fsck');
    expect(code).toBe(2);
  });

  it('of a deployment without its table names it', async () => {
    const { code, err } = await fsck('--table', 'nope', '--bucket', 'nope');
    expect(err).toContain('There is no table nope in this account and region.');
    expect(code).toBe(1);
  });

  it('shows findings as a table and as JSON, repairs what is safe, and ends with 1', async () => {
    await put(chunkKey(chunk), 'these are not the bytes');

    const shown = await fsck();
    const { code, out } = await fsck('--json');
    const repaired = await fsck('--repair');

    expect(shown.out).toMatch(
      /what +which +why +named by +repair\ncorrupt +lists\/chunks\/[0-9a-f]{12}… +it cannot be unpacked/,
    );
    expect(JSON.parse(out)).toMatchObject({
      checked: { scanners: 1 },
      findings: [
        {
          kind: 'corrupt',
          key: chunkKey(chunk),
          namedBy: [`list ${root}`],
          repair: expect.stringContaining('intact version'),
        },
      ],
    });
    expect([shown.code, code, repaired.code]).toEqual([1, 1, 1]);
    expect((await fsck()).code).toBe(0);
    expect(await world.values(scannerId)).toHaveLength(4);
  });
});

describe('what the check finds', () => {
  it('an object that is hidden by a delete marker, and stores it again', async () => {
    for (const key of [chunkKey(chunk), manifestKey(root)]) {
      const { bucketName, s3 } = world.stores.objects;
      await s3.send(new DeleteObjectCommand({ Bucket: bucketName(), Key: key }));
      const report = await check();
      expect(told(report)).toContain(`dangling ${key}`);
      await report.findings.find((finding) => finding.key === key)?.mend?.();
      expect(told(await check())).toEqual([]);
    }
  });

  it('an object that is gone in every version, for which there is no repair', async () => {
    const text = await world.stores.objects.getText(chunkKey(chunk));
    await erase(chunkKey(chunk));

    const { findings } = await check();

    expect(findings).toMatchObject([
      { kind: 'dangling', key: chunkKey(chunk), detail: expect.stringContaining('no version') },
    ]);
    expect(findings[0]).not.toHaveProperty('repair');
    await world.stores.objects.putText(chunkKey(chunk), text, 'text/plain');
  });

  it('what nobody names: left alone while it is young, deleted when it is old and every list can be read', async () => {
    const text = '203.0.113.9\n';
    const key = chunkKey(world.stores.objects.sha256(text));
    await world.stores.objects.putText(key, text, 'text/plain');
    const soon = new Date(Date.now() + 2000);
    const [young] = (await check(soon)).findings;
    expect(young).toMatchObject({
      kind: 'orphaned',
      key,
      detail: expect.stringContaining('less than a day'),
    });
    expect(young).not.toHaveProperty('mend');

    const later = new Date(Date.now() + 2 * day);
    const manifest = await world.stores.objects.getText(manifestKey(root));
    await erase(manifestKey(root));
    expect((await check(later)).findings.filter(({ kind, mend }) => kind === 'orphaned' && mend)).toEqual([]);
    await world.stores.objects.putText(manifestKey(root), manifest, 'application/json');
    const [old] = (await check(later)).findings;
    await old?.mend?.();

    expect(told(await check(later))).toEqual([]);
  });

  it('what nobody names, and deletes it only while the check is less than a day old', async () => {
    const text = '203.0.113.10\n';
    const key = chunkKey(world.stores.objects.sha256(text));
    await world.stores.objects.putText(key, text, 'text/plain');
    const later = new Date(Date.now() + 2 * day);
    let now = later.getTime() + day;
    const [old] = (await check(later, () => new Date(now))).findings;

    expect(await old?.mend?.()).toBe(false);
    expect(told(await check(later))).toEqual([`orphaned ${key}`]);
    now -= 1;
    expect(await old?.mend?.()).toBe(true);
    expect(told(await check(later))).toEqual([]);
  });

  it('a list whose counts, order, lines or chunks are not what it says', async () => {
    const { objects, heads } = world.stores;
    const text = '192.0.2.2\n192.0.2.1\n#010.0.0.1\n';
    const reference = { sha256: objects.sha256(text), first: '192.0.2.1', entries: 9, enabled: 2, kinds: {} };
    const manifest = JSON.stringify({ format: 1, enabled: 2, entries: 3, chunks: [reference] });
    const bad = objects.sha256(manifest);
    await objects.putText(chunkKey(reference.sha256), text, 'text/plain');
    await objects.putText(manifestKey(bad), manifest, 'application/json');
    const before = await heads.readHead(scannerId);
    const next = {
      ...before,
      revision: before.revision + 1,
      configuration: {
        ...before.configuration,
        lists: { ...before.configuration.lists, inbound: { root: bad, entries: 7, enabled: 2 } },
      },
    };
    const put = (sk: string, item: object) =>
      dynamo.dynamo.send(
        new PutCommand({
          TableName: dynamo.tableName(),
          Item: { pk: keys.ofScanner(scannerId), sk, ...item },
        }),
      );
    await put(sortKeys.head, next);

    const { findings } = await check();

    const details = findings.map(
      ({ key, detail }) =>
        `${key === chunkKey(reference.sha256) ? 'chunk' : key === manifestKey(bad) ? 'manifest' : key}: ${detail}`,
    );
    expect(details.sort()).toEqual([
      'chunk: it begins with "192.0.2.2"; its manifest says "192.0.2.1"',
      'chunk: it has 3 entries, 2 enabled; its manifest says 9 entries, 2 enabled',
      'chunk: it holds "010.0.0.1", which is not the one form of an entry',
      'manifest: it has 3 entries, 2 enabled; the configuration says 7 entries, 2 enabled',
      'manifest: it is not written as canonical JSON',
      'manifest: it says 3 entries, 2 enabled; its chunks say 9 entries, 2 enabled',
      `scanner#${scannerId}: its head is revision ${next.revision}, which is not stored`,
    ]);
    await put(sortKeys.head, before);
    for (const key of [chunkKey(reference.sha256), manifestKey(bad)]) await erase(key);
  });
});

describe('what the check finds of a Scanner', () => {
  const key = (sk: string) => ({ TableName: dynamo.tableName(), Key: { pk: keys.ofScanner(scannerId), sk } });
  const stored = async (sk: string) => (await dynamo.dynamo.send(new GetCommand(key(sk)))).Item ?? {};
  const putItem = (item: object) =>
    dynamo.dynamo.send(new PutCommand({ TableName: dynamo.tableName(), Item: { ...item } }));
  const list = { root: 'x', entries: 'many', enabled: 0 };

  it.each([
    ['has no configuration', { configuration: undefined }, 'configuration: '],
    ['has a text for a configuration', { configuration: '{"smtp":' }, 'configuration: '],
    ['has no settings, not even none', { configuration: { lists: {} } }, 'configuration.'],
    [
      'has settings that are none',
      { smtp: { mailFiltering: 'sideways' } },
      'configuration.smtp.mailFiltering: ',
    ],
    ['has a number for settings', { smtp: 5 }, 'configuration.smtp: '],
    ['has a list without a count', { lists: { inbound: list } }, 'configuration.lists.inbound.entries: '],
    ['has a text for a revision', { revision: '7' }, 'revision: '],
  ])('a head that %s, and says so in the status', async (_, broken, where) => {
    const before = await stored(sortKeys.head);
    const { configuration, ...more } = { configuration: before['configuration'], ...broken } as Record<
      string,
      unknown
    >;
    const parts = Object.fromEntries(Object.entries(more).filter(([name]) => name !== 'revision'));
    const whole =
      typeof configuration === 'object' && 'configuration' in broken === false
        ? { ...configuration, ...parts }
        : configuration;
    await putItem({ ...before, ...('revision' in broken ? broken : {}), configuration: whole });

    const report = await check(new Date(Date.now() + 2 * day));
    const { readState } = await import('../../functions/stores/status.ts');
    const state = await readState(scannerId);
    await putItem(before);

    expect(report.findings).toMatchObject([
      { kind: 'corrupt', key: `scanner#${scannerId} head`, detail: expect.stringContaining(where) },
    ]);
    const [published] = syncOf(state).conditions;
    expect(published).toMatchObject({ status: 'False', reason: 'HeadDamaged' });
    expect(published?.message).toContain(where);
    expect(standingOf(state).state).toBe('failed');
    expect(told(await check())).toEqual([]);
  });

  it('that it lacks what earlier versions did not make, and makes it', async () => {
    for (const sk of [sortKeys.due, sortKeys.standing]) await dynamo.dynamo.send(new DeleteCommand(key(sk)));
    expect(told(await check())).toEqual([]);
    const { findings } = await check(new Date(Date.now() + 2 * day));

    expect(findings).toMatchObject([
      { kind: 'inconsistent', key: `scanner#${scannerId}`, detail: expect.stringContaining('due: ') },
      { kind: 'inconsistent', key: `scanner#${scannerId}`, detail: expect.stringContaining('standing: ') },
    ]);
    for (const { mend } of findings) expect(await mend?.()).toBe(true);
    expect(told(await check(new Date(Date.now() + 2 * day)))).toEqual([]);
    expect(await stored(sortKeys.due)).toMatchObject({ listPk: 'due', askedAt: expect.any(String) });
    expect(await stored(sortKeys.standing)).toMatchObject({ listPk: 'standings' });
  });
});

describe('what the check finds of the fleet', () => {
  const password = 'MARKER-of-a-password';
  const privateKey = 'MARKER-of-a-private-key';
  const asked = (operation: string) => ({
    actor: { name: 'me', requestId: 'r' },
    operation,
    at: new Date(),
    dryRun: false,
  });
  const certificateId = 'cert-00000000000000a1';
  let digest: string;
  let vault: string;

  const configure = async (changed: (configuration: Configuration) => Partial<Configuration>) =>
    world.stores.heads.changeConfiguration({
      scannerId,
      part: 'all',
      ...asked('put-smtp'),
      compute: async ({ configuration }) => {
        const next = { ...configuration, ...changed(configuration) };
        return { configuration: next, prepare: () => writeDomainBindings(next.advanced), result: null };
      },
    });
  const item = (sk: string) => ({
    TableName: dynamo.tableName(),
    Key: { pk: keys.ofArtifact(certificateId), sk },
  });
  const details = (report: { findings: Finding[] }) =>
    report.findings.map(({ kind, key, detail }) => `${kind} ${key}: ${detail}`);

  beforeAll(async () => {
    const { createCertificate } = await import('../../functions/stores/certificates.ts');
    const { changeCollection } = await import('../../functions/stores/collections.ts');
    const { directorySources } = await import('../../functions/stores/directory-sources.ts');
    const { findFleetArtifact } = await import('../../functions/stores/fleet-artifacts.ts');
    ({ writeDomainBindings } = await import('../../functions/stores/domain-bindings.ts'));
    ({ digest } = await createCertificate(
      certificateId,
      {
        name: 'mail',
        details: {
          subject: 'CN=mail',
          subjectAlternativeNames: ['mail'],
          issuer: 'CN=ca',
          serialNumber: '01',
          notBefore: '2026-01-01T00:00:00.000Z',
          notAfter: '2027-01-01T00:00:00.000Z',
          fingerprintSha256: 'f'.repeat(64),
        },
        keyType: 'EC P-256',
        chainLength: 1,
        certificatePem: 'chain',
        privateKeyPem: privateKey,
      },
      asked('create-certificate'),
    ));
    const source: SourceMember = {
      id: 'dir-1',
      directorySourceId: 'dir-1',
      name: 'head office',
      functions: ['authentication'],
      host: 'ldap.example.com',
      port: 636,
      tls: 'ldaps',
      bindDn: 'cn=reader',
      bindPassword: password,
      baseDn: 'dc=example',
      userFilter: '(mail=%s)',
      timeoutSeconds: 5,
      passwordChangedAt: null,
      version: 1,
      createdAt: '2026-11-24T10:00:00.000Z',
      updatedAt: '2026-11-24T10:00:00.000Z',
    };
    await changeCollection(directorySources, asked('create-directory-source'), (members) => ({
      members: [...members, source],
      id: source.id,
      before: null,
      after: source,
    }));
    vault = (await findFleetArtifact<CollectionRecord>(directorySources.artifact))?.vault ?? '';
    await configure(({ advanced }) => ({
      artifacts: { [certificateId]: digest },
      advanced: {
        ...advanced,
        bindings: { ...advanced.bindings, domains: [{ domain: 'example.com', sources: ['auto'] }] },
      },
    }));
  });

  it('nothing, where all is well', async () => {
    const report = await check();
    expect(details(report)).toEqual([]);
    expect(report.checked).toMatchObject({ bindings: 1, fleet: 2 });
  });

  it('users that are not those of the heads, and a count that is not theirs', async () => {
    await dynamo.dynamo.send(new DeleteCommand(item(keys.user(scannerId))));
    await dynamo.dynamo.send(
      new PutCommand({
        TableName: dynamo.tableName(),
        Item: { ...item(keys.user('mx-none')).Key, scannerId: 'mx-none' },
      }),
    );
    const users = (count: number) =>
      dynamo.dynamo.send(
        new UpdateCommand({
          ...item(keys.usage),
          UpdateExpression: 'SET #users = :users',
          ExpressionAttributeNames: { '#users': 'users' },
          ExpressionAttributeValues: { ':users': count },
        }),
      );
    await users(3);

    const report = await check();

    expect(details(report).sort()).toEqual(
      [
        `inconsistent artifact#${certificateId}: users: it has 1 of them; their count says 3`,
        `inconsistent artifact#${certificateId}: mx-none: among its users, and not named by the head`,
        `inconsistent artifact#${certificateId}: ${scannerId}: named by the head, and not among its users`,
      ].sort(),
    );
    expect(report.findings.filter(({ mend }) => mend)).toEqual([]);
    await dynamo.dynamo.send(new DeleteCommand(item(keys.user('mx-none'))));
    await dynamo.dynamo.send(
      new PutCommand({
        TableName: dynamo.tableName(),
        Item: { ...item(keys.user(scannerId)).Key, scannerId },
      }),
    );
    await users(1);
    expect(details(await check())).toEqual([]);
  });

  it('a text that is hidden by a delete marker, and stores it again', async () => {
    const { bucketName, s3, sizeOf } = world.stores.objects;
    for (const hidden of [digest, vault]) {
      const key = `secrets/${hidden}`;
      await s3.send(new DeleteObjectCommand({ Bucket: bucketName(), Key: key }));
      const report = await check();
      expect(details(report)).toEqual([`dangling ${key}: it is not there`]);
      expect(await report.findings[0]?.mend?.()).toBe(true);
      expect(await sizeOf(key)).not.toBeNull();
    }
    expect(details(await check())).toEqual([]);
  });

  it('members that are not those of the vault, and texts that are not what they are called, of which it prints nothing', async () => {
    const { objects } = world.stores;
    const member = { pk: keys.ofArtifact('directory-sources'), sk: keys.member('dir-1') };
    const stored = await dynamo.getItem<object>(member.pk, member.sk);
    const put = (Item: object) =>
      dynamo.dynamo.send(new PutCommand({ TableName: dynamo.tableName(), Item: { ...Item, ...member } }));
    await put({ ...stored, host: 'other.example.com' });
    const text = await objects.getText(`secrets/${digest}`);
    await objects.putText(`secrets/${digest}`, `${text} ${privateKey}`, 'application/json');

    const [json, table] = [await fsck('--json'), await fsck()];

    expect(details(JSON.parse(json.out) as Report).sort()).toEqual([
      `corrupt secrets/${digest}: its bytes are not those that its name says`,
      'inconsistent artifact#directory-sources: dir-1: its member and the vault differ in host',
    ]);
    for (const { out, err } of [json, table])
      for (const secret of ['MARKER', 'cn=reader', 'example.com']) expect(out + err).not.toContain(secret);
    await put(stored ?? {});
    expect((await fsck('--repair')).out).toContain('1 findings; 1 mended');
    expect(details(await check())).toEqual([]);
  });

  it('a text that nobody names, which it leaves where it is; one that is known to be left over is none', async () => {
    const { objects } = world.stores;
    const { stageSecret } = await import('../../functions/stores/secrets.ts');
    await stageSecret(certificateId, { privateKeyPem: privateKey }, { distributed: true, now: new Date() });
    const key = `secrets/${objects.sha256('nobody')}`;
    await objects.putText(key, 'nobody', 'application/json');

    expect(details(await check())).toEqual([]);
    const report = await check(new Date(Date.now() + 2 * day));

    expect(details(report)).toEqual([`orphaned ${key}: nobody names it, and it is more than a day old`]);
    expect(report.findings[0]).not.toHaveProperty('mend');
    await erase(key);
  });

  it('bindings of domains that are gone in every version, and makes them again from the settings', async () => {
    const { advanced } = (await world.stores.heads.readHead(scannerId)).configuration;
    const key = `artifacts/${ownDigests({ advanced }, world.stores.objects.sha256)[0]}`;
    await erase(key);

    const report = await check();

    expect(details(report)).toEqual([`dangling ${key}: it is not there`]);
    expect(await report.findings[0]?.mend?.()).toBe(true);
    expect(details(await check())).toEqual([]);
  });
});

describe('what the check finds of a rollout', () => {
  let rolloutId: string;
  const send = (sk: string, update: { expression: string; values: Record<string, unknown> }) =>
    dynamo.dynamo.send(
      new UpdateCommand({
        TableName: dynamo.tableName(),
        Key: { pk: keys.ofRollout(rolloutId), sk },
        UpdateExpression: update.expression,
        ExpressionAttributeValues: update.values,
      }),
    );
  const add = (part: number, outcome: string, count: number) =>
    send(keys.progress(part), { expression: `ADD ${outcome} :count`, values: { ':count': count } });
  const lose = (sk: string) =>
    dynamo.dynamo.send(
      new DeleteCommand({ TableName: dynamo.tableName(), Key: { pk: keys.ofRollout(rolloutId), sk } }),
    );
  const details = ({ findings }: { findings: Finding[] }) =>
    findings.map(({ kind, key, detail }) => `${kind} ${key}: ${detail}`);

  beforeAll(async () => {
    const { began, newRolloutId } = await import('../../functions/api/rollouts/begin.ts');
    const { planStep } = await import('../../functions/common/plan-rollout.ts');
    const { getRollout } = await import('../../functions/stores/rollouts.ts');
    rolloutId = newRolloutId(new Date());
    const targets = { scannerIds: ['nobody', 'no-one', 'none'] };
    const asked = { at: new Date().toISOString(), by: 'me', requestId: 'r', dryRun: false };
    const request = newRollout.parse({ source: scannerId, targets, sections: ['lists.outbound'] });
    await began(request, { ...asked, rolloutId, acknowledge: [] }, 'create-rollout', () => []);
    while ((await getRollout(rolloutId)).plannedAt === undefined)
      await planStep(await getRollout(rolloutId), new Date());
  });

  it('nothing where its counts say what its targets have come to', async () => {
    const report = await check();

    expect(details(report)).toEqual([]);
    expect(report.checked.rollouts).toBe(1);
    expect((await fsck()).out).toContain(', 1 rollouts, ');
  });

  it('counts that say something else, also in a sum that is right, and makes them right', async () => {
    await add(3, 'applied', 2);
    await add(5, 'skipped', -2);

    const report = await check();

    expect(details(report)).toEqual([
      `inconsistent rollout#${rolloutId}: applied: it has 0 such targets; its counts say 2; skipped: it has 3 such targets; its counts say 1`,
    ]);
    expect((await fsck('--repair')).out).toContain('1 findings; 1 mended');
    expect(details(await check())).toEqual([]);
  });

  it('a part of the counts that is gone, and a target that is', async () => {
    await lose(keys.progress(0));
    await lose(keys.target(1, 'nobody'));
    const { items } = await (await import('../../functions/stores/rollout-targets.ts')).listTargets(
      rolloutId,
      { limit: 10 },
    );

    expect(items).toHaveLength(2);

    const report = await check();

    expect(report.findings).toMatchObject([
      { kind: 'inconsistent', detail: expect.stringContaining('part 0 of its counts is not there') },
    ]);
    expect(await report.findings[0]?.mend?.()).toBe(true);
    expect(await report.findings[0]?.mend?.()).toBe(false);
    const { readCounts } = await import('../../functions/stores/rollouts.ts');
    expect(await readCounts(rolloutId)).toMatchObject({ targets: 2, skipped: 2 });
    expect(details(await check())).toEqual([]);
  });
});
