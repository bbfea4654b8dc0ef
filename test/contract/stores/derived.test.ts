import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../../shared/tables.ts';
import { startServices } from './services.ts';

let derived: typeof import('../../../functions/stores/derived.ts');
let dynamo: typeof import('../../../functions/stores/dynamo.ts');
let objects: typeof import('../../../functions/stores/objects.ts');
let end: () => Promise<void>;

beforeAll(async () => {
  end = await startServices();
  derived = await import('../../../functions/stores/derived.ts');
  dynamo = await import('../../../functions/stores/dynamo.ts');
  objects = await import('../../../functions/stores/objects.ts');
});
afterAll(() => end?.());

const root = 'd'.repeat(64);
const wished = () => dynamo.getItem<{ wantedAt: string }>(keys.ofDerived(root, 'export-csv'), keys.derived);
const second = (seconds: number) => new Date(Date.UTC(2026, 10, 24, 10, 0, seconds));

describe('a wish', () => {
  it('is written once, and again only when nobody has answered it for as long as its worker may take', async () => {
    await derived.wantDerived(root, 'export-csv', second(0));
    await derived.wantDerived(root, 'export-csv', second(299));
    expect(await wished()).toMatchObject({ root, name: 'export-csv', wantedAt: second(0).toISOString() });

    await derived.wantDerived(root, 'export-csv', second(301));
    expect((await wished())?.wantedAt).toBe(second(301).toISOString());
  });
});

describe('text that comes in pieces', () => {
  const as = { contentType: 'text/csv; charset=utf-8', fileName: 'list.csv' };
  const key = () => derived.derivedKey(root, 'list.csv');
  const line = `${'x'.repeat(1023)}\n`;

  it('is there as a whole, plain, in as many parts as it takes', async () => {
    async function* pieces() {
      for (let count = 0; count < 12; count++) yield line.repeat(1024);
    }
    expect(await derived.isMade(root, 'export-csv')).toBe(false);
    await derived.putPieces(key(), pieces(), as);

    expect(await derived.isMade(root, 'export-csv')).toBe(true);
    const object = await objects.getObject(key());
    expect(object).toMatchObject({ ContentType: as.contentType, ContentLength: 12 * 1024 * 1024 });
    expect(object.ContentEncoding).toBeUndefined();
    expect(object.ContentDisposition).toBe('attachment; filename="list.csv"');
    expect((await object.Body?.transformToByteArray())?.length).toBe(12 * 1024 * 1024);
  });

  it('that breaks off leaves nothing, however far it came', async () => {
    async function* broken() {
      for (let count = 0; count < 8; count++) yield line.repeat(1024);
      throw new RangeError('a chunk could not be read');
    }
    const other = derived.derivedKey('e'.repeat(64), 'list.csv');
    await expect(derived.putPieces(other, broken(), as)).rejects.toThrow('a chunk could not be read');

    expect(await objects.sizeOf(other)).toBeNull();
  });

  it('may be empty', async () => {
    async function* nothing() {
      yield '';
    }
    const other = derived.derivedKey('f'.repeat(64), 'list.txt');
    await derived.putPieces(other, nothing(), as);

    expect(await objects.sizeOf(other)).toBe(0);
  });
});
