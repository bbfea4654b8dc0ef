import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as nodeFiles from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSink } from '../../../scanner/folder-sink.ts';
import { ConfigurationRefused, type ListContent } from '../../../scanner/sink.ts';
import type { SmtpDesired } from '../../../shared/messages/shadow.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { desired, root, wholeDesired } from './documents.ts';
import { dyingFiles } from './dying-files.ts';
import { emptyFolder, inForce, pieces } from './folder.ts';

type Lists = ReadonlyMap<AccessListName, ListContent>;

const inbound = (...texts: string[]): Lists => new Map([['inbound', pieces(...texts)]]);
const whole = (): Lists =>
  new Map([
    ['inbound', pieces('192.0.2.1\n')],
    ['outbound', pieces('10.0.0.0/8\n', 'example.org\n')],
    ['authentication', pieces()],
  ]);

const versionsIn = (dir: string) => readdirSync(join(dir, 'versions')).sort();

describe('a folder sink', () => {
  it('that was never used holds nothing', async () => {
    expect(await folderSink(emptyFolder()).held()).toEqual({ current: null, previous: null });
  });

  it('writes the configuration and each list, one entry a line', async () => {
    const dir = emptyFolder();

    await folderSink(dir).apply(wholeDesired(), whole());

    expect(inForce(dir)).toEqual({
      configuration: wholeDesired(),
      lists: {
        'inbound.txt': '192.0.2.1\n',
        'outbound.txt': '10.0.0.0/8\nexample.org\n',
        'authentication.txt': '',
      },
    });
    expect(lstatSync(join(dir, 'current')).isSymbolicLink()).toBe(true);
  });

  it('tells after a restart what it holds, and what it held before', async () => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    await sink.apply(desired(), inbound('192.0.2.1\n'));
    await sink.apply(desired({ revision: 8 }), inbound('192.0.2.2\n'));

    expect(await folderSink(dir).held()).toEqual({ current: desired({ revision: 8 }), previous: desired() });
  });

  it('keeps the version before and no older one', async () => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    for (const revision of [7, 8, 9, 10])
      await sink.apply(desired({ revision }), inbound(`192.0.2.${revision}\n`));

    expect(versionsIn(dir).map((name) => name.split('-')[0])).toEqual(['10', '9']);
  });

  it('takes an unchanged list over, the very same file', async () => {
    const dir = emptyFolder();
    const file = join(dir, 'current', 'lists', 'inbound.txt');
    await folderSink(dir).apply(desired(), inbound('192.0.2.1\n'));
    const before = statSync(file).ino;

    await folderSink(dir).apply(desired({ revision: 8 }), new Map([['inbound', 'as-applied']]));

    expect(statSync(file).ino).toBe(before);
    expect((await folderSink(dir).held()).current?.revision).toBe(8);
  });

  it('copies an unchanged list where files cannot have two names', async () => {
    const dir = emptyFolder();
    await folderSink(dir).apply(desired(), inbound('192.0.2.1\n'));
    const sink = folderSink(dir, { ...nodeFiles, link: () => Promise.reject(new Error('EPERM')) });

    await sink.apply(desired({ revision: 8 }), new Map([['inbound', 'as-applied']]));

    expect(inForce(dir)?.lists).toEqual({ 'inbound.txt': '192.0.2.1\n' });
  });

  it('refuses to take over a list that is not there', async () => {
    const dir = emptyFolder();
    const applying = folderSink(dir).apply(desired(), new Map([['inbound', 'as-applied']]));

    await expect(applying).rejects.toThrow(TypeError);
    expect(inForce(dir)).toBeNull();
  });

  it.each([
    ['a list that cannot be read to its end', new Error('the chunk is damaged')],
    [
      'a list that contradicts itself',
      new ConfigurationRefused({ pointer: '/lists/inbound', message: 'no' }),
    ],
  ])('keeps the old one, and nothing of the new one, on %s', async (_, error) => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    await sink.apply(desired(), inbound('192.0.2.1\n'));
    const before = versionsIn(dir);
    async function* failing(): AsyncIterable<string> {
      yield '192.0.2.2\n';
      throw error;
    }

    const applying = sink.apply(desired({ revision: 8 }), new Map([['inbound', failing()]]));

    await expect(applying).rejects.toBe(error);
    expect(inForce(dir)).toEqual({ configuration: desired(), lists: { 'inbound.txt': '192.0.2.1\n' } });
    expect(versionsIn(dir)).toEqual(before);
    expect((await sink.held()).current).toEqual(desired());
  });
});

describe('what a folder sink says it holds', () => {
  const damage: [string, (dir: string) => void][] = [
    ['a list was changed', (dir) => writeFileSync(join(dir, 'current/lists/inbound.txt'), '0.0.0.0/0\n')],
    ['a list was cut', (dir) => writeFileSync(join(dir, 'current/lists/inbound.txt'), '')],
    ['a list is gone', (dir) => rmSync(join(dir, 'current/lists/inbound.txt'))],
    ['the configuration was changed', (dir) => writeFileSync(join(dir, 'current/configuration.json'), '{}')],
    ['the configuration is gone', (dir) => rmSync(join(dir, 'current/configuration.json'))],
    ['the record is gone', (dir) => rmSync(join(dir, 'current/record.json'))],
    ['the record is no JSON', (dir) => writeFileSync(join(dir, 'current/record.json'), '{"format":1')],
    [
      'the record speaks of another revision',
      (dir) => {
        const file = join(dir, 'current/record.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('"revision": 7', '"revision": 9'));
      },
    ],
    ['the link is gone', (dir) => rmSync(join(dir, 'current'))],
    ['the version is gone', (dir) => rmSync(join(dir, 'versions'), { recursive: true })],
  ];

  it.each(damage)('is nothing when %s', async (_, harm) => {
    const dir = emptyFolder();
    await folderSink(dir).apply(desired(), inbound('192.0.2.1\n'));

    harm(dir);

    expect((await folderSink(dir).held()).current).toBeNull();
  });

  it.each(damage)('is whole again after the next apply when %s', async (_, harm) => {
    const dir = emptyFolder();
    await folderSink(dir).apply(desired(), inbound('192.0.2.1\n'));
    harm(dir);

    await folderSink(dir).apply(desired(), inbound('192.0.2.1\n'));

    expect(inForce(dir)?.lists).toEqual({ 'inbound.txt': '192.0.2.1\n' });
    expect((await folderSink(dir).held()).current).toEqual(desired());
  });
});

describe('a folder sink that is killed before any of its steps', () => {
  const before = wholeDesired();
  const after: SmtpDesired = {
    ...wholeDesired({ revision: 8 }),
    lists: { ...wholeDesired().lists, outbound: { root: root('d'), entries: 1 } },
  };
  const changed = (): Lists =>
    new Map<AccessListName, ListContent>([
      ['inbound', 'as-applied'],
      ['outbound', pieces('172.16.0.0/12\n', '192.168.0.0/16\n')],
      ['authentication', 'as-applied'],
    ]);
  const old = {
    configuration: before,
    lists: {
      'inbound.txt': '192.0.2.1\n',
      'outbound.txt': '10.0.0.0/8\nexample.org\n',
      'authentication.txt': '',
    },
  };
  const fresh = {
    configuration: after,
    lists: { ...old.lists, 'outbound.txt': '172.16.0.0/12\n192.168.0.0/16\n' },
  };

  /** Applies the second configuration in a folder that has the first, dying at step n. */
  const dieAt = async (n: number) => {
    const dir = emptyFolder();
    await folderSink(dir).apply(before, whole());
    const process = dyingFiles(n);
    await folderSink(dir, process.files)
      .apply(after, changed())
      .catch(() => undefined);
    return { dir, ...process };
  };

  const stepsOf = async (): Promise<number> => (await dieAt(Number.POSITIVE_INFINITY)).steps();

  it('leaves the old or the new, whole, knows which, and applies again', async () => {
    const steps = await stepsOf();
    expect(steps).toBeGreaterThan(15);
    const seen = new Set<number>();
    for (let n = 0; n < steps; n++) {
      const { dir, died } = await dieAt(n);
      expect(died()).toBe(true);

      const left = inForce(dir);
      const { current } = await folderSink(dir).held();

      expect([old, fresh]).toContainEqual(left);
      expect(current).toEqual(left?.configuration);
      seen.add(current?.revision ?? 0);
      await folderSink(dir).apply({ ...after, revision: 9 }, whole());
      expect(inForce(dir)?.configuration).toMatchObject({ revision: 9 });
      expect(versionsIn(dir)).toHaveLength(2);
      expect(existsSync(join(dir, 'current.next'))).toBe(false);
    }
    expect([...seen]).toEqual([7, 8]);
  });

  it('the first time leaves nothing or the whole', async () => {
    const attempt = async (n: number) => {
      const dir = emptyFolder();
      const process = dyingFiles(n);
      await folderSink(dir, process.files)
        .apply(before, whole())
        .catch(() => undefined);
      return { dir, steps: process.steps() };
    };
    const { steps } = await attempt(Number.POSITIVE_INFINITY);
    for (let n = 0; n < steps; n++) {
      const { dir } = await attempt(n);
      expect([null, old]).toContainEqual(inForce(dir));
    }
  });
});
