import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../../shared/schemas/lists.ts';
import { startServices } from './services.ts';

let lists: typeof import('../../../functions/stores/lists.ts');
let s3: import('@aws-sdk/client-s3').S3Client;
let end: () => Promise<void>;
/** Commands that went to the bucket, by name. */
let calls: string[] = [];

const called = (name: string): number => calls.filter((call) => call === name).length;

/** Addresses in the order of a list, every other number, so that there is room between any two. */
const entries = (count: number): AccessEntry[] =>
  Array.from({ length: count }, (_, index) => {
    const number = index * 2;
    const value = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    return { value, kind: 'ipv4', enabled: true };
  });

const size = 30_000;
const whole = entries(size);

beforeAll(async () => {
  end = await startServices();
  lists = await import('../../../functions/stores/lists.ts');
  ({ s3 } = await import('../../../functions/stores/objects.ts'));
  s3.middlewareStack.add(
    (next, context) => (args) => {
      calls.push(String(context['commandName']));
      return next(args);
    },
    { step: 'initialize', name: 'counting' },
  );
  await lists.writeList(lists.build(whole));
});
afterAll(() => end?.());
beforeEach(() => {
  calls = [];
});

describe('a stored list', () => {
  it('is read back as it was, through one object for its manifest and one a chunk', async () => {
    const built = lists.build(whole);
    const manifest = await lists.readManifest(built.root);
    const read = await lists.readList(manifest);

    expect(read.map(({ key: _, ...entry }) => entry)).toEqual(whole);
    expect(called('GetObjectCommand')).toBe(1 + manifest.chunks.length);
  });

  it.each([
    0, 1, 1999, 12_345, 28_999,
  ])('answers 1,000 entries from %i with at most 3 object reads', async (from) => {
    const manifest = await lists.readManifest(lists.build(whole).root);
    const page = await lists.readEntries(manifest, from, from + 1000);

    expect(page).toEqual(whole.slice(from, from + 1000));
    expect(called('GetObjectCommand')).toBeLessThanOrEqual(3);
  });

  it.each([
    0, 7000, 29_999,
  ])('edited at %i writes the chunks that changed and the manifest, no more', async (at) => {
    const base = await lists.readManifest(lists.build(whole).root);
    const added = { ...(whole[at] as AccessEntry) };
    added.value = added.value.replace(/\d+$/, (last) => String(Number(last) + 1));
    const edited = lists.build(whole.toSpliced(at + 1, 0, added));
    calls = [];

    await lists.writeList(edited, base);

    expect(called('PutObjectCommand')).toBeGreaterThanOrEqual(2);
    expect(called('PutObjectCommand')).toBeLessThanOrEqual(3);
    expect((await lists.readManifest(edited.root)).entries).toBe(size + 1);
  });

  it('of a writer that died before the head moved leaves the list that the head names whole', async () => {
    const present = lists.build(whole);
    const next = lists.build(whole.slice(0, 9000));
    await lists.writeList(next, present.manifest);

    const read = await lists.readEntries(await lists.readManifest(present.root), 0, size);

    expect(read).toHaveLength(size);
  });

  it('without entries has a root like any other', async () => {
    const { root } = await lists.writeEmptyList();
    const manifest = await lists.readManifest(root);

    expect(manifest).toMatchObject({ entries: 0, chunks: [] });
    expect(await lists.readEntries(manifest, 0, 50)).toEqual([]);
  });

  it('that is not there is SOURCE_NOT_FOUND', async () => {
    await expect(lists.readManifest('0'.repeat(64))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});
