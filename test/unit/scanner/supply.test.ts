import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DigestMismatch, openObjectCache } from '../../../scanner/object-cache.ts';
import { changedSince } from '../../../scanner/plan.ts';
import { ConfigurationRefused } from '../../../scanner/sink.ts';
import { supplyWith } from '../../../scanner/supply.ts';
import type { Desired } from '../../../shared/domain/desired.ts';
import type { BuiltList } from '../../../shared/domain/lists/chunks.ts';
import type { ArtifactRequest } from '../../../shared/messages/artifacts.ts';
import { desired, pair } from './documents.ts';
import { emptyFolder, textOf } from './folder.ts';
import { enabledOf, listOf, objectsOf, sha } from './lists-of.ts';
import { serve } from './object-server.ts';

const never = new AbortController().signal;
const secret = '{"privateKeyPem":"the key"}';
const certificate = 'cert-0123456789abcdef';

/** A control plane that has `objects`, and the supply of a Scanner that asks it. */
const world = async (objects: Map<string, string>) => {
  const fetched: string[] = [];
  const url = await serve((request, response) => {
    const hash = (request.url ?? '').slice(1);
    fetched.push(hash);
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(objects.get(hash) ?? ''));
  });
  const requests: ArtifactRequest[] = [];
  const ask = async (request: ArtifactRequest) => {
    requests.push(request);
    const { requestId, hashes } = request;
    const links = hashes.map((hash) => ({ sha256: hash, url: `${url}/${hash}`, bytes: 1, expiresAt: '' }));
    return { requestId, artifacts: links };
  };
  const dir = emptyFolder();
  const lines: string[] = [];
  const tools = { cache: await openObjectCache(dir), ask, newId: () => `r${requests.length}` };
  const supply = supplyWith(tools, (line) => lines.push(line));
  const contents = (wanted: Desired, applied: Desired | null = null) =>
    supply.contents(wanted, changedSince(wanted.smtp, applied?.smtp ?? null), never);
  const kept = () => readdirSync(join(dir, 'objects')).sort();
  return { contents, supply, requests, fetched, lines, kept };
};

const wanting = (artifacts: Record<string, string>, list: BuiltList = listOf(10), revision = 7): Desired => {
  const inbound = { root: list.root, entries: list.manifest.entries };
  const digests = Object.entries(artifacts).map(([name, text]) => [name, sha(text)]);
  return pair(desired({ revision, lists: { inbound }, artifacts: Object.fromEntries(digests) }));
};

const stored = (texts: string[], ...lists: BuiltList[]): Map<string, string> =>
  new Map([...objectsOf(...lists), ...texts.map((text): [string, string] => [sha(text), text])]);

describe('the supply of a configuration', () => {
  it('gives its lists and the texts of its artifacts', async () => {
    const list = listOf(10);
    const { contents } = await world(stored([secret, '[]'], list));

    const got = await contents(wanting({ [certificate]: secret, 'client-authorities': '[]' }, list));

    expect(await textOf(got.lists.get('inbound') as AsyncIterable<string>)).toBe(enabledOf(list));
    expect([...got.artifacts]).toEqual([
      [certificate, { text: secret }],
      ['client-authorities', { text: '[]' }],
    ]);
  });

  it('asks for each artifact alone, with its own digest as the root', async () => {
    const { contents, requests } = await world(stored([secret, '[]'], listOf(0)));
    await contents(wanting({ [certificate]: secret, 'directory-sources': '[]' }, listOf(0)));

    for (const digest of [sha(secret), sha('[]')])
      expect(requests).toContainEqual(
        expect.objectContaining({ revision: 7, root: digest, hashes: [digest] }),
      );
  });

  it('gets only what changed, and takes the rest as applied', async () => {
    const { contents, fetched } = await world(stored([secret, '[]', '[1]'], listOf(10)));
    const before = wanting({ [certificate]: secret, 'directory-sources': '[]' });
    await contents(before);
    const known = fetched.length;

    const got = await contents(
      wanting({ [certificate]: secret, 'directory-sources': '[1]' }, listOf(10), 8),
      before,
    );

    expect(fetched.slice(known)).toEqual([sha('[1]')]);
    expect(got.artifacts.get(certificate)).toBe('as-applied');
    expect(got.lists.get('inbound')).toBe('as-applied');
  });

  it('shows nothing of what an artifact holds in its log', async () => {
    const { contents, lines } = await world(stored([secret], listOf(0)));
    await contents(wanting({ [certificate]: secret }, listOf(0)));
    expect(lines).toContain(`revision 7: fetched the artifact ${certificate}`);
    expect(lines.join()).not.toContain('the key');
  });

  it('fails for an artifact whose bytes are others than its digest says, and keeps nothing of them', async () => {
    const objects = stored([secret], listOf(0));
    objects.set(sha(secret), '{"privateKeyPem":"another"}');
    const { contents, kept } = await world(objects);
    await expect(contents(wanting({ [certificate]: secret }, listOf(0)))).rejects.toThrow(DigestMismatch);
    expect(kept()).not.toContain(sha(secret));
  });

  const domains = [{ domain: 'example.com', sources: ['192.0.2.20'] }];

  it.each([
    ['no JSON', certificate, '-----BEGIN PRIVATE KEY-----'],
    ['no object and no array', certificate, '"secret"'],
    ['no bindings', 'domain-bindings', '{"domain":"example.com"}'],
    ['bindings with a member more', 'domain-bindings', JSON.stringify([{ ...domains[0], weight: 1 }])],
  ])('refuses an artifact that is %s, with a pointer and without its text', async (_, name, text) => {
    const { contents } = await world(stored([text], listOf(0)));
    const failure = await contents(wanting({ [name]: text }, listOf(0))).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationRefused);
    expect((failure as ConfigurationRefused).refusal).toEqual({
      pointer: `/artifacts/${name}`,
      message: `What the artifact "${name}" holds cannot be used by this Scanner.`,
    });
  });

  it('gives bindings of domains', async () => {
    const text = JSON.stringify(domains);
    const { contents } = await world(stored([text], listOf(0)));
    const got = await contents(wanting({ 'domain-bindings': text }, listOf(0)));
    expect(got.artifacts.get('domain-bindings')).toEqual({ text });
  });
});

describe('what is kept of fetched objects', () => {
  it('is what the given configurations name, lists and artifacts', async () => {
    const lists = [listOf(3000), listOf(3000, 9000), listOf(3000, 20_000)] as const;
    const [, two, three] = lists;
    const texts = ['{"a":1}', '{"a":2}', '{"a":3}'] as const;
    const { contents, supply, kept } = await world(stored([...texts], ...lists));
    const all = lists.map((list, index) =>
      wanting({ [certificate]: texts[index] as string }, list, 7 + index),
    );
    for (const one of all)
      for (const list of (await contents(one)).lists.values()) await textOf(list as never);

    await supply.keepOnly(all.slice(1));

    expect(kept()).toEqual([...stored(texts.slice(1), two, three).keys()].sort());
  });

  it('is nothing without any configuration', async () => {
    const { contents, supply, kept } = await world(stored([secret], listOf(10)));
    await contents(wanting({ [certificate]: secret }));
    await supply.keepOnly([]);
    expect(kept()).toEqual([]);
  });
});
