import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DigestMismatch, openObjectCache } from '../../../scanner/object-cache.ts';
import { emptyFolder } from './folder.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const text = '192.0.2.1\n';

const filled = async (dir: string) => {
  const cache = await openObjectCache(dir);
  await cache.write(sha(text), Buffer.from(text));
  return cache;
};

describe('the object cache', () => {
  it('keeps an object under the sha-256 of its text, across restarts', async () => {
    const dir = emptyFolder();
    await filled(dir);
    const cache = await openObjectCache(dir);
    expect(readdirSync(join(dir, 'objects'))).toEqual([sha(text)]);
    expect(await cache.has(sha(text))).toBe(true);
    expect(await cache.read(sha(text))).toBe(text);
  });

  it('keeps it readable by its owner alone', async () => {
    const dir = emptyFolder();
    await filled(dir);
    expect(statSync(join(dir, 'objects')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'objects', sha(text))).mode & 0o777).toBe(0o600);
  });

  it('refuses bytes that are not those of the name, and keeps nothing of them', async () => {
    const dir = emptyFolder();
    const cache = await openObjectCache(dir);
    await expect(cache.write(sha(text), Buffer.from('192.0.2.2\n'))).rejects.toThrow(DigestMismatch);
    expect(await cache.has(sha(text))).toBe(false);
    expect(readdirSync(join(dir, 'objects'))).toEqual([]);
  });

  it.each([
    ['damaged', (path: string) => writeFileSync(path, '192.0.2.2\n')],
    ['cut', (path: string) => writeFileSync(path, '192.0')],
    ['gone', (path: string) => rmSync(path)],
  ])('has no object that is %s', async (_, harm) => {
    const dir = emptyFolder();
    await filled(dir);
    harm(join(dir, 'objects', sha(text)));
    const cache = await openObjectCache(dir);
    expect(await cache.has(sha(text))).toBe(false);
    await expect(cache.read(sha(text))).rejects.toThrow();
  });

  it('finds out while running that an object was damaged, and takes it anew', async () => {
    const dir = emptyFolder();
    const cache = await filled(dir);
    writeFileSync(join(dir, 'objects', sha(text)), 'x');
    await expect(cache.read(sha(text))).rejects.toThrow(DigestMismatch);
    expect(await cache.has(sha(text))).toBe(false);
    await cache.write(sha(text), Buffer.from(text));
    expect(await cache.read(sha(text))).toBe(text);
  });

  it('forgets what is not to be kept, and what was left half written', async () => {
    const dir = emptyFolder();
    const cache = await filled(dir);
    await cache.write(sha('b'), Buffer.from('b'));
    mkdirSync(join(dir, 'incoming'), { recursive: true });
    writeFileSync(join(dir, 'incoming', 'half'), '192.');
    await cache.prune(new Set([sha('b')]));
    expect(readdirSync(join(dir, 'objects'))).toEqual([sha('b')]);
    expect(existsSync(join(dir, 'incoming'))).toBe(false);
    expect(await cache.has(sha(text))).toBe(false);
  });
});
