import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as artifactsOf from '../../../shared/domain/artifacts.ts';
import { everyList } from '../../../shared/domain/configuration.ts';
import { newJob, type StoredJob } from '../../../shared/domain/import-job.ts';
import { keyed, sortEntries } from '../../../shared/domain/lists/order.ts';
import type { SweepRun } from '../../../shared/domain/sweep.ts';
import { type AccessEntry, importOptions, type ListReference } from '../../../shared/schemas/lists.ts';
import { prefixes } from '../../../shared/tables.ts';
import { newId, startServices } from './services.ts';

let heads: typeof import('../../../functions/stores/heads.ts');
let lists: typeof import('../../../functions/stores/lists.ts');
let objects: typeof import('../../../functions/stores/objects.ts');
let store: typeof import('../../../functions/stores/sweep.ts');
let imports: typeof import('../../../functions/stores/imports.ts');
let scanners: typeof import('../../../functions/stores/scanners.ts');
let run: typeof import('../../../functions/workers/sweep/run-sweep.ts').sweep;
let bindings: typeof import('../../../functions/stores/domain-bindings.ts');
let end: () => Promise<void>;

const day = 86_400_000;
let clock = Date.now();

beforeAll(async () => {
  end = await startServices();
  process.env['HISTORY_DAYS'] = '1';
  heads = await import('../../../functions/stores/heads.ts');
  lists = await import('../../../functions/stores/lists.ts');
  objects = await import('../../../functions/stores/objects.ts');
  store = await import('../../../functions/stores/sweep.ts');
  imports = await import('../../../functions/stores/imports.ts');
  bindings = await import('../../../functions/stores/domain-bindings.ts');
  scanners = await import('../../../functions/stores/scanners.ts');
  ({ sweep: run } = await import('../../../functions/workers/sweep/run-sweep.ts'));
});
afterAll(() => end?.());

/** Each test is days after the one before: what it stored is old by then, and the last run long over. */
beforeEach(() => {
  clock += 5 * day;
});

const sweep = (steps = Number.POSITIVE_INFINITY, at = clock): Promise<SweepRun | undefined> => {
  let left = steps;
  return run({ now: () => new Date(at), hasTime: () => left-- > 0 });
};

const entry = (value: string): AccessEntry => ({ value, kind: 'ipv4', enabled: true });
const addresses = (third: number, count: number) =>
  Array.from({ length: count }, (_, index) => entry(`10.${third}.${index >> 8}.${index & 255}`));
const listOf = (entries: AccessEntry[]) => lists.build(sortEntries(entries.map(keyed)));

const asked = () => ({ actor: { name: 'me', requestId: newId('r') }, operation: 'test', at: new Date() });

const registered = async (): Promise<string> => {
  const scannerId = newId('mx');
  const empty = await lists.writeEmptyList();
  const references = everyList(empty);
  await scanners.createScanner({ scannerId, labels: {}, enabled: true, epoch: 'e' }, references, asked());
  return scannerId;
};

/** Makes a list the outbound list of a Scanner, as a write does. */
const commit = async (scannerId: string, entries: AccessEntry[]): Promise<ListReference> => {
  const built = listOf(entries);
  let reference: ListReference = { root: built.root, entries: entries.length, enabled: entries.length };
  await heads.changeConfiguration({
    scannerId,
    part: 'lists.outbound',
    ...asked(),
    compute: async ({ configuration }) => ({
      configuration: { ...configuration, lists: { ...configuration.lists, outbound: reference } },
      prepare: async () => {
        reference = await lists.writeList(built, await lists.readManifest(configuration.lists.outbound.root));
      },
      result: null,
    }),
  });
  return reference;
};

const versionsOf = async (key: string) => {
  const { versions } = await store.listVersions(key);
  return versions.length;
};
const isThere = async (key: string): Promise<boolean> => (await objects.sizeOf(key)) !== null;
const orphan = async (): Promise<string> => {
  const text = `${newId('orphan')}\n`;
  const key = lists.chunkKey(objects.sha256(text));
  await objects.putText(key, text, 'text/plain');
  return key;
};

describe('the sweep', () => {
  it('leaves what was stored less than a day before its mark: its writer may be about to name it', async () => {
    const key = await orphan();

    expect(await sweep(Number.POSITIVE_INFINITY, Date.now() + day - 60_000)).toMatchObject({ phase: 'done' });
    expect(await isThere(key)).toBe(true);

    await sweep();
    expect(await isThere(key)).toBe(false);
  });

  it('deletes what no revision names, chunk and manifest, and leaves what one does', async () => {
    const scannerId = await registered();
    const kept = await commit(scannerId, addresses(1, 3000));
    const lost = listOf(addresses(2, 3000));
    await lists.writeList(lost);
    const keys = [lists.manifestKey(lost.root), ...lost.chunks.map((chunk) => lists.chunkKey(chunk.sha256))];

    expect(await sweep()).toMatchObject({ phase: 'done' });

    for (const key of keys) expect(await isThere(key)).toBe(false);
    expect(await lists.readList(await lists.readManifest(kept.root))).toHaveLength(3000);
  });

  it('takes away versions behind the newest of an object that is named', async () => {
    const scannerId = await registered();
    const { root } = await commit(scannerId, addresses(3, 10));
    for (let again = 0; again < 3; again++) await lists.writeList(listOf(addresses(3, 10)));
    expect(await versionsOf(lists.manifestKey(root))).toBe(4);

    await sweep();

    expect(await versionsOf(lists.manifestKey(root))).toBe(1);
    expect(await lists.readList(await lists.readManifest(root))).toHaveLength(10);
  });

  it('goes on, after its process died at any step, where that process was', async () => {
    const gone = await Promise.all(Array.from({ length: 5 }, orphan));
    let ran = await sweep(1);
    let processes = 1;
    while (ran?.phase !== 'done') {
      ran = await sweep(1);
      processes += 1;
    }

    expect(processes).toBeGreaterThan(2);
    for (const key of gone) expect(await isThere(key)).toBe(false);
  });

  it('rests until a day after it began', async () => {
    const done = await sweep();
    const key = await orphan();

    expect(await sweep(Number.POSITIVE_INFINITY, clock + day - 1)).toMatchObject({ ...done });
    expect(await isThere(key)).toBe(true);
    await sweep(Number.POSITIVE_INFINITY, clock + 2 * day);
    expect(await isThere(key)).toBe(false);
  });

  it('throws away a mark that is a day old, and marks again', async () => {
    const scannerId = await registered();
    const begun = await sweep(1);
    expect(begun).toMatchObject({ phase: 'delete' });
    const { root } = await commit(scannerId, addresses(4, 10));

    const ended = await sweep(Number.POSITIVE_INFINITY, clock + 2 * day);

    expect(ended?.runId).not.toBe(begun?.runId);
    expect(await lists.readList(await lists.readManifest(root))).toHaveLength(10);
  });

  it('two at once do no harm: one ends the run, the other stops', async () => {
    const keys = await Promise.all(Array.from({ length: 3 }, orphan));

    const ran = await Promise.all([sweep(), sweep(), sweep()]);

    expect(new Set(ran.map((one) => one?.runId)).size).toBe(1);
    let last = await store.readRun();
    while (last?.phase !== 'done') last = await sweep();
    for (const key of keys) expect(await isThere(key)).toBe(false);
  });

  it('goes on with all marks of two processes that marked from the same place', async () => {
    const runId = newId('run');
    await store.putPart(runId, newId('fast'), ['a', 'b']);
    await store.putPart(runId, newId('slow'), ['a']);

    expect(await store.readParts(runId, 1)).toEqual(new Set(['a', 'b']));
    await expect(store.readParts(runId, 3)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('throws away the run of an earlier version, whose mark knows nothing of some prefixes', async () => {
    const begun = await sweep(1);
    const { prefixes: _, ...earlier } = (await store.readRun()) as SweepRun;
    await store.saveRun(earlier, earlier.version);

    const ended = await sweep();

    expect(ended).toMatchObject({ phase: 'done' });
    expect(ended?.runId).not.toBe(begun?.runId);
  });

  it('deletes bindings of domains that no revision names, and leaves those that one does', async () => {
    const bind = (scannerId: string, domain: string) =>
      heads.changeConfiguration({
        scannerId,
        part: 'advanced',
        ...asked(),
        compute: async ({ configuration }) => {
          const domains = [{ domain, sources: ['auto' as const] }];
          const advanced = {
            ...configuration.advanced,
            bindings: { ...configuration.advanced.bindings, domains },
          };
          return {
            configuration: { ...configuration, advanced },
            prepare: () => bindings.writeDomainBindings(advanced),
            result: artifactsOf.ownDigests({ advanced }, objects.sha256)[0] as string,
          };
        },
      });
    const scannerId = await registered();
    const [before, present] = [
      await bind(scannerId, 'before.example'),
      await bind(scannerId, 'present.example'),
    ].map(({ result }) => `${prefixes.artifacts}${result}`) as [string, string];
    const nobodys = `${prefixes.artifacts}${objects.sha256('nobody')}`;
    await objects.putText(nobodys, 'nobody', 'application/json');

    expect(await sweep()).toMatchObject({ phase: 'done' });

    expect(await isThere(present)).toBe(true);
    expect(await isThere(before)).toBe(true);
    expect(await isThere(nobodys)).toBe(false);
  });

  it('deletes nothing while a manifest that is named is missing', async () => {
    const scannerId = await registered();
    const { root } = await commit(scannerId, addresses(5, 10));
    const key = await orphan();
    const { versions } = await store.listVersions(lists.manifestKey(root));
    await store.deleteVersions(versions);

    expect(await sweep()).toMatchObject({ phase: 'failed', error: expect.stringContaining(root) });

    expect(await isThere(key)).toBe(true);
    await lists.writeList(listOf(addresses(5, 10)));
  });

  it('passes over what is not named by a digest', async () => {
    const key = `${prefixes.chunks}notes.txt`;
    await objects.putText(key, 'by hand', 'text/plain');

    await sweep();

    expect(await isThere(key)).toBe(true);
  });
});

describe('a revision that has left retention', () => {
  it('is not read, listed or named again, and its list is kept for seven more days', async () => {
    const scannerId = await registered();
    const { root } = await commit(scannerId, addresses(6, 10));
    await commit(scannerId, addresses(7, 10));
    const later = (days: number) => new Date(Date.now() + days * day);
    const restore = (at: Date) =>
      heads.changeConfiguration({
        scannerId,
        part: 'all',
        ...asked(),
        compute: async ({ configuration }) => ({
          configuration: {
            ...configuration,
            smtp: null,
            lists: { ...configuration.lists, outbound: { root, entries: 10, enabled: 10 } },
          },
          transact: (next) => heads.retainedItems(next, 2, at),
          result: null,
        }),
      });

    expect(await heads.readRevision(scannerId, 2, later(0.9))).toMatchObject({ revision: 2 });
    await expect(heads.readRevision(scannerId, 2, later(1.1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(
      (await heads.listRevisions(scannerId, { limit: 9 }, later(1.1))).items.map((one) => one.revision),
    ).toEqual([3]);
    await expect(restore(later(1.1))).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await sweep();
    expect(await lists.readList(await lists.readManifest(root))).toHaveLength(10);
    expect(await restore(later(0.9))).toMatchObject({ changed: true, head: { revision: 4 } });
  });
});

it('the revision in force can be named again by the change that supersedes it', async () => {
  const scannerId = await registered();
  const { root } = await commit(scannerId, addresses(8, 10));

  const { head } = await heads.changeConfiguration({
    scannerId,
    part: 'all',
    ...asked(),
    compute: async ({ configuration }) => ({
      configuration: {
        ...configuration,
        artifacts: {},
        advanced: {
          ...configuration.advanced,
          delivery: { ...configuration.advanced.delivery, minRetryMinutes: 5 },
        },
      },
      transact: (next) => heads.retainedItems(next, 2, new Date()),
      result: null,
    }),
  });

  expect(head).toMatchObject({ revision: 3, configuration: { lists: { outbound: { root } } } });
});

describe('an import that was lost', () => {
  const job = (importId: string, state: StoredJob['state'], createdAt: Date) =>
    newJob(
      {
        importId,
        scannerId: 'mx1',
        list: 'inbound',
        source: { key: 'k' },
        state,
        createdBy: 'me',
        createdAt: createdAt.toISOString(),
      },
      importOptions.parse({}),
    );

  it('is woken by the sweep, and one that is worked on is not', async () => {
    const long = new Date(clock - 3_600_000);
    const lost = await imports.createJob(job(newId('lost'), 'uploaded', long));
    const dead = await imports.createJob(job(newId('dead'), 'uploaded', long));
    await imports.beginWork(dead.importId, long);
    const busy = await imports.createJob(job(newId('busy'), 'uploaded', long));
    await imports.beginWork(busy.importId, new Date(clock - 60_000));
    const waiting = await imports.createJob(job(newId('waiting'), 'awaiting-confirmation', long));

    await sweep();

    const at = new Date(clock).toISOString();
    expect(await imports.getJob(lost.importId)).toMatchObject({ state: 'uploaded', wokenAt: at });
    expect(await imports.getJob(dead.importId)).toMatchObject({ state: 'uploaded', wokenAt: at, attempt: 1 });
    for (const other of [busy, waiting])
      expect(await imports.getJob(other.importId)).not.toHaveProperty('wokenAt');
  });
});
