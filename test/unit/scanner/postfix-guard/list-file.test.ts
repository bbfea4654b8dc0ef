import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ListDamaged, listReader } from '../../../../scanner/postfix/guard/list-file.ts';
import { valueOfKey } from '../../../../shared/domain/lists/key-text.ts';
import { list } from '../../domain/lists/pieces.ts';

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'lists-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const fileOf = (text: string): string => {
  const path = join(folder(), 'inbound.txt');
  writeFileSync(path, text);
  return path;
};

const valuesOf = async (path: string): Promise<string[]> => {
  const keys = await listReader()(path);
  return Array.from({ length: keys.count }, (_, index) => valueOfKey(keys, index));
};

describe('the file of a list', () => {
  it('has the entries that were written', async () => {
    const path = join(folder(), 'list.txt');
    await fc.assert(
      fc.asyncProperty(list, async (entries) => {
        const values = entries.map(({ value }) => value);
        writeFileSync(path, values.map((value) => `${value}\n`).join(''));
        expect(await valuesOf(path)).toEqual(values);
      }),
      { numRuns: 200 },
    );
  });

  it('may be larger than what is read at once', async () => {
    const values = Array.from({ length: 9000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    expect(await valuesOf(fileOf(`${values.join('\n')}\n`))).toEqual(values);
  });

  it('may have entries that only the slow way reads', async () => {
    const values = ['0.0.0.0/0', '10.0.0.0/7', '::/0', '1::2:3:0:0:4', '.xn--bcher-kva.example'];
    expect(await valuesOf(fileOf(`${values.join('\n')}\n`))).toEqual(values);
  });

  it('of no entry is an empty list', async () => {
    expect(await valuesOf(fileOf(''))).toEqual([]);
  });

  it.each([
    ['without the end of its last line', '10.0.0.1\n10.0.0.2'],
    ['out of order', '10.0.0.2\n10.0.0.1\n'],
    ['with an entry twice', '10.0.0.1\n10.0.0.1\n'],
    ['with a word', '10.0.0.1\nhello\n'],
    ['with an entry in another form', 'Example.com\n'],
    ['with host bits', '10.0.0.1/24\n'],
    ['without any line', 'x'.repeat(100_000)],
  ])('%s is damaged', async (_, text) => {
    await expect(valuesOf(fileOf(text))).rejects.toThrow(ListDamaged);
  });

  it('is held once under the names that several versions have for it', async () => {
    const read = listReader();
    const path = fileOf('10.0.0.1\n');
    const other = join(folder(), 'other.txt');
    linkSync(path, other);
    expect(await read(other)).toBe(await read(path));
    expect(await read(fileOf('10.0.0.1\n'))).not.toBe(await read(path));
  });
});
