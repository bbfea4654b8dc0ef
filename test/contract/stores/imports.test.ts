import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostAttempts, newJob, type StoredJob } from '../../../shared/domain/import-job.ts';
import { importOptions } from '../../../shared/schemas/lists.ts';
import { newId, startServices } from './services.ts';

let imports: typeof import('../../../functions/stores/imports.ts');
let end: () => Promise<void>;

const at = '2026-11-24T10:00:00.000Z';
const asked = () => ({ actor: { name: 'me', requestId: newId('r') }, operation: 'test', at: new Date(at) });

const job = (state: StoredJob['state'] = 'uploaded', more: Partial<StoredJob> = {}): StoredJob => ({
  ...newJob(
    {
      importId: newId('imp'),
      scannerId: 'mx1',
      list: 'inbound',
      source: { key: 'imports/mx1/inbound/a.txt', versionId: 'v1' },
      state,
      createdBy: 'me',
      createdAt: at,
    },
    importOptions.parse({}),
  ),
  ...more,
});

beforeAll(async () => {
  end = await startServices();
  imports = await import('../../../functions/stores/imports.ts');
});
afterAll(() => end?.());

describe('a job', () => {
  it('is made once, whoever makes it again', async () => {
    const first = job('uploaded', { createdBy: 'first' });
    const made = await Promise.all([
      imports.createJob(first),
      imports.createJob(first),
      imports.createJob({ ...first, createdBy: 'second' }),
    ]);
    await imports.createJob({ ...first, createdBy: 'third' });

    expect(new Set(made.map((one) => one.createdBy)).size).toBe(1);
    expect(await imports.getJob(first.importId)).toMatchObject({ createdBy: made[0]?.createdBy, attempt: 0 });
  });

  it('belongs to whoever began last: the worker before it can write nothing more', async () => {
    const { importId } = await imports.createJob(job());
    const first = await imports.beginWork(importId);
    const second = await imports.beginWork(importId);

    expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
    expect(await imports.updateWork(first as StoredJob, { problemsTotal: 1 })).toBeNull();
    expect(await imports.updateWork(second as StoredJob, { problemsTotal: 2 })).toMatchObject({
      problemsTotal: 2,
    });
  });

  it('is given up after as many beginnings as are allowed', async () => {
    const { importId } = await imports.createJob(job());
    let last: StoredJob | null = null;
    for (let attempt = 0; attempt < mostAttempts; attempt++) last = await imports.beginWork(importId);
    expect(imports.givenUp(last as StoredJob)).toBe(false);
    expect(imports.givenUp((await imports.beginWork(importId)) as StoredJob)).toBe(true);
  });

  it.each([
    'created',
    'completed',
    'failed',
    'cancelled',
    'awaiting-confirmation',
  ] as const)('that is %s is not worked on', async (state) => {
    const { importId } = await imports.createJob(job(state));
    expect(await imports.beginWork(importId)).toBeNull();
  });

  it('that was cancelled takes no more writes from its worker', async () => {
    const { importId } = await imports.createJob(job());
    const working = (await imports.beginWork(importId)) as StoredJob;
    await imports.cancelJob(importId, asked());

    expect(await imports.updateWork(working, { state: 'completed' })).toBeNull();
    expect(await imports.getJob(importId)).toMatchObject({ state: 'cancelled', finishedAt: at });
  });

  it('takes the first of two uploads', async () => {
    const { importId } = await imports.createJob(job('created'));
    const sources = ['v1', 'v2'].map((versionId) => ({ key: `uploads/${importId}`, versionId }));
    const taken = [];
    for (const source of sources) taken.push(await imports.markUploaded(importId, source, new Date(at)));

    expect(taken[1]).toBeNull();
    expect(await imports.getJob(importId)).toMatchObject({
      state: 'uploaded',
      source: sources[0],
      uploadedAt: at,
    });
  });
});

describe('confirming and cancelling', () => {
  const open = ['created', 'uploaded', 'processing', 'awaiting-confirmation'] as const;
  const ended = ['completed', 'failed', 'cancelled'] as const;

  it('a waiting job is confirmed once', async () => {
    const { importId } = await imports.createJob(job('awaiting-confirmation'));
    expect(await imports.confirmJob(importId, asked())).toMatchObject({ state: 'uploaded', confirmedAt: at });
    await expect(imports.confirmJob(importId, asked())).rejects.toMatchObject({ code: 'IMPORT_STATE' });
  });

  it('dry, says what would be and moves nothing', async () => {
    const { importId } = await imports.createJob(job('awaiting-confirmation'));
    const dry = { ...asked(), dryRun: true };
    expect(await imports.confirmJob(importId, dry)).toMatchObject({ state: 'uploaded' });
    expect(await imports.cancelJob(importId, dry)).toMatchObject({ state: 'cancelled' });
    expect((await imports.getJob(importId)).state).toBe('awaiting-confirmation');
    const { importId: done } = await imports.createJob(job('completed'));
    await expect(imports.cancelJob(done, dry)).rejects.toMatchObject({ code: 'IMPORT_STATE' });
  });

  it.each([
    ...open.filter((state) => state !== 'awaiting-confirmation'),
    ...ended,
  ])('a job that is %s cannot be confirmed', async (state) => {
    const { importId } = await imports.createJob(job(state));
    await expect(imports.confirmJob(importId, asked())).rejects.toMatchObject({ code: 'IMPORT_STATE' });
    expect((await imports.getJob(importId)).state).toBe(state);
  });

  it.each(open)('a job that is %s can be cancelled', async (state) => {
    const { importId } = await imports.createJob(job(state));
    expect((await imports.cancelJob(importId, asked())).state).toBe('cancelled');
  });

  it.each(ended)('a job that is %s cannot be cancelled', async (state) => {
    const { importId } = await imports.createJob(job(state));
    await expect(imports.cancelJob(importId, asked())).rejects.toMatchObject({ code: 'IMPORT_STATE' });
    expect((await imports.getJob(importId)).state).toBe(state);
  });

  it('an import that there is not is NOT_FOUND', async () => {
    await expect(imports.confirmJob(newId('none'), asked())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(imports.cancelJob(newId('none'), asked())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('uploads of one drop-zone key', () => {
  it('are taken in the order of their sequencers, whatever the order of their events', async () => {
    const key = `imports/mx1/inbound/${newId('file')}`;
    expect(await imports.takeDrop(key, { sequencer: '0055', importId: 'b' })).toBe(true);
    expect(await imports.takeDrop(key, { sequencer: '0044', importId: 'a' })).toBe(false);
    expect(await imports.takeDrop(key, { sequencer: '0055', importId: 'b' })).toBe(true);
    expect(await imports.takeDrop(key, { sequencer: '0066', importId: 'c' })).toBe(true);
  });

  it('that come at once leave the newest as the one taken', async () => {
    const key = `imports/mx1/inbound/${newId('file')}`;
    const sequencers = ['0004', '0001', '0003', '0002', '0005'];

    await Promise.all(
      sequencers.map((sequencer) => imports.takeDrop(key, { sequencer, importId: sequencer })),
    );

    expect(await imports.takeDrop(key, { sequencer: '0004', importId: 'late' })).toBe(false);
    expect(await imports.takeDrop(key, { sequencer: '0005', importId: '0005' })).toBe(true);
  });
});

describe('the imports of a Scanner', () => {
  it('are listed newest first, a page at a time, and by state', async () => {
    const scannerId = newId('mx');
    for (let index = 0; index < 5; index++)
      await imports.createJob(
        job(index % 2 ? 'failed' : 'completed', { scannerId, createdAt: `2026-11-24T10:00:0${index}.000Z` }),
      );

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await imports.listJobs(scannerId, { limit: 2, cursor });
      seen.push(...page.items.map((item) => item.createdAt.slice(18, 19)));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen.join('')).toBe('43210');

    const failed = await imports.listJobs(scannerId, { limit: 50, state: 'failed' });
    expect(failed.items).toHaveLength(2);
  });

  it.each([
    'rubbish',
    'e30',
    Buffer.from('{"pk":1}').toString('base64url'),
  ])('are refused for the cursor %s', async (cursor) => {
    await expect(imports.listJobs('mx1', { limit: 2, cursor })).rejects.toMatchObject({
      code: 'CURSOR_INVALID',
    });
  });
});
