import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientAuthoritiesArtifact } from '../../../shared/domain/artifacts.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { emptyLists as lists, newId, startServices } from './services.ts';

let certificates: typeof import('../../../functions/stores/certificates.ts');
let collections: typeof import('../../../functions/stores/collections.ts');
let authorities: typeof import('../../../functions/stores/client-authorities.ts');
let artifacts: typeof import('../../../functions/stores/fleet-artifacts.ts');
let heads: typeof import('../../../functions/stores/heads.ts');
let secrets: typeof import('../../../functions/stores/secrets.ts');
let objects: typeof import('../../../functions/stores/objects.ts');
let dynamo: typeof import('../../../functions/stores/dynamo.ts');
let audit: typeof import('../../../functions/stores/audit.ts');
let createScanner: typeof import('../../../functions/stores/scanners.ts').createScanner;
let renewArtifact: typeof import('../../../functions/workers/renew-artifact.ts').renewArtifact;
let end: () => Promise<void>;

const at = new Date('2026-11-24T10:00:00.000Z');
const asked = (operation: string, more: object = {}) => ({
  actor: { name: 'me', requestId: newId('request') },
  operation,
  at,
  dryRun: false,
  ...more,
});

let counter = 0;
const certificateIdOf = () => `cert-${(++counter).toString(16).padStart(16, '0')}`;
const keyMarker = 'MARKER-of-a-key';
const given = (name: string, text = name) => ({
  name,
  details: {
    subject: `CN=${name}`,
    subjectAlternativeNames: [name],
    issuer: 'CN=ca',
    serialNumber: '01',
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2099-01-01T00:00:00.000Z',
    fingerprintSha256: 'f'.repeat(64),
  },
  keyType: 'EC P-256',
  chainLength: 1,
  certificatePem: text,
  privateKeyPem: keyMarker,
});

const created = async (name = newId('name')) => {
  const certificateId = certificateIdOf();
  return certificates.createCertificate(certificateId, given(name), asked('create-certificate'));
};

const registered = async (): Promise<string> => {
  const scannerId = newId('mx');
  const registering = { actor: { name: 'me', requestId: 'r' }, operation: 'create-scanner', at };
  await createScanner({ scannerId, labels: {}, enabled: true, epoch: 'e' }, lists, registering);
  return scannerId;
};

/** A save that begins to use an artifact, or ceases to, as settings would. */
const use = (scannerId: string, name: string, wanted = true) =>
  heads.changeConfiguration({
    scannerId,
    part: 'artifacts',
    ...asked('put-smtp'),
    compute: async ({ configuration }: Head) => {
      const record = await artifacts.findFleetArtifact(name);
      const { [name]: _, ...others } = configuration.artifacts;
      const own = wanted && record ? { [name]: record.digest } : {};
      return {
        configuration: { ...configuration, artifacts: { ...others, ...own } },
        result: record !== undefined,
      };
    },
  });

const named = async (scannerId: string, name: string) =>
  (await heads.readHead(scannerId)).configuration.artifacts[name];
const stored = (digest: string) => objects.sizeOf(`secrets/${digest}`);

beforeAll(async () => {
  end = await startServices();
  certificates = await import('../../../functions/stores/certificates.ts');
  collections = await import('../../../functions/stores/collections.ts');
  authorities = await import('../../../functions/stores/client-authorities.ts');
  artifacts = await import('../../../functions/stores/fleet-artifacts.ts');
  heads = await import('../../../functions/stores/heads.ts');
  secrets = await import('../../../functions/stores/secrets.ts');
  objects = await import('../../../functions/stores/objects.ts');
  dynamo = await import('../../../functions/stores/dynamo.ts');
  audit = await import('../../../functions/stores/audit.ts');
  ({ createScanner } = await import('../../../functions/stores/scanners.ts'));
  ({ renewArtifact } = await import('../../../functions/workers/renew-artifact.ts'));
});
afterAll(() => end?.());

describe('a certificate', () => {
  it('is stored with its key in an object alone, of which nothing is left over', async () => {
    const record = await created();

    expect(await secrets.readSecret(record.digest)).toMatchObject({
      format: 1,
      salt: expect.stringMatching(/^[0-9a-f]{64}$/),
      certificateId: record.certificateId,
      privateKeyPem: keyMarker,
    });
    expect(await secrets.retiredObjects(record.artifact, new Date(8e15))).toEqual([]);
    const items = await dynamo.dynamo.send(new ScanCommand({ TableName: dynamo.tableName() }));
    expect(JSON.stringify(items.Items)).not.toContain(keyMarker);
  });

  it('has its name for itself: of several at once one gets it, and a freed name can be had', async () => {
    const name = newId('name');
    const done = await Promise.allSettled(Array.from({ length: 5 }, () => created(name)));
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of done)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'NAME_TAKEN' });
    await expect(created(name.toUpperCase())).rejects.toMatchObject({ code: 'NAME_TAKEN' });

    const winner = done.find((one) => one.status === 'fulfilled');
    const { certificateId } = (winner as PromiseFulfilledResult<{ certificateId: string }>).value;
    await certificates.replaceCertificate(
      certificateId,
      given(newId('other'), name),
      asked('put-certificate'),
    );
    expect((await created(name)).name).toBe(name);
  });

  it('in a dry run is judged and not stored', async () => {
    const name = newId('name');
    const certificateId = certificateIdOf();
    const dry = asked('create-certificate', { dryRun: true });
    expect(await certificates.createCertificate(certificateId, given(name), dry)).toMatchObject({
      name,
      version: 1,
    });
    await expect(certificates.readCertificate(certificateId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await created(name);
    await expect(certificates.createCertificate(certificateId, given(name), dry)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    });
  });

  it('is replaced only over the version that the caller saw, and the same again changes nothing', async () => {
    const { certificateId, name } = await created();
    const replace = (text: string, ifMatch?: number) =>
      certificates.replaceCertificate(
        certificateId,
        given(name, text),
        asked('put-certificate', { ifMatch }),
      );

    expect(await replace('second', 1)).toMatchObject({ version: 2 });
    await expect(replace('third', 1)).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
      data: { revision: 2 },
    });
    expect(await replace('second')).toMatchObject({ version: 2 });
    const done = await Promise.all(['a', 'b', 'c', 'd'].map((text) => replace(text)));
    expect(done.map(({ version }) => version).sort()).toEqual([3, 4, 5, 6]);
  });
});

describe('deleting a certificate', () => {
  it('is refused while a Scanner uses it, and the refusal names it', async () => {
    const { certificateId, digest } = await created();
    const scannerId = await registered();
    await use(scannerId, certificateId);

    await expect(
      certificates.deleteCertificate(certificateId, asked('delete-certificate')),
    ).rejects.toMatchObject({ code: 'CERTIFICATE_IN_USE', data: { users: 1, scannerIds: [scannerId] } });
    await use(scannerId, certificateId, false);
    await certificates.deleteCertificate(certificateId, asked('delete-certificate'));
    expect(await stored(digest)).not.toBeNull();
    await renewArtifact(certificateId, at);
    expect(await stored(digest)).toBeNull();
    expect(await secrets.artifactsWithLooseObjects()).not.toContain(certificateId);
  });

  it('races saves that begin to use it: never is it gone while a head names it', async () => {
    for (let round = 0; round < 12; round++) {
      const { certificateId } = await created();
      const scannerIds = await Promise.all(Array.from({ length: 3 }, registered));
      const remove = () =>
        certificates.deleteCertificate(certificateId, asked('delete-certificate')).then(
          () => 'deleted',
          (error: { code: string }) => error.code,
        );
      const [outcome] = await Promise.all([
        remove(),
        ...scannerIds.map((scannerId) => use(scannerId, certificateId)),
      ]);

      const users = (await Promise.all(scannerIds.map((id) => named(id, certificateId)))).filter(Boolean);
      const record = await artifacts.findFleetArtifact(certificateId);
      expect(await artifacts.countUsers(certificateId)).toBe(users.length);
      if (outcome === 'deleted') expect([users, record]).toEqual([[], undefined]);
      else {
        expect(outcome).toBe('CERTIFICATE_IN_USE');
        expect(record).toBeDefined();
      }
    }
  });

  it('races saves that cease to use it: it goes once the last one has', async () => {
    const { certificateId } = await created();
    const scannerIds = await Promise.all(Array.from({ length: 4 }, registered));
    for (const scannerId of scannerIds) await use(scannerId, certificateId);
    await Promise.all(scannerIds.map((scannerId) => use(scannerId, certificateId, false)));

    expect(await artifacts.countUsers(certificateId)).toBe(0);
    await certificates.deleteCertificate(certificateId, asked('delete-certificate'));
    await expect(certificates.readCertificate(certificateId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a renewal', () => {
  it('reaches every Scanner once, under the name and request of who renewed, and takes the old text away', async () => {
    const { certificateId, digest, name } = await created();
    const scannerIds = await Promise.all(Array.from({ length: 12 }, registered));
    await Promise.all(scannerIds.map((scannerId) => use(scannerId, certificateId)));
    const request = asked('put-certificate');
    const after = await certificates.replaceCertificate(certificateId, given(name, 'new'), request);

    await Promise.all([
      renewArtifact(certificateId, at),
      renewArtifact(certificateId, new Date(at.getTime() + 1)),
    ]);
    await renewArtifact(certificateId, at);

    for (const scannerId of scannerIds) {
      const head = await heads.readHead(scannerId);
      expect(head).toMatchObject({ revision: 3, updatedBy: 'me' });
      expect(head.configuration.artifacts[certificateId]).toBe(after.digest);
      expect((await audit.listAudit(scannerId, { limit: 1 })).items[0]).toMatchObject({
        operation: 'renew-artifact',
        requestId: request.actor.requestId,
        revision: 3,
      });
    }
    expect(await stored(digest)).toBeNull();
    expect(await stored(after.digest)).not.toBeNull();
  });

  it('that was done in part goes on where it stopped', async () => {
    const { certificateId, digest, name } = await created();
    const scannerIds = await Promise.all(Array.from({ length: 2 }, registered));
    for (const scannerId of scannerIds) await use(scannerId, certificateId);
    const after = await certificates.replaceCertificate(
      certificateId,
      given(name, 'new'),
      asked('put-certificate'),
    );
    // As the renewal that was cut short had left it: one Scanner is done, and the old object is gone already, but not its item.
    await use(scannerIds[0] ?? '', certificateId);
    await objects.deleteObject(`secrets/${digest}`);

    await renewArtifact(certificateId, at);

    for (const scannerId of scannerIds) {
      expect(await named(scannerId, certificateId)).toBe(after.digest);
      expect((await heads.readHead(scannerId)).revision).toBe(3);
    }
    expect(await secrets.retiredObjects(certificateId, at)).toEqual([]);
  });

  it('races saves that begin to use it: nobody is left with the old text', async () => {
    for (let round = 0; round < 6; round++) {
      const { certificateId, name, digest } = await created();
      const scannerIds = await Promise.all(Array.from({ length: 3 }, registered));
      const renewing = certificates
        .replaceCertificate(certificateId, given(name, 'new'), asked('put-certificate'))
        .then(() => renewArtifact(certificateId, at));
      await Promise.all([renewing, ...scannerIds.map((scannerId) => use(scannerId, certificateId))]);
      await renewArtifact(certificateId, at);

      const present = (await artifacts.findFleetArtifact(certificateId))?.digest;
      for (const scannerId of scannerIds) expect(await named(scannerId, certificateId)).toBe(present);
      expect(await stored(digest)).toBeNull();
    }
  });

  it('of a Scanner that is gone leaves the others to be renewed', async () => {
    const { certificateId, name } = await created();
    const scannerId = await registered();
    await use(scannerId, certificateId);
    const ghost = { pk: `artifact#${certificateId}`, sk: 'user#gone', scannerId: 'gone' };
    await dynamo.transact([dynamo.putNew(ghost)]);
    const after = await certificates.replaceCertificate(
      certificateId,
      given(name, 'new'),
      asked('put-certificate'),
    );

    await renewArtifact(certificateId, at);

    expect(await named(scannerId, certificateId)).toBe(after.digest);
  });
});

describe('the worker that renews', () => {
  type Handler = typeof import('../../../functions/workers/renew.lambda.ts').handler;
  let handler: Handler;
  beforeAll(async () => {
    ({ handler } = await import('../../../functions/workers/renew.lambda.ts'));
  });
  const head = (scannerId: string, item: object) =>
    dynamo.dynamo.send(
      new PutCommand({
        TableName: dynamo.tableName(),
        Item: { pk: `scanner#${scannerId}`, sk: 'head', ...item },
      }),
    );

  it('renews the others where one Scanner cannot be, fails, and finishes when it can', async () => {
    const { certificateId, digest, name } = await created();
    const scannerIds = await Promise.all(Array.from({ length: 4 }, registered));
    for (const scannerId of scannerIds) await use(scannerId, certificateId);
    const [broken = '', ...others] = scannerIds;
    const { scannerId: _, ...whole } = await heads.readHead(broken);
    await head(broken, { scannerId: broken, ...whole, configuration: { ...whole.configuration, smtp: {} } });
    const after = await certificates.replaceCertificate(
      certificateId,
      given(name, 'new'),
      asked('put-certificate'),
    );

    await expect(handler({ artifact: certificateId })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    for (const scannerId of others) expect(await named(scannerId, certificateId)).toBe(after.digest);
    expect(await stored(digest)).not.toBeNull();

    await head(broken, { scannerId: broken, ...whole });
    await handler({ artifact: certificateId });
    expect(await named(broken, certificateId)).toBe(after.digest);
    expect(await stored(digest)).toBeNull();
  });

  it('refuses a message that names nothing, so that it ends with the dead letters', async () => {
    await expect(handler({ artifact: '' })).rejects.toThrow(/artifact/);
  });

  it('does once a day what was left over, whatever became of its event', async () => {
    const { certificateId, digest, name } = await created();
    const scannerId = await registered();
    await use(scannerId, certificateId);
    const after = await certificates.replaceCertificate(
      certificateId,
      given(name, 'new'),
      asked('put-certificate'),
    );

    await handler({ source: 'aws.events' });

    expect(await named(scannerId, certificateId)).toBe(after.digest);
    expect(await stored(digest)).toBeNull();
    expect(await secrets.artifactsWithLooseObjects()).not.toContain(certificateId);
  });
});

describe('the worker that watches certificates', () => {
  it('measures how long they are good, and says which should be renewed, by ids and not by a caller’s words', async () => {
    const { handler } = await import('../../../functions/workers/watch-certificates.lambda.ts');
    const ending = async (days: number) => {
      const wanted = given(newId('watched'));
      const notAfter = new Date(Date.now() + days * 86_400_000).toISOString();
      const ended = { ...wanted, details: { ...wanted.details, notAfter } };
      return certificates.createCertificate(certificateIdOf(), ended, asked('create-certificate'));
    };
    const [expired, expiring] = [await ending(-3), await ending(3.5)];
    const lines: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0),
    );
    try {
      await handler();
    } finally {
      for (const spy of spies) spy.mockRestore();
    }

    const said = lines.join('\n');
    const metrics = JSON.parse(lines.find((line) => line.includes('_aws')) ?? '{}');
    expect(metrics).toMatchObject({ DaysUntilFirstCertificateExpires: 3, _aws: { CloudWatchMetrics: [{}] } });
    expect(metrics.CertificatesExpiring).toBeGreaterThanOrEqual(1);
    expect(metrics.CertificatesExpired).toBeGreaterThanOrEqual(1);
    for (const { certificateId, name } of [expired, expiring]) {
      expect(said).toContain(`"id":"${certificateId}","notAfter"`);
      expect(said).not.toContain(`"${name}"`);
    }
    expect(said).not.toContain(keyMarker);
  });
});

describe('a text that was stored for a commit that never came', () => {
  const stage = (artifact: string, now: Date) =>
    secrets.stageSecret(artifact, { certificatePem: 'x' }, { distributed: true, now });

  it('stays while its request may still run, and then goes', async () => {
    const artifact = certificateIdOf();
    const digest = await stage(artifact, at);

    await renewArtifact(artifact, new Date(at.getTime() + 3_000_000));
    expect(await stored(digest)).not.toBeNull();
    expect(await secrets.artifactsWithLooseObjects()).toContain(artifact);
    await renewArtifact(artifact, new Date(at.getTime() + 4_000_000));
    expect(await stored(digest)).toBeNull();
    expect(await secrets.artifactsWithLooseObjects()).not.toContain(artifact);
  });

  it('once it is claimed can be named by no commit any more', async () => {
    const artifact = certificateIdOf();
    const digest = await stage(artifact, at);
    await renewArtifact(artifact, new Date(at.getTime() + 4_000_000));

    expect(await dynamo.transact([secrets.namedItem(artifact, digest)])).toMatchObject({ kind: 'refused' });
  });

  it('that a commit names is not taken for left over', async () => {
    const artifact = certificateIdOf();
    const digest = await stage(artifact, at);
    const [loose] = await secrets.retiredObjects(artifact, new Date(8e15));
    expect(await dynamo.transact([secrets.namedItem(artifact, digest)])).toEqual({ kind: 'committed' });

    if (loose) await secrets.deleteLoose(loose);
    expect(await stored(digest)).not.toBeNull();
  });
});

describe('client authorities, as a collection', () => {
  const member = (name: string) => {
    const id = `authority-${(++counter).toString(16).padStart(16, '0')}`;
    const times = { version: 1, createdAt: at.toISOString(), updatedAt: at.toISOString() };
    return { id, clientAuthorityId: id, name, certificates: [], certificatePem: `${name}\n`, ...times };
  };
  const add = (name: string) => {
    const after = member(name);
    return collections.changeCollection(
      authorities.clientAuthorities,
      asked('create-client-authority'),
      (members) => ({
        members: [...members, after],
        id: after.id,
        before: null,
        after,
      }),
    );
  };
  const removeAll = () =>
    collections.changeCollection(
      authorities.clientAuthorities,
      asked('delete-client-authority'),
      (members) => {
        const [before] = members;
        if (!before) throw new TypeError('There is none.');
        return { members: members.slice(1), id: before.id, before, after: null };
      },
    );
  const record = () =>
    artifacts.findFleetArtifact<{ digest: string; vault: string; used: number } & never>(
      clientAuthoritiesArtifact,
    );

  beforeEach(async () => {
    while (((await collections.listMembers(clientAuthoritiesArtifact, { limit: 1 })).items.length ?? 0) > 0)
      await removeAll();
  });

  it('keep every one of several that are added at once', async () => {
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));

    const { digest, used } = (await record()) as unknown as { digest: string; used: number };
    expect(used).toBe(5);
    const { certificatePem } = await secrets.readSecret<{ certificatePem: string }>(digest);
    expect(certificatePem.trim().split('\n').sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('keep their last one while a Scanner uses it, whoever is faster', async () => {
    for (let round = 0; round < 6; round++) {
      await add(newId('name'));
      const scannerId = await registered();
      const [outcome] = await Promise.all([
        removeAll().then(
          () => 'deleted',
          (error: { code: string }) => error.code,
        ),
        use(scannerId, clientAuthoritiesArtifact),
      ]);

      const present = (await record()) as unknown as { used: number; digest: string };
      const head = await named(scannerId, clientAuthoritiesArtifact);
      if (outcome === 'CLIENT_AUTHORITY_IN_USE') expect(present.used).toBe(1);
      // A record without members stays, and settings are refused by its count, which this save does not ask.
      else expect(outcome).toBe('deleted');
      if (head !== undefined) await use(scannerId, clientAuthoritiesArtifact, false);
      if (present.used > 0) await removeAll();
    }
  });

  it('leave no text behind', async () => {
    await add('x');
    await add('y');
    await renewArtifact(clientAuthoritiesArtifact, new Date(at.getTime() + 4_000_000));
    expect(await secrets.retiredObjects(clientAuthoritiesArtifact, new Date(8e15))).toEqual([]);
  });
});
