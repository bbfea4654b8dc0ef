import { readFileSync, statSync, writeFileSync } from 'node:fs';
import * as nodeFiles from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { derivedNames } from '../../../scanner/version-folder.ts';
import { versionsIn } from '../../../scanner/versions.ts';
import { desired, pair } from './documents.ts';
import { emptyFolder, pieces } from './folder.ts';

const making = (derive?: (folder: string) => Promise<Record<string, { text: string; secret: boolean }>>) => ({
  desired: pair(desired()),
  contents: { lists: new Map([['inbound' as const, pieces('192.0.2.1\n')]]), artifacts: new Map() },
  from: null,
  ...(derive ? { derive } : {}),
});

const twoFiles = async () => ({
  'main.cf': { text: 'a = b\n', secret: false },
  'tls/key.pem': { text: 'KEY\n', secret: true },
});

describe('what is derived from a configuration', () => {
  it('lies in its version, secrets for their owner alone', async () => {
    const versions = versionsIn(emptyFolder(), nodeFiles);
    const { path, record } = await versions.build(making(twoFiles));
    expect(readFileSync(join(path, 'main.cf'), 'utf8')).toBe('a = b\n');
    expect(statSync(join(path, 'tls/key.pem')).mode & 0o777).toBe(0o600);
    expect(derivedNames(record)).toEqual(['main.cf', 'tls/key.pem']);
  });

  it('is derived from lists that are there already', async () => {
    const versions = versionsIn(emptyFolder(), nodeFiles);
    const { path } = await versions.build(
      making(async (folder) => ({
        copy: { text: readFileSync(join(folder, 'lists/inbound.txt'), 'utf8'), secret: false },
      })),
    );
    expect(readFileSync(join(path, 'copy'), 'utf8')).toBe('192.0.2.1\n');
  });

  it('is verified like everything else', async () => {
    const versions = versionsIn(emptyFolder(), nodeFiles);
    const { name, path } = await versions.build(making(twoFiles));
    await versions.switchTo(name);
    expect(await versions.look()).toMatchObject({ name });
    writeFileSync(join(path, 'tls/key.pem'), 'OTHER\n');
    expect(await versions.look()).toBeNull();
  });

  it('leaves nothing where it cannot be', async () => {
    const dir = emptyFolder();
    const error = new Error('cannot be honoured');
    await expect(versionsIn(dir, nodeFiles).build(making(() => Promise.reject(error)))).rejects.toBe(error);
    expect(await readdir(join(dir, 'versions'))).toEqual([]);
  });

  it('is in no version that derives nothing', async () => {
    const { record } = await versionsIn(emptyFolder(), nodeFiles).build(making());
    expect(derivedNames(record)).toEqual([]);
  });
});
