import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as nodeFiles from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSink } from '../../../scanner/folder-sink.ts';
import {
  type ArtifactContent,
  ConfigurationRefused,
  type Contents,
  type ListContent,
  type Sink,
} from '../../../scanner/sink.ts';
import type { SmtpDesired } from '../../../shared/messages/shadow.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { advancedDesired, desired, pair, root, wholeDesired } from './documents.ts';
import { dyingFiles } from './dying-files.ts';
import { emptyFolder, inForce, pieces } from './folder.ts';
import { sha } from './lists-of.ts';

type Lists = Contents['lists'];
type Artifacts = Contents['artifacts'];

const holding = (lists: Lists, artifacts: Artifacts = new Map()): Contents => ({ lists, artifacts });
const inbound = (...texts: string[]): Contents => holding(new Map([['inbound', pieces(...texts)]]));
const inboundAsApplied = (): Contents => holding(new Map([['inbound', 'as-applied']]));

const certificate = 'cert-0123456789abcdef';
const secretOf = (key: string): string => JSON.stringify({ privateKeyPem: key });
const sources = '[{"bindPassword":"s3cret"}]';
const named = (key: string) => ({ [certificate]: sha(secretOf(key)), 'directory-sources': sha(sources) });
const secrets = (key: string): Artifacts =>
  new Map<string, ArtifactContent>([
    [certificate, { text: secretOf(key) }],
    ['directory-sources', { text: sources }],
  ]);
const certificateFile = `${certificate}.json`;

/** Three lists and two artifacts. */
const wholeWith = (key: string, more: Partial<SmtpDesired> = {}) =>
  pair(wholeDesired({ artifacts: named(key), ...more }));
const whole = (key = 'k1'): Contents =>
  holding(
    new Map([
      ['inbound', pieces('192.0.2.1\n')],
      ['outbound', pieces('10.0.0.0/8\n', 'example.org\n')],
      ['authentication', pieces()],
    ]),
    secrets(key),
  );
const wholeFiles = (key: string) => ({
  lists: {
    'inbound.txt': '192.0.2.1\n',
    'outbound.txt': '10.0.0.0/8\nexample.org\n',
    'authentication.txt': '',
  },
  artifacts: { [certificateFile]: secretOf(key), 'directory-sources.json': sources },
});

const put = (sink: Sink, smtp: SmtpDesired, contents: Contents) => sink.apply(pair(smtp), contents);
const shown = (smtp: SmtpDesired) => ({ ...smtp, advanced: advancedDesired() });
/** Files of artifacts in whatever version, finished or not. */
const artifactsBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.startsWith('versions/') && name.includes('/artifacts/'))
    .map((name) => join(dir, name));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

const versionsIn = (dir: string) => readdirSync(join(dir, 'versions')).sort();

describe('a folder sink', () => {
  it('that was never used holds nothing', async () => {
    expect(await folderSink(emptyFolder()).held()).toEqual({ current: null, previous: null });
  });

  it('writes the configuration, advanced settings and all, each list, one entry a line, and each artifact', async () => {
    const dir = emptyFolder();

    await folderSink(dir).apply(wholeWith('k1'), whole());

    expect(inForce(dir)).toEqual({ configuration: shown(wholeWith('k1').smtp), ...wholeFiles('k1') });
    expect(lstatSync(join(dir, 'current')).isSymbolicLink()).toBe(true);
  });

  it('tells after a restart what it holds, and what it held before', async () => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    await put(sink, desired(), inbound('192.0.2.1\n'));
    await put(sink, desired({ revision: 8 }), inbound('192.0.2.2\n'));

    expect(await folderSink(dir).held()).toEqual({
      current: pair(desired({ revision: 8 })),
      previous: pair(desired()),
    });
  });

  it('keeps the version before and no older one', async () => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    for (const revision of [7, 8, 9, 10])
      await put(sink, desired({ revision }), inbound(`192.0.2.${revision}\n`));

    expect(versionsIn(dir).map((name) => name.split('-')[0])).toEqual(['10', '9']);
  });

  it('takes an unchanged list over, the very same file', async () => {
    const dir = emptyFolder();
    const file = join(dir, 'current', 'lists', 'inbound.txt');
    await put(folderSink(dir), desired(), inbound('192.0.2.1\n'));
    const before = statSync(file).ino;

    await put(folderSink(dir), desired({ revision: 8 }), inboundAsApplied());

    expect(statSync(file).ino).toBe(before);
    expect((await folderSink(dir).held()).current?.smtp.revision).toBe(8);
  });

  it('copies an unchanged list where files cannot have two names', async () => {
    const dir = emptyFolder();
    await put(folderSink(dir), desired(), inbound('192.0.2.1\n'));
    const sink = folderSink(dir, { ...nodeFiles, link: () => Promise.reject(new Error('EPERM')) });

    await put(sink, desired({ revision: 8 }), inboundAsApplied());

    expect(inForce(dir)?.lists).toEqual({ 'inbound.txt': '192.0.2.1\n' });
  });

  it('refuses to take over a list that is not there', async () => {
    const dir = emptyFolder();
    const applying = put(folderSink(dir), desired(), inboundAsApplied());

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
    await put(sink, desired(), inbound('192.0.2.1\n'));
    const before = versionsIn(dir);
    async function* failing(): AsyncIterable<string> {
      yield '192.0.2.2\n';
      throw error;
    }

    const applying = put(sink, desired({ revision: 8 }), holding(new Map([['inbound', failing()]])));

    await expect(applying).rejects.toBe(error);
    expect(inForce(dir)).toEqual({
      configuration: shown(desired()),
      lists: { 'inbound.txt': '192.0.2.1\n' },
      artifacts: {},
    });
    expect(versionsIn(dir)).toEqual(before);
    expect((await sink.held()).current).toEqual(pair(desired()));
  });
});

describe('what a folder sink says it holds', () => {
  const damage: [string, (dir: string) => void][] = [
    ['a list was changed', (dir) => writeFileSync(join(dir, 'current/lists/inbound.txt'), '0.0.0.0/0\n')],
    ['a list was cut', (dir) => writeFileSync(join(dir, 'current/lists/inbound.txt'), '')],
    ['a list is gone', (dir) => rmSync(join(dir, 'current/lists/inbound.txt'))],
    ['the configuration was changed', (dir) => writeFileSync(join(dir, 'current/configuration.json'), '{}')],
    ['the configuration is gone', (dir) => rmSync(join(dir, 'current/configuration.json'))],
    [
      'an artifact was changed',
      (dir) => writeFileSync(join(dir, 'current/artifacts', certificateFile), '{}'),
    ],
    ['an artifact is gone', (dir) => rmSync(join(dir, 'current/artifacts', certificateFile))],
    [
      'the record has advanced settings of another digest',
      (dir) => {
        const file = join(dir, 'current/record.json');
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replace('"minRetryMinutes": 15', '"minRetryMinutes": 16'),
        );
      },
    ],
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
    await folderSink(dir).apply(wholeWith('k1'), whole());

    harm(dir);

    expect((await folderSink(dir).held()).current).toBeNull();
  });

  it.each(damage)('is whole again after the next apply when %s', async (_, harm) => {
    const dir = emptyFolder();
    await folderSink(dir).apply(wholeWith('k1'), whole());
    harm(dir);

    await folderSink(dir).apply(wholeWith('k1'), whole());

    expect(inForce(dir)).toMatchObject(wholeFiles('k1'));
    expect((await folderSink(dir).held()).current).toEqual(wholeWith('k1'));
  });
});

describe('the artifacts in a folder', () => {
  it('are readable by their owner alone', async () => {
    const dir = emptyFolder();
    await folderSink(dir).apply(wholeWith('k1'), whole());
    const folder = join(dir, 'current', 'artifacts');

    expect(modeOf(folder)).toBe(0o700);
    for (const name of readdirSync(folder)) expect(modeOf(join(folder, name))).toBe(0o600);
  });

  const unchanged = (): Contents =>
    holding(whole().lists, new Map([...secrets('k2'), ['directory-sources', 'as-applied']]));

  it('that have not changed are taken over, the very same files', async () => {
    const dir = emptyFolder();
    const file = join(dir, 'current', 'artifacts', 'directory-sources.json');
    await folderSink(dir).apply(wholeWith('k1'), whole());
    const before = statSync(file).ino;

    await folderSink(dir).apply(wholeWith('k2', { revision: 8 }), unchanged());

    expect(inForce(dir)).toMatchObject(wholeFiles('k2'));
    expect(statSync(file).ino).toBe(before);
    expect((await folderSink(dir).held()).current).toEqual(wholeWith('k2', { revision: 8 }));
  });

  it('stay readable by their owner alone where they must be copied', async () => {
    const dir = emptyFolder();
    await folderSink(dir).apply(wholeWith('k1'), whole());
    const sink = folderSink(dir, { ...nodeFiles, link: () => Promise.reject(new Error('EPERM')) });

    await sink.apply(wholeWith('k2', { revision: 8 }), unchanged());

    expect(inForce(dir)).toMatchObject(wholeFiles('k2'));
    expect(modeOf(join(dir, 'current', 'artifacts', 'directory-sources.json'))).toBe(0o600);
  });

  it('are in the configuration by their digests alone', async () => {
    const dir = emptyFolder();
    await folderSink(dir).apply(wholeWith('k1'), whole());
    for (const file of ['configuration.json', 'record.json']) {
      const text = readFileSync(join(dir, 'current', file), 'utf8');
      expect(text).toContain(sha(secretOf('k1')));
      expect(text).not.toMatch(/k1|s3cret/);
    }
  });

  it('that no configuration names any more are gone from the folder two versions later', async () => {
    const dir = emptyFolder();
    const sink = folderSink(dir);
    await sink.apply(wholeWith('k1'), whole());
    for (const revision of [8, 9]) await put(sink, desired({ revision }), inbound('192.0.2.1\n'));

    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.includes(certificate))).toEqual([]);
  });
});

describe('a folder sink that is killed before any of its steps', () => {
  const before = wholeWith('k1');
  const after = pair(
    wholeDesired({
      revision: 8,
      artifacts: named('k2'),
      lists: { ...wholeDesired().lists, outbound: { root: root('d'), entries: 1 } },
    }),
    advancedDesired({ delivery: { minRetryMinutes: 5 } }),
  );
  const changed = (): Contents =>
    holding(
      new Map<AccessListName, ListContent>([
        ['inbound', 'as-applied'],
        ['outbound', pieces('172.16.0.0/12\n', '192.168.0.0/16\n')],
        ['authentication', 'as-applied'],
      ]),
      new Map([...secrets('k2'), ['directory-sources', 'as-applied']]),
    );
  const old = { configuration: { ...before.smtp, advanced: before.advanced }, ...wholeFiles('k1') };
  const freshLists = { ...wholeFiles('k2').lists, 'outbound.txt': '172.16.0.0/12\n192.168.0.0/16\n' };
  const fresh = {
    configuration: { ...after.smtp, advanced: after.advanced },
    ...wholeFiles('k2'),
    lists: freshLists,
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
    expect(steps).toBeGreaterThan(20);
    const seen = new Set<number>();
    for (let n = 0; n < steps; n++) {
      const { dir, died } = await dieAt(n);
      expect(died()).toBe(true);

      const left = inForce(dir);
      const { current } = await folderSink(dir).held();

      expect([old, fresh]).toContainEqual(left);
      expect([before, after]).toContainEqual(current);
      for (const path of artifactsBelow(dir)) expect(modeOf(path)).toBe(0o600);
      expect(current?.smtp.revision).toBe(left?.configuration.revision);
      seen.add(current?.smtp.revision ?? 0);
      await folderSink(dir).apply(wholeWith('k3', { revision: 9 }), whole('k3'));
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
