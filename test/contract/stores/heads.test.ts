import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Head } from '../../../shared/domain/configuration.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noTls } from '../../../shared/schemas/smtp.ts';
import { emptyLists as lists, newId, emptyReference as reference, startServices } from './services.ts';

type Heads = typeof import('../../../functions/stores/heads.ts');

let heads: Heads;
let audit: typeof import('../../../functions/stores/audit.ts');
let dynamo: typeof import('../../../functions/stores/dynamo.ts');
let createScanner: typeof import('../../../functions/stores/scanners.ts').createScanner;
let end: () => Promise<void>;

const at = new Date('2026-11-24T10:00:00.000Z');
const request = { actor: { name: 'me', requestId: 'r' }, at };
const registering = { ...request, operation: 'create-scanner' };

const settings = (port: number): SmtpSettings => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.1', port }, ipv6: null, tls: noTls, accept: 'all' },
});

const registered = async (): Promise<string> => {
  const scannerId = newId('mx');
  await createScanner({ scannerId, labels: {}, enabled: true, epoch: 'e' }, lists, registering);
  return scannerId;
};

const savePort = (
  scannerId: string,
  port: number,
  more: Partial<Parameters<Heads['changeConfiguration']>[0]> = {},
) =>
  heads.changeConfiguration({
    scannerId,
    part: 'smtp',
    operation: 'put-smtp',
    ...request,
    actor: { name: 'me', requestId: newId('request') },
    compute: async (head) => ({
      configuration: { ...head.configuration, smtp: settings(port) },
      result: port,
    }),
    ...more,
  });

const revisionsOf = async (scannerId: string, last: number): Promise<Head[]> =>
  Promise.all(Array.from({ length: last }, (_, index) => heads.readRevision(scannerId, index + 1)));

const auditOf = async (scannerId: string, revision: number) =>
  (await audit.listAudit(scannerId, { limit: 100 })).items.find((entry) => entry.revision === revision);

beforeAll(async () => {
  end = await startServices();
  heads = await import('../../../functions/stores/heads.ts');
  audit = await import('../../../functions/stores/audit.ts');
  dynamo = await import('../../../functions/stores/dynamo.ts');
  ({ createScanner } = await import('../../../functions/stores/scanners.ts'));
});
afterAll(() => end?.());

describe('a race for the head', () => {
  it('leaves a revision for each write, in a row, each made from the one before it', async () => {
    const scannerId = await registered();
    const writers = 12;

    const done = await Promise.all(
      Array.from({ length: writers }, (_, index) => savePort(scannerId, 1000 + index)),
    );

    const revisions = await revisionsOf(scannerId, writers + 1);
    expect(done.map((one) => one.head.revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: writers }, (_, index) => index + 2),
    );
    for (const { head, result } of done)
      expect(revisions[head.revision - 1]?.configuration.smtp).toEqual(settings(result as number));
    for (let revision = 2; revision <= writers + 1; revision++)
      expect(await auditOf(scannerId, revision)).toMatchObject({
        actor: 'me',
        before: revisions[revision - 2]?.configuration,
        after: revisions[revision - 1]?.configuration,
      });
    expect((await heads.readHead(scannerId)).configuration).toEqual(revisions.at(-1)?.configuration);
    await expect(heads.readRevision(scannerId, writers + 2)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves revisions 1 to N of a thousand concurrent writes, without a gap and without a loss', async () => {
    const scannerId = await registered();
    const writes = 1000;
    let next = 0;
    const made: number[] = [];
    const write = async (port: number): Promise<number> => {
      try {
        return (await savePort(scannerId, port)).head.revision;
      } catch (error) {
        // What a client is told to do: try again later.
        if ((error as { code?: string }).code === 'THROTTLED') return write(port);
        throw error;
      }
    };
    const lane = async () => {
      while (next < writes) {
        next += 1;
        made.push(await write(1024 + next));
      }
    };
    await Promise.all(Array.from({ length: 4 }, lane));

    expect(made.sort((one, other) => one - other)).toEqual(
      Array.from({ length: writes }, (_, index) => index + 2),
    );
    const revisions = await revisionsOf(scannerId, writes + 1);
    expect(revisions.map(({ revision }) => revision)).toEqual(
      Array.from({ length: writes + 1 }, (_, index) => index + 1),
    );
    const ports = new Set(revisions.map((one) => one.configuration.smtp?.inbound?.ipv4.port));
    expect(ports.size).toBe(writes + 1);
  }, 300_000);

  it('has one winner among writes that name the revision they saw', async () => {
    const scannerId = await registered();

    const done = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => savePort(scannerId, 2000 + index, { ifMatch: 1 })),
    );

    expect(done.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of done)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ code: 'REVISION_CONFLICT', data: { revision: 2 } });
    expect((await heads.readHead(scannerId)).revision).toBe(2);
  });

  it('lets a write of one part stand beside If-Match on another', async () => {
    const scannerId = await registered();
    await savePort(scannerId, 25);

    const { head } = await heads.changeConfiguration({
      scannerId,
      part: 'lists.inbound',
      operation: 'add-entries',
      ...request,
      ifMatch: 1,
      compute: async ({ configuration }) => ({
        configuration: {
          ...configuration,
          lists: { ...configuration.lists, inbound: { ...reference, root: 'b'.repeat(64) } },
        },
        result: null,
      }),
    });

    expect(head).toMatchObject({ revision: 3, parts: { smtp: 2, 'lists.inbound': 3 } });
  });
});

describe('a change', () => {
  it('that changes nothing makes no revision', async () => {
    const scannerId = await registered();
    await savePort(scannerId, 25);

    expect(await savePort(scannerId, 25)).toMatchObject({ changed: false, head: { revision: 2 } });
    await expect(heads.readRevision(scannerId, 3)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('whose own item is refused leaves head, revision and audit as they were', async () => {
    const scannerId = await registered();
    const there = { pk: newId('own'), sk: 'item' };
    const compute = async ({ configuration }: Head) => ({
      configuration: { ...configuration, smtp: settings(25) },
      transact: () => [dynamo.putNew(there)],
      result: null,
    });
    await savePort(scannerId, 25, { compute });
    const other = await registered();

    await expect(savePort(other, 25, { compute })).rejects.toMatchObject({ code: 'SUPERSEDED' });

    expect((await heads.readHead(other)).revision).toBe(1);
    await expect(heads.readRevision(other, 2)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await auditOf(other, 2)).toBeUndefined();
  });

  it('of a Scanner that is not registered is refused', async () => {
    await expect(savePort(newId('none'), 25)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('registration', () => {
  it('of one id at the same time succeeds once, with revision 1 and its audit', async () => {
    const scannerId = newId('mx');
    const record = { scannerId, labels: {}, enabled: true, epoch: 'e' };

    const done = await Promise.allSettled(
      Array.from({ length: 5 }, () => createScanner(record, lists, registering)),
    );

    expect(done.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of done)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'SCANNER_EXISTS' });
    expect(await heads.readHead(scannerId)).toMatchObject({ revision: 1, configuration: { smtp: null } });
    expect(await auditOf(scannerId, 1)).toMatchObject({ before: null });
  });
});
