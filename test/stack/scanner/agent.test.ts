import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteConnectionCommand } from '@aws-sdk/client-iot-data-plane';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationRefused, type Sink } from '../../../scanner/sink.ts';
import type { BuiltList } from '../../../shared/domain/lists/chunks.ts';
import { advancedShadow, type SmtpDesired, smtpShadow } from '../../../shared/messages/shadow.ts';
import { until } from '../../contract/iot/embedded.ts';
import { advancedDesired, desired, pair, shadowTls, wholeDesired } from '../../unit/scanner/documents.ts';
import { inForce } from '../../unit/scanner/folder.ts';
import { enabledOf, listOf, objectsOf, sha } from '../../unit/scanner/lists-of.ts';
import { addScanner, type Fleet, said, startFleet, type TestScanner } from './fleet.ts';

let fleet: Fleet;
let mx: TestScanner;
let count = 0;

beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(() => fleet?.close());

beforeEach(async () => {
  count += 1;
  fleet.refuse = () => undefined;
  fleet.judge = () => undefined;
  fleet.requests.length = 0;
  fleet.fetched.length = 0;
  mx = await addScanner(fleet, `mx${count}`, readFileSync(fleet.iot.caPath, 'utf8'));
});
afterEach(async () => {
  fleet.hold(false);
  await mx.remove();
});

/** Puts a list where it can be fetched, and answers how a shadow names it. */
const stored = (list: BuiltList) => {
  for (const [hash, text] of objectsOf(list)) fleet.objects.set(hash, text);
  return { root: list.root, entries: list.manifest.entries };
};

/** Puts an artifact where it can be fetched, and answers its digest. */
const storedText = (text: string): string => {
  fleet.objects.set(sha(text), text);
  return sha(text);
};

const wanting = (list: BuiltList, revision: number, more: Partial<SmtpDesired> = {}): SmtpDesired =>
  desired({ revision, lists: { inbound: stored(list) }, ...more });

const desire = (document: object) => fleet.desire(mx.id, document);
const applied = (revision: number) => said(fleet, mx.id, { code: 'applied', revision });
const inbound = () => inForce(mx.dir)?.lists['inbound.txt'];

describe('a Scanner', () => {
  it('applies what is desired, list and all, and reports exactly that', async () => {
    const list = listOf(5000);
    await desire(wanting(list, 2));
    await mx.start();

    const reported = await applied(2);

    expect(inForce(mx.dir)).toEqual({
      configuration: { ...wanting(list, 2), advanced: advancedDesired() },
      lists: { 'inbound.txt': enabledOf(list) },
      artifacts: {},
    });
    expect(reported).toEqual({ ...wanting(list, 2), status: reported.status });
    expect(Date.parse(reported.status.at)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('without anything desired waits, and reports nothing of it', async () => {
    await mx.start();
    await until('it has looked', () => fleet.reported(mx.id, 'inventory').then(Boolean));
    await expect(fleet.reported(mx.id)).rejects.toThrow(/No shadow/);
    await desire(wanting(listOf(3), 2));
    await applied(2);
  });

  it('follows each change while it is connected, and fetches only what it lacks', async () => {
    await mx.start();
    await desire(wanting(listOf(20_000), 2));
    await applied(2);
    const before = fleet.fetched.length;

    await desire(wanting(listOf(20_001), 3));
    await applied(3);

    expect(inbound()).toBe(enabledOf(listOf(20_001)));
    expect(fleet.fetched.length - before).toBeLessThanOrEqual(3);
  });

  it('asks for nothing when only the settings change', async () => {
    await mx.start();
    await desire(wanting(listOf(3000), 2));
    await applied(2);
    const before = fleet.requests.length;
    const settings = { ipv4: { address: '192.0.2.99', port: 2525 }, tls: shadowTls, accept: 'all' as const };

    await desire(wanting(listOf(3000), 3, { inbound: settings }));
    await applied(3);

    expect(fleet.requests).toHaveLength(before);
    expect(inForce(mx.dir)?.configuration).toMatchObject({ revision: 3, inbound: settings });
    expect(inbound()).toBe(enabledOf(listOf(3000)));
  });

  it('says that it is applying while it fetches', async () => {
    fleet.hold(true);
    await mx.start();
    await desire(wanting(listOf(3), 2));
    const reported = await said(fleet, mx.id, { code: 'applying', revision: 2 });
    expect(reported).toEqual({ status: reported.status });
    fleet.hold(false);
    await applied(2);
  });

  it('reports without the sections that disappeared, and with those that came', async () => {
    const [a, b, c] = [listOf(30), listOf(40), listOf(50)].map(stored);
    const artifacts = { 'directory-sources': storedText('[]') };
    const whole = wholeDesired({
      revision: 2,
      lists: { inbound: a, outbound: b, authentication: c },
      artifacts,
    });
    await desire(whole);
    await mx.start();
    expect(await applied(2)).toEqual({ ...whole, status: expect.anything() });

    const part = desired({ revision: 3, lists: { inbound: b } });
    await desire(part);

    expect(await applied(3)).toEqual({ ...part, status: expect.anything() });
    expect(Object.keys(inForce(mx.dir)?.lists ?? {})).toEqual(['inbound.txt']);
    await desire({ ...whole, revision: 4 });
    expect(await applied(4)).toEqual({ ...whole, revision: 4, status: expect.anything() });
  });

  it('reports its interfaces and its software', async () => {
    const info = {
      address: '192.0.2.10',
      family: 'IPv4',
      netmask: '',
      mac: '',
      internal: false,
      cidr: null,
    } as const;
    await mx.start({ interfaces: () => ({ eth0: [info] }) });
    const inventory = await until('the inventory', () => fleet.reported(mx.id, 'inventory'));
    expect(inventory).toEqual({
      interfaces: [{ name: 'eth0', type: 'ethernet', ipv4: ['192.0.2.10'], ipv6: [] }],
      software: { name: 'reference-scanner', version: '1' },
    });
  });
});

describe('the advanced settings of a revision', () => {
  const advanced = (minRetryMinutes: number) => advancedDesired({ delivery: { minRetryMinutes } });
  const shown = () => inForce(mx.dir)?.configuration.advanced;
  const started = async () => {
    await fleet.desire(mx.id, wanting(listOf(3), 2));
    await mx.start();
    await applied(2);
  };
  const waits = (revision: number) =>
    until('it waits', () => mx.lines.includes(`revision ${revision} waits for its advanced settings`));

  it('are put in force with it and reported, and no delta remains', async () => {
    await started();
    const next = pair(wanting(listOf(3), 3), advanced(5));

    await fleet.desire(mx.id, next.smtp, next.advanced);
    await applied(3);

    expect(shown()).toEqual(next.advanced);
    expect(await fleet.reported(mx.id, advancedShadow)).toEqual(next.advanced);
    expect(await fleet.deltas(mx.id)).toEqual([undefined, undefined]);
  });

  it('are waited for when the settings come first, without a word, and a delta of them is enough', async () => {
    await started();
    const version = await fleet.version(mx.id);
    const next = pair(wanting(listOf(4), 3), advanced(5));
    await fleet.desireOne(mx.id, smtpShadow, next.smtp);
    await waits(3);

    expect(await fleet.version(mx.id)).toBe(version + 1);
    expect(mx.switches).toEqual([2]);
    await fleet.desireOne(mx.id, advancedShadow, next.advanced);

    await applied(3);
    expect(shown()).toEqual(next.advanced);
  });

  it('whose delta is lost are found by trying again', async () => {
    const next = pair(wanting(listOf(4), 3), advanced(5));
    await fleet.desireOne(mx.id, smtpShadow, next.smtp);
    await mx.start();
    await waits(3);

    fleet.desireSilently(mx.id, advancedShadow, next.advanced);

    await applied(3);
    expect(shown()).toEqual(next.advanced);
  });

  it('that come while it is away are found when it connects', async () => {
    const next = pair(wanting(listOf(4), 3), advanced(5));
    await fleet.desireOne(mx.id, smtpShadow, next.smtp);
    await mx.start({ retry: { baseMs: 3_600_000, capMs: 3_600_000 } });
    await waits(3);
    await mx.stop();
    await fleet.desireOne(mx.id, advancedShadow, next.advanced);

    await mx.start({ retry: { baseMs: 3_600_000, capMs: 3_600_000 } });

    await applied(3);
  });

  it('that have moved ahead of the settings change nothing until the settings follow', async () => {
    await started();
    await fleet.desireOne(mx.id, advancedShadow, advanced(5));
    await fleet.desireOne(mx.id, advancedShadow, advanced(6));
    const next = pair(wanting(listOf(3), 3), advanced(6));
    await fleet.desireOne(mx.id, smtpShadow, next.smtp);

    await applied(3);

    expect(shown()).toEqual(advanced(6));
    expect(mx.switches).toEqual([2, 3]);
  });

  it('with a member that this Scanner does not know are refused with a pointer', async () => {
    await started();
    const next = pair(wanting(listOf(3), 3), { ...advanced(5), routing: { by: 'x' } } as never);
    await fleet.desire(mx.id, next.smtp, next.advanced);

    const { status } = await said(fleet, mx.id, { code: 'rejected', revision: 3 });

    expect(status.pointer).toBe('/advanced/routing');
    expect(shown()).toEqual(advancedDesired());
  });
});

describe('the artifacts of a revision', () => {
  const certificate = 'cert-0123456789abcdef';
  const textOf = (key: string) => JSON.stringify({ certificatePem: 'chain', privateKeyPem: key });
  const offering = (key: string, revision: number, more: Record<string, string> = {}) =>
    wanting(listOf(3), revision, {
      inbound: {
        ipv4: { address: '192.0.2.10', port: 25 },
        tls: { accept: true, certificateId: certificate, require: false, clientCertificate: 'none' },
        accept: 'listed',
      },
      artifacts: { [certificate]: storedText(textOf(key)), ...more },
    });
  const artifacts = () => inForce(mx.dir)?.artifacts;

  it('are fetched by their own digests, kept for the owner alone, reported by digest, and logged by name', async () => {
    await desire(offering('k1', 2));
    await mx.start();
    const reported = await applied(2);

    expect(artifacts()).toEqual({ [`${certificate}.json`]: textOf('k1') });
    const digest = sha(textOf('k1'));
    const request = fleet.requests.find((one) => one.root === digest);
    expect(request).toMatchObject({ revision: 2, hashes: [digest] });
    for (const path of [`current/artifacts/${certificate}.json`, `objects/${digest}`])
      expect(statSync(join(mx.dir, path)).mode & 0o777).toBe(0o600);
    expect(reported.artifacts).toEqual({ [certificate]: digest });
    expect(mx.lines.join()).toContain(certificate);
    expect(mx.lines.join()).not.toContain('privateKeyPem');
  });

  it('are fetched again only where they changed, and the old ones are dropped in time', async () => {
    const sources = { 'directory-sources': storedText('[1]') };
    await desire(offering('k1', 2, sources));
    await mx.start();
    await applied(2);
    const before = fleet.fetched.length;

    await desire(offering('k2', 3, sources));
    await applied(3);

    expect(fleet.fetched.slice(before)).toEqual([sha(textOf('k2'))]);
    expect(artifacts()).toEqual({ [`${certificate}.json`]: textOf('k2'), 'directory-sources.json': '[1]' });
    for (const revision of [4, 5]) {
      await desire(wanting(listOf(3), revision));
      await applied(revision);
    }
    expect(artifacts()).toEqual({});
    await until(
      'it has tidied',
      () => readdirSync(join(mx.dir, 'objects')).length === objectsOf(listOf(3)).size,
    );
  });

  it('that cannot be fetched leave the whole last good in force, and are tried again', async () => {
    await desire(offering('k1', 2));
    await mx.start();
    await applied(2);
    const next = offering('k2', 3);
    fleet.refuse = (hash) => (hash === sha(textOf('k2')) ? 500 : undefined);
    await desire(next);

    await said(fleet, mx.id, { code: 'failed', revision: 3 });

    expect(artifacts()).toEqual({ [`${certificate}.json`]: textOf('k1') });
    expect(inForce(mx.dir)?.configuration.revision).toBe(2);
    fleet.refuse = () => undefined;
    await applied(3);
    expect(artifacts()).toEqual({ [`${certificate}.json`]: textOf('k2') });
  });

  it('with bytes of another digest are never put in force', async () => {
    const document = offering('k1', 2);
    fleet.objects.set(sha(textOf('k1')), textOf('another'));
    await desire(document);
    await mx.start();

    const { status } = await said(fleet, mx.id, { code: 'failed', revision: 2 });

    expect(status.message).toMatch(/sha-256/);
    expect(status.message).not.toContain('another');
    expect(artifacts()).toBeUndefined();
    storedText(textOf('k1'));
    await applied(2);
  });

  it('that settings need but do not name are refused, and nothing is fetched', async () => {
    const { artifacts: _, ...document } = offering('k1', 2);
    await desire(document);
    await mx.start();
    const { status } = await said(fleet, mx.id, { code: 'rejected', revision: 2 });
    expect(status.pointer).toBe('/inbound/tls/certificateId');
    expect(fleet.requests).toEqual([]);
  });
});

describe('a Scanner that was away', () => {
  it('during three changes converges to the last, and applies only that', async () => {
    await desire(wanting(listOf(3000), 2));
    await mx.start();
    await applied(2);
    await mx.stop();
    for (const revision of [3, 4, 5]) await desire(wanting(listOf(3000 + revision), revision));

    await mx.start();
    await applied(5);

    expect(inbound()).toBe(enabledOf(listOf(3005)));
    expect(mx.switches).toEqual([2, 5]);
  });

  it('switches nothing again when nothing has changed, and reports nothing again', async () => {
    await desire(wanting(listOf(3000), 2));
    await mx.start();
    await applied(2);
    const version = await fleet.version(mx.id);
    await mx.stop();

    await mx.start();
    await until(
      'it has connected',
      () => mx.lines.filter((line) => line.startsWith('connected')).length === 2,
    );
    await desire(wanting(listOf(3001), 3));
    await applied(3);

    expect(mx.switches).toEqual([2, 3]);
    expect(mx.lines).toContain('runs revision 2');
    const writes = { desired: 1, applying: 1, applied: 1 };
    expect(await fleet.version(mx.id)).toBe(version + Object.keys(writes).length);
  });

  it('finds its folder damaged, says that it runs nothing, and mends it from its cache', async () => {
    const list = listOf(3000);
    await desire(wanting(list, 2));
    await mx.start();
    await applied(2);
    await mx.stop();
    writeFileSync(join(mx.dir, 'current', 'lists', 'inbound.txt'), '0.0.0.0/0\n');
    const fetched = fleet.fetched.length;
    const seen: unknown[] = [];
    mx.wrap = (sink) => ({
      ...sink,
      async apply(document, contents) {
        seen.push(await said(fleet, mx.id, { code: 'applying' }));
        await sink.apply(document, contents);
      },
    });

    await mx.start();
    await until('it has mended it', () => mx.switches.length === 2);
    await applied(2);

    expect(mx.lines.filter((line) => line === 'runs no configuration yet')).toHaveLength(2);
    expect(seen).toEqual([{ status: expect.objectContaining({ revision: 2, code: 'applying' }) }]);
    expect(inbound()).toBe(enabledOf(list));
    expect(fleet.fetched).toHaveLength(fetched);
  });

  it('finds its folder and its cache empty, and fetches all of it again', async () => {
    const list = listOf(3000);
    await desire(wanting(list, 2));
    await mx.start();
    await applied(2);
    await mx.stop();
    for (const name of ['current', 'versions', 'objects']) rmSync(join(mx.dir, name), { recursive: true });

    await mx.start();
    await until('it is there again', () => mx.switches.length === 2);

    expect(inbound()).toBe(enabledOf(list));
  });

  it('because the server ended its connection comes back by itself, and finds what has changed', async () => {
    await desire(wanting(listOf(3), 2));
    await mx.start({ reconnect: { baseMs: 100, capMs: 100 } });
    await applied(2);

    await fleet.iot.data.send(new DeleteConnectionCommand({ clientId: mx.id }));
    await until('it has noticed', () => mx.lines.some((line) => line.startsWith('not connected')));
    await desire(wanting(listOf(4), 3));

    await applied(3);
    expect(inbound()).toBe(enabledOf(listOf(4)));
  });
});

describe('a revision that cannot be applied now', () => {
  it('with a corrupted chunk is refused, the last good stays, and it is tried until it is whole', async () => {
    const good = listOf(3000);
    const next = listOf(3001);
    await desire(wanting(good, 2));
    await mx.start();
    await applied(2);
    const document = wanting(next, 3);
    const bad = next.chunks.find((chunk) => !objectsOf(good).has(chunk.sha256));
    fleet.objects.set(bad?.sha256 ?? '', '0.0.0.0/0\n');
    await desire(document);

    const reported = await said(fleet, mx.id, { code: 'failed', revision: 3 });

    expect(reported.status.message).toMatch(/sha-256/);
    expect(reported).toEqual({ ...wanting(good, 2), status: reported.status });
    expect(inbound()).toBe(enabledOf(good));
    await until('it tries again', () => mx.lines.filter((line) => line.includes('failed')).length >= 3);
    stored(next);
    await applied(3);
    expect(inbound()).toBe(enabledOf(next));
  });

  it('because a link is refused asks again, and applies', async () => {
    let refusals = 0;
    fleet.refuse = () => (++refusals <= 2 ? 403 : undefined);
    await desire(wanting(listOf(3000), 2));
    await mx.start();

    await applied(2);

    const [one, two, three] = fleet.requests;
    expect([two?.hashes, three?.hashes]).toEqual([one?.hashes, one?.hashes]);
    expect(new Set([one?.requestId, two?.requestId, three?.requestId]).size).toBe(3);
    expect(mx.lines.some((line) => line.includes('failed'))).toBe(false);
  });

  it.each([
    [
      'the control plane rejects the request',
      () => ({ code: 'ARTIFACT_NOT_NAMED', message: 'not yours' }),
      /ARTIFACT_NOT_NAMED not yours/,
      {},
    ],
    ['nobody answers the request', () => 'silence' as const, /no answer/, { patience: 400 }],
  ])('because %s says so, and tries again', async (_, judge, message, options) => {
    fleet.judge = judge;
    await desire(wanting(listOf(3), 2));
    await mx.start(options);

    const { status } = await said(fleet, mx.id, { code: 'failed', revision: 2 });

    expect(status.message).toMatch(message);
    fleet.judge = () => undefined;
    await applied(2);
  });

  it('because the disk is full says so, keeps the last good, and tries again', async () => {
    await desire(wanting(listOf(3), 2));
    let full = false;
    mx.wrap = (sink) => ({
      held: () => sink.held(),
      apply: (document, contents) =>
        full ? Promise.reject(new Error('ENOSPC: no space left on device')) : sink.apply(document, contents),
    });
    await mx.start();
    await applied(2);
    full = true;
    await desire(wanting(listOf(4), 3));

    const reported = await said(fleet, mx.id, { code: 'failed', revision: 3 });

    expect(reported).toMatchObject({ revision: 2, status: { message: 'ENOSPC: no space left on device' } });
    full = false;
    await applied(3);
  });
});

describe('a revision that can never work', () => {
  it('is rejected with a pointer, and nothing is fetched for it', async () => {
    const good = wanting(listOf(3), 2);
    await desire(good);
    await mx.start();
    await applied(2);
    const requests = fleet.requests.length;
    const port = 70_000;
    await desire({
      ...wanting(listOf(5000), 3),
      inbound: { ipv4: { address: '192.0.2.1', port }, tls: shadowTls, accept: 'all' },
    });

    const reported = await said(fleet, mx.id, { code: 'rejected', revision: 3 });

    expect(reported).toEqual({ ...good, status: expect.objectContaining({ pointer: '/inbound/ipv4/port' }) });
    expect(fleet.requests).toHaveLength(requests);
    await desire(wanting(listOf(5000), 4));
    await applied(4);
    expect(mx.switches).toEqual([2, 4]);
  });

  it('for the sink is tried once, and not again until the next', async () => {
    let tries = 0;
    const picky = (sink: Sink): Sink => ({
      held: () => sink.held(),
      async apply(document, contents) {
        tries += 1;
        const pointer = '/inbound/ipv4/address';
        if (document.smtp.revision === 2)
          throw new ConfigurationRefused({ pointer, message: 'not on this host' });
        await sink.apply(document, contents);
      },
    });
    mx.wrap = picky;
    await desire(wanting(listOf(3), 2));
    await mx.start();
    const { status } = await said(fleet, mx.id, { code: 'rejected', revision: 2 });
    expect(status).toMatchObject({ pointer: '/inbound/ipv4/address', message: 'not on this host' });

    await desire({ ...wanting(listOf(3), 2), mailFiltering: 'inbound' });
    await desire(wanting(listOf(3), 3));
    await applied(3);

    expect(tries).toBe(2);
    expect(existsSync(join(mx.dir, 'current'))).toBe(true);
  });

  it('is not mistaken for a newer one that was desired without a revision', async () => {
    await desire({ mailFiltering: 'inbound' });
    await mx.start();
    await until('it has looked', () => fleet.reported(mx.id, 'inventory').then(Boolean));
    await desire(wanting(listOf(3), 2));
    await applied(2);
    expect(mx.switches).toEqual([2]);
  });
});

describe('a desired state that moves while it is being applied', () => {
  it('ends at the last, and never in a mixture of two', async () => {
    await mx.start();
    const lists = Array.from({ length: 12 }, (_, index) => listOf(2000 + index * 700));
    const mixtures: string[] = [];
    const watch = setInterval(() => {
      const seen = inForce(mx.dir);
      const revision = Number(seen?.configuration['revision'] ?? 0);
      const list = lists[revision - 2];
      if (list && seen?.lists['inbound.txt'] !== enabledOf(list)) mixtures.push(`revision ${revision}`);
    }, 1);

    for (const [index, list] of lists.entries()) await desire(wanting(list, index + 2));
    const reported = await applied(13);
    clearInterval(watch);

    expect(reported.lists?.inbound?.root).toBe(lists.at(-1)?.root);
    expect(inbound()).toBe(enabledOf(lists.at(-1) ?? listOf(0)));
    expect(mixtures).toEqual([]);
    expect(mx.switches).toEqual([...mx.switches].sort((one, other) => one - other));
  });

  it('gives up one that the control plane has left behind, before it hears of the next, without calling it failed', async () => {
    fleet.judge = async ({ revision }) =>
      revision === 2
        ? { code: 'ARTIFACT_SUPERSEDED', message: 'Revision 3 is desired now, and not 2.' }
        : undefined;
    await desire(wanting(listOf(3000), 2));
    await mx.start();
    await until('it has been told', () =>
      mx.lines.includes('revision 2 given up: a newer one is on its way'),
    );

    await desire(wanting(listOf(4000), 3));
    await applied(3);

    expect(mx.lines.filter((line) => line.includes('failed'))).toEqual([]);
  });

  it('gives up one that can no longer be fetched, without calling it failed', async () => {
    fleet.judge = async ({ revision }) => {
      if (revision !== 2) return undefined;
      await desire(wanting(listOf(4000), 3));
      return { code: 'ARTIFACT_NOT_NAMED', message: 'neither desired nor applied' };
    };
    await desire(wanting(listOf(3000), 2));
    await mx.start();

    await applied(3);

    expect(mx.switches).toEqual([3]);
    expect(mx.lines.filter((line) => line.includes('failed'))).toEqual([]);
    expect(mx.lines).toContain('revision 2 given up for a newer one');
  });
});

describe('a Scanner that is stopped', () => {
  it('while it fetches leaves the last good in force, and goes on later', async () => {
    await desire(wanting(listOf(3000), 2));
    await mx.start();
    await applied(2);
    fleet.hold(true);
    await desire(wanting(listOf(30_000), 3));
    await said(fleet, mx.id, { code: 'applying', revision: 3 });

    await mx.stop();

    expect(inForce(mx.dir)?.configuration['revision']).toBe(2);
    fleet.hold(false);
    await mx.start();
    await applied(3);
    expect(inbound()).toBe(enabledOf(listOf(30_000)));
  });

  it('while it waits for an answer that does not come is stopped at once', async () => {
    fleet.judge = () => 'silence';
    await desire(wanting(listOf(3), 2));
    await mx.start({ patience: 3_600_000 });
    await said(fleet, mx.id, { code: 'applying', revision: 2 });

    await mx.stop();

    expect(mx.lines.filter((line) => line.includes('failed'))).toEqual([]);
  });
});
