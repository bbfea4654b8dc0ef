import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { listSupply } from '../../../scanner/list-supply.ts';
import { DigestMismatch, openObjectCache } from '../../../scanner/object-cache.ts';
import { ConfigurationRefused } from '../../../scanner/sink.ts';
import type { BuiltList } from '../../../shared/domain/lists/chunks.ts';
import type { ArtifactRequest } from '../../../shared/messages/artifacts.ts';
import type { SmtpDesired } from '../../../shared/messages/shadow.ts';
import { desired } from './documents.ts';
import { emptyFolder, textOf } from './folder.ts';
import { enabledOf, listOf, objectsOf, sha } from './lists-of.ts';
import { serve } from './object-server.ts';

const never = new AbortController().signal;

const wanting = (list: { root: string; manifest: { entries: number } }, revision = 7): SmtpDesired =>
  desired({ revision, lists: { inbound: { root: list.root, entries: list.manifest.entries } } });

/** A control plane that has `objects`, and a supply that asks it; `answer` may say otherwise for an object. */
const supplied = async (
  objects: Map<string, string>,
  answer: (sha256: string, time: number) => number | string | undefined = () => undefined,
) => {
  const times = new Map<string, number>();
  const url = await serve((request, response) => {
    const sha256 = (request.url ?? '').slice(1);
    const time = (times.get(sha256) ?? 0) + 1;
    times.set(sha256, time);
    const said = answer(sha256, time);
    if (typeof said === 'number') return response.writeHead(said).end();
    response.setHeader('content-encoding', 'gzip');
    return response.end(gzipSync(said ?? objects.get(sha256) ?? ''));
  });
  const requests: ArtifactRequest[] = [];
  const dir = emptyFolder();
  const cache = await openObjectCache(dir);
  const ask = async (request: ArtifactRequest) => {
    requests.push(request);
    const expiresAt = '2026-11-24T10:15:00.000Z';
    const artifacts = request.hashes.map((sha256) => ({
      sha256,
      url: `${url}/${sha256}`,
      bytes: 1,
      expiresAt,
    }));
    return { requestId: request.requestId, artifacts };
  };
  let ids = 0;
  const tools = { cache, ask, newId: () => `r${++ids}` };
  const fetched = () => [...times.values()].reduce((sum, count) => sum + count, 0);
  return { supply: listSupply(tools, () => undefined), tools, dir, requests, fetched };
};

const inboundText = async (
  { supply }: Pick<Awaited<ReturnType<typeof supplied>>, 'supply'>,
  list: BuiltList,
  revision?: number,
): Promise<string> => {
  const contents = await supply.contents(wanting(list, revision), ['inbound'], never);
  return textOf(contents.get('inbound'));
};

describe('the supply of lists', () => {
  it('gives the enabled entries, one a line', async () => {
    const list = listOf(5000);
    const world = await supplied(objectsOf(list));
    expect(await inboundText(world, list)).toBe(enabledOf(list));
  });

  it('gives an empty list', async () => {
    const list = listOf(0);
    const world = await supplied(objectsOf(list));
    expect(await inboundText(world, list)).toBe('');
    expect(world.fetched()).toBe(1);
  });

  it('asks for at most forty objects at a time, under the revision and the root', async () => {
    const list = listOf(100_000);
    expect(list.chunks.length).toBeGreaterThan(40);
    const world = await supplied(objectsOf(list));

    await inboundText(world, list);

    const { requests } = world;
    expect(requests[0]).toMatchObject({ revision: 7, root: list.root, hashes: [list.root] });
    expect(requests.every((one) => one.hashes.length <= 40 && one.root === list.root)).toBe(true);
    expect(new Set(requests.map((one) => one.requestId)).size).toBe(requests.length);
    expect(requests.flatMap((one) => one.hashes)).toHaveLength(list.chunks.length + 1);
  });

  it('fetches only what changed', async () => {
    const before = listOf(20_000);
    const after = listOf(20_001);
    const world = await supplied(objectsOf(before, after));
    await inboundText(world, before);
    const known = world.fetched();

    expect(await inboundText(world, after, 8)).toBe(enabledOf(after));

    expect(world.fetched() - known).toBeLessThanOrEqual(3);
  });

  it('goes on where a failed try ended', async () => {
    const list = listOf(100_000);
    const last = list.chunks.at(-1)?.sha256;
    const world = await supplied(objectsOf(list), (sha256, time) =>
      sha256 === last && time === 1 ? 500 : undefined,
    );
    await expect(inboundText(world, list)).rejects.toThrow(/500/);
    const kept = readdirSync(join(world.dir, 'objects')).length;
    const known = world.fetched();

    expect(await inboundText(world, list)).toBe(enabledOf(list));

    expect(world.fetched() - known).toBe(list.chunks.length + 1 - kept);
  });

  it('fetches again what was damaged on disk', async () => {
    const list = listOf(5000);
    const world = await supplied(objectsOf(list));
    await inboundText(world, list);
    const path = join(world.dir, 'objects', list.chunks[0]?.sha256 ?? '');
    writeFileSync(path, '0.0.0.0/0\n');

    const restarted = listSupply(
      { ...world.tools, cache: await openObjectCache(world.dir) },
      () => undefined,
    );

    expect(await inboundText({ supply: restarted }, list)).toBe(enabledOf(list));
  });

  it('asks again for a link that is refused with 403', async () => {
    const list = listOf(5000);
    const world = await supplied(objectsOf(list), (_, time) => (time <= 2 ? 403 : undefined));
    expect(await inboundText(world, list)).toBe(enabledOf(list));
    expect(world.requests.slice(0, 3).map((one) => one.hashes)).toEqual([
      [list.root],
      [list.root],
      [list.root],
    ]);
  });

  it('gives up after links were refused three times', async () => {
    const list = listOf(10);
    const world = await supplied(objectsOf(list), () => 403);
    await expect(inboundText(world, list)).rejects.toThrow(/refused \(403\) 3 times/);
  });

  it.each(['manifest', 'chunk'])('refuses a %s whose bytes are not those of its hash', async (which) => {
    const list = listOf(5000);
    const bad = which === 'manifest' ? list.root : list.chunks[0]?.sha256;
    const world = await supplied(objectsOf(list), (sha256) => (sha256 === bad ? '0.0.0.0/0\n' : undefined));
    await expect(inboundText(world, list)).rejects.toThrow(DigestMismatch);
    expect(readdirSync(join(world.dir, 'objects'))).not.toContain(bad);
  });

  it('fails when it is given no link to an object', async () => {
    const list = listOf(10);
    const world = await supplied(objectsOf(list));
    const ask = async ({ requestId }: ArtifactRequest) => ({ requestId, artifacts: [] });
    const supply = listSupply({ ...world.tools, ask }, () => undefined);
    await expect(inboundText({ supply }, list)).rejects.toThrow(/no link/);
  });

  it('fails when an object disappears between fetching and reading', async () => {
    const list = listOf(10);
    const world = await supplied(objectsOf(list));
    const contents = await world.supply.contents(wanting(list), ['inbound'], never);
    rmSync(join(world.dir, 'objects', list.chunks[0]?.sha256 ?? ''));
    const reading = textOf(contents.get('inbound'));
    await expect(reading).rejects.toThrow(/ENOENT/);
    expect(await inboundText(world, list)).toBe(enabledOf(list));
  });
});

describe('a list that contradicts itself', () => {
  /** Stores a manifest as given, so that its hash is right, over the chunks of `list`. */
  const forged = (list: BuiltList, manifestText: string) => {
    const root = sha(manifestText);
    return { ...list, root, manifestText };
  };
  const list = listOf(10);
  const { manifest } = list;
  const [chunk] = manifest.chunks;

  it.each([
    ['/lists/inbound/root', 'is no JSON', '{"format":1'],
    ['/lists/inbound/root', 'has another format', JSON.stringify({ ...manifest, format: 2 })],
    ['/lists/inbound/root', 'names no chunks', JSON.stringify({ ...manifest, chunks: undefined })],
    [
      '/lists/inbound/root',
      'names a chunk by no hash',
      JSON.stringify({ ...manifest, chunks: [{ ...chunk, sha256: '../x' }] }),
    ],
    [
      '/lists/inbound/root',
      'counts other entries than its chunks',
      JSON.stringify({ ...manifest, chunks: [] }),
    ],
    ['/lists/inbound/root', 'counts other enabled entries', JSON.stringify({ ...manifest, enabled: 10 })],
  ])('is refused at %s when its manifest %s', async (pointer, _, text) => {
    const bad = forged(list, text);
    const world = await supplied(objectsOf(bad));
    const failure = await inboundText(world, bad).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationRefused);
    expect((failure as ConfigurationRefused).refusal.pointer).toBe(pointer);
  });

  it('is refused when the shadow says another number of entries', async () => {
    const world = await supplied(objectsOf(list));
    const document = wanting({ root: list.root, manifest: { entries: 11 } });
    const failure = await world.supply
      .contents(document, ['inbound'], never)
      .catch((error: unknown) => error);
    expect((failure as ConfigurationRefused).refusal?.pointer).toBe('/lists/inbound/entries');
  });

  it('is refused when a chunk has not the entries that the manifest says', async () => {
    const chunks = [{ ...chunk, entries: 9, enabled: 8 }];
    const bad = forged(list, JSON.stringify({ ...manifest, entries: 9, enabled: 8, chunks }));
    const world = await supplied(objectsOf(bad));
    const document = wanting({ root: bad.root, manifest: { entries: 9 } });
    const contents = await world.supply.contents(document, ['inbound'], never);
    await expect(textOf(contents.get('inbound'))).rejects.toThrow(ConfigurationRefused);
  });
});
