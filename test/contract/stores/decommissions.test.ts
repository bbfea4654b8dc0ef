import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../../shared/tables.ts';
import { emptyLists as lists, newId, startServices } from './services.ts';

let store: typeof import('../../../functions/stores/decommissions.ts');
let scanners: typeof import('../../../functions/stores/scanners.ts');
let heads: typeof import('../../../functions/stores/heads.ts');
let status: typeof import('../../../functions/stores/status.ts');
let dynamo: typeof import('../../../functions/stores/dynamo.ts');
let fleet: typeof import('../../../functions/stores/fleet-artifacts.ts');
let end: () => Promise<void>;

const at = new Date('2026-11-24T10:00:00.000Z');
const asked = { actor: { name: 'me', requestId: 'r' }, at, operation: 'test' };
let requests = 0;
const next = () => {
  requests += 1;
  return { ...asked, actor: { name: 'me', requestId: `r${requests}` } };
};
const how = { dryRun: false, ifMatch: undefined };

const register = (scannerId: string, epoch = 'e1') =>
  scanners.createScanner({ scannerId, labels: {}, enabled: true, epoch }, lists, next());

const registered = async (): Promise<string> => {
  const scannerId = newId('mx');
  await register(scannerId);
  return scannerId;
};

const change = (scannerId: string, entries: number) =>
  heads.changeConfiguration({
    ...next(),
    scannerId,
    part: 'lists.inbound',
    compute: async ({ configuration }) => ({
      configuration: {
        ...configuration,
        lists: {
          ...configuration.lists,
          inbound: { root: String(entries % 10).repeat(64), entries, enabled: 0 },
        },
      },
      result: null,
    }),
  });

const retire = (scannerId: string) => store.decommissionScanner(scannerId, { ...next(), ...how });

const clearing = (scannerId: string, token: string, until = at.getTime() + 1000) => ({
  scannerId,
  token,
  until,
});

const clear = async (scannerId: string): Promise<boolean> => {
  const own = clearing(scannerId, 'own');
  await store.beginClearing(own, at);
  return store.endClearing(own, await scanners.getScanner(scannerId), at);
};

beforeAll(async () => {
  end = await startServices();
  store = await import('../../../functions/stores/decommissions.ts');
  scanners = await import('../../../functions/stores/scanners.ts');
  heads = await import('../../../functions/stores/heads.ts');
  status = await import('../../../functions/stores/status.ts');
  dynamo = await import('../../../functions/stores/dynamo.ts');
  fleet = await import('../../../functions/stores/fleet-artifacts.ts');
});
afterAll(() => end?.());

describe('a Scanner that is decommissioned', () => {
  it('while others change it ends with one of them last, and takes nothing afterwards', async () => {
    const id = await registered();
    const writes = Promise.allSettled(Array.from({ length: 8 }, (_, index) => change(id, index + 1)));
    await retire(id);
    const outcomes = await writes;
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'SCANNER_DECOMMISSIONED' });
    const head = await heads.readHead(id);
    expect(head.revision).toBe(1 + outcomes.filter(({ status: ended }) => ended === 'fulfilled').length);
    await expect(change(id, 99)).rejects.toMatchObject({ code: 'SCANNER_DECOMMISSIONED' });
    const renamed = scanners.changeScanner(id, { ...next(), ...how }, () => ({ labels: {}, enabled: false }));
    await expect(renamed).rejects.toMatchObject({ code: 'SCANNER_DECOMMISSIONED' });
    const enrolled = scanners.recordCertificate(await scanners.getScanner(id), next(), 'c');
    expect(await enrolled).toBe(false);
  });

  it('gives back what it used of the fleet', async () => {
    const id = await registered();
    const name = newId('cert');
    const artifact = { artifact: name, digest: 'd', version: 1, updatedBy: 'me', requestId: 'r' };
    await dynamo.transact([fleet.recordPut(artifact)]);
    await heads.changeConfiguration({
      ...next(),
      scannerId: id,
      part: 'artifacts',
      compute: async ({ configuration }) => ({
        configuration: { ...configuration, artifacts: { [name]: 'd' } },
        result: null,
      }),
    });
    expect([await fleet.countUsers(name), await fleet.firstUsers(name)]).toEqual([1, [id]]);
    await Promise.all([retire(id), retire(id), retire(id)]);
    expect([await fleet.countUsers(name), await fleet.firstUsers(name)]).toEqual([0, []]);
  });
});

describe('clearing away', () => {
  it('is of one at a time, until its time is over or it gives the right back', async () => {
    const id = await registered();
    await retire(id);
    expect(await store.beginClearing(clearing(id, 'one'), at)).toBe(true);
    expect(await store.beginClearing(clearing(id, 'two'), at)).toBe(false);
    await store.leaveClearing(clearing(id, 'two'));
    expect(await store.beginClearing(clearing(id, 'two'), at)).toBe(false);
    const later = new Date(at.getTime() + 2000);
    expect(await store.beginClearing(clearing(id, 'two', later.getTime() + 1000), later)).toBe(true);
    expect(await store.endClearing(clearing(id, 'one'), await scanners.getScanner(id), later)).toBe(false);
    await store.leaveClearing(clearing(id, 'two'));
    expect(await store.beginClearing(clearing(id, 'three'), at)).toBe(true);
  });

  it('does not end while something has appeared meanwhile', async () => {
    const id = await registered();
    await retire(id);
    const own = clearing(id, 'own');
    await store.beginClearing(own, at);
    const record = await scanners.getScanner(id);
    await store.reopenClearing(record);
    expect(await store.endClearing(own, record, at)).toBe(false);
    expect(await store.endClearing(own, await scanners.getScanner(id), at)).toBe(true);
    await store.reopenClearing(record);
    expect((await scanners.getScanner(id)).clearedAt).toBeUndefined();
  });

  it('that is opened again is looked at again, should the worker fail: until it has ended', async () => {
    const id = await registered();
    const record = await retire(id);
    await clear(id);
    const due = async () => (await status.readState(id)).due?.at;
    expect(await due()).toBeUndefined();
    await store.reopenClearing(record, at);
    expect(await due()).toBe('2026-11-24T10:02:00.000Z');
    await clear(id);
    expect(await due()).toBeUndefined();
  });

  it('takes everything that was seen of the Scanner, however much it reported', async () => {
    const id = await registered();
    await status.putPublished(id, { epoch: 'e1', revision: 1, shadowVersion: 1, at: '' });
    for (let revision = 0; revision < 230; revision++)
      await dynamo.dynamo.send(
        new UpdateCommand({
          TableName: dynamo.tableName(),
          Key: { pk: keys.ofScanner(id), sk: `reported#${revision}` },
        }),
      );
    await retire(id);
    await store.deleteReported(id);
    expect(await clear(id)).toBe(true);
    const left = await dynamo.queryItems<{ sk: string }>(keys.ofScanner(id), 's', { limit: 1000 });
    const found = await Promise.all(
      ['published', 'clearing', 'reported#1'].map((sk) =>
        dynamo.dynamo.send(
          new GetCommand({ TableName: dynamo.tableName(), Key: { pk: keys.ofScanner(id), sk } }),
        ),
      ),
    );
    expect(found.map(({ Item }) => Item)).toEqual([undefined, undefined, undefined]);
    expect(left.items.map(({ sk }) => sk)).toEqual(['scanner']);
  });

  it('never touches what was registered again', async () => {
    const id = await registered();
    const before = await retire(id);
    await clear(id);
    await register(id, 'e2');
    await store.reopenClearing(before);
    expect(await store.endClearing(clearing(id, 'own'), before, at)).toBe(false);
    const present = await scanners.getScanner(id);
    expect(present).toMatchObject({ epoch: 'e2', version: 3 });
    expect(present.decommissionedAt ?? present.clearedAt ?? present.reopened).toBeUndefined();
  });
});

describe('an id that is registered again', () => {
  it('is so once, and only when it is free', async () => {
    const id = await registered();
    await change(id, 5);
    await expect(register(id)).rejects.toMatchObject({ code: 'SCANNER_EXISTS' });
    await retire(id);
    await expect(register(id)).rejects.toMatchObject({
      code: 'SCANNER_NOT_CLEARED',
      data: { retryAfter: 2 },
    });
    await clear(id);
    const made = await Promise.allSettled(['e2', 'e3', 'e4'].map((epoch) => register(id, epoch)));
    expect(made.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const head = await heads.readHead(id);
    expect(head).toMatchObject({ revision: 3, registration: { revision: 3 }, parts: { smtp: 3 } });
    expect(head.configuration.lists.inbound.entries).toBe(0);
    expect(head.decommissionedAt).toBeUndefined();
    expect((await change(id, 7)).head).toMatchObject({ revision: 4, registration: { revision: 3 } });
    expect((await heads.readRevision(id, 2)).configuration.lists.inbound.entries).toBe(5);
  });

  it('has nothing of the status of the earlier one, which stands in nobody’s way', async () => {
    const id = await registered();
    await retire(id);
    await clear(id);
    await register(id, 'e2');
    const presence = (epoch: string) => ({
      epoch,
      sessionIdentifier: epoch,
      versionNumber: 9,
      connected: true,
      at: '',
    });
    // late writers of the first life
    const report = {
      shadowVersion: 90,
      appliedRevision: 1,
      appliedRoots: {},
      appliedAt: '',
      lastReport: null,
    };
    await status.putPresence(id, presence('e1'), undefined);
    await status.putPublished(id, { epoch: 'e1', revision: 1, shadowVersion: 90, at: '' });
    await status.putReport(id, { ...report, epoch: 'e1' });
    const { published, presence: seen, report: told } = await status.readState(id);
    expect([published, seen, told]).toEqual([undefined, undefined, undefined]);

    expect(await status.putPresence(id, presence('e2'), undefined)).toBe(true);
    expect(await status.putPublished(id, { epoch: 'e2', revision: 2, shadowVersion: 1, at: '' })).toBe(true);
    expect(await status.putReport(id, { ...report, shadowVersion: 1, epoch: 'e2' })).toBe(true);
    expect(await status.readState(id)).toMatchObject({
      published: { revision: 2 },
      presence: { sessionIdentifier: 'e2' },
      report: { epoch: 'e2', shadowVersion: 1 },
    });
  });

  it('does not take an enrolment that began before', async () => {
    const id = await registered();
    const first = await scanners.getScanner(id);
    await retire(id);
    await clear(id);
    await register(id, 'e2');
    expect(await scanners.recordCertificate(first, next(), 'old')).toBe(false);
    expect(await scanners.recordCertificate(await scanners.getScanner(id), next(), 'new')).toBe(true);
  });
});
