import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { makeChain } from '../../../helpers/certificates.ts';
import { nobodyAt } from '../../../helpers/nobody-at.ts';
import { until } from '../../../helpers/until.ts';
import {
  answeringGuard,
  type Configured,
  daemonsBelow,
  greetingOf,
  inboundAt,
  lacking,
  lasting,
  masterIn,
  nothingBelow,
  openFolder,
  put,
  running,
  sinkIn,
  smtpTo,
  telling,
  toldAt,
  withMail,
} from './world.ts';

const certificateId = 'cert-00000000000000a1';

describe.skipIf(lacking !== '')(`a Postfix sink${lacking && ` (${lacking})`}`, () => {
  it('starts Postfix by the first configuration, and reloads it for the next', async () => {
    const dir = openFolder();
    const port = await freePort();
    const { sink, parts } = await sinkIn(dir);
    expect(await sink.held()).toEqual({ current: null, previous: null });

    expect(await put(sink, telling(port, 1))).toBe('Postfix was started');
    expect(await toldAt(port)).toBe(1);
    const master = await masterIn(parts);

    expect(await put(sink, telling(port, 2))).toBe('Postfix was reloaded');
    expect(await toldAt(port)).toBe(2);
    expect(await masterIn(parts)).toBe(master);
  });

  it('warns at its start where it is called by a name that is no full one', async () => {
    const [full, short] = [await sinkIn(openFolder()), await sinkIn(openFolder(), { hostName: 'mx1' })];
    expect(full.lines).toEqual([]);
    expect(short.lines).toEqual([expect.stringMatching(/^WARNING: .*"mx1".*--host-name/)]);
  });

  it('has applied nothing before the new one answers: what is seen then is never the old one', async () => {
    const { port, sink } = await running();
    for (const revision of [2, 3, 4, 5]) {
      await put(sink, telling(port, revision));
      expect(await toldAt(port)).toBe(revision);
    }
  });

  it('moves listeners to other ports and families, and leaves none behind', async () => {
    const { port, sink } = await running();
    const [other, six] = [await freePort(), await freePort('::1')];

    await put(sink, { revision: 2, smtp: inboundAt(other, { ipv6: { address: '::1', port: six } }) });

    expect((await smtpTo(other)).banner.code).toBe(220);
    expect((await smtpTo(six, { address: '::1' })).banner.code).toBe(220);
    await nobodyAt(port);
  });

  it('leaves Postfix as it is for what the guard alone reads: no process of it ends, and who comes is told otherwise', async () => {
    const { dir, port, sink } = await running();
    const listener = inboundAt(port, { accept: 'listed' });
    const limit = { inbound: { maxMessageBytes: 1_000_001 } };
    const list = (revision: number, addresses: string) =>
      put(sink, { revision, smtp: listener, advanced: limit, lists: { inbound: addresses } });
    await list(2, '127.0.0.1\n');
    const session = await smtpTo(port, lasting);
    const before = daemonsBelow(dir);

    expect(await list(3, '127.0.0.9\n')).toBe('Postfix goes on as it is');
    expect((await smtpTo(port)).banner.code).toBe(554);
    expect(daemonsBelow(dir)).toEqual(expect.arrayContaining(before));
    // A session that has begun is asked by what let it in, however many follow.
    expect(await list(4, '')).toBe('Postfix goes on as it is');
    expect(await list(5, '127.0.0.8\n')).toBe('Postfix goes on as it is');
    await session.say('EHLO there.example');
    expect(await session.say('MAIL FROM:<a@there.example>')).toMatchObject({ code: 250 });

    const next = await sinkIn(dir);
    expect((await next.sink.held()).current?.smtp.revision).toBe(5);
    expect(await put(next.sink, telling(port, 6))).toBe('Postfix was reloaded');
    expect(await toldAt(port)).toBe(6);
    // What the one before it is known as went with the others.
    expect(
      readdirSync(join(dir, 'versions'))
        .map((name) => Number.parseInt(name, 10))
        .sort(),
    ).toEqual([1, 5, 6]);
  });

  it.each<[string, (path: string) => void]>([
    ['gone', (path) => rmSync(path, { recursive: true })],
    ['damaged', (path) => writeFileSync(join(path, `tls/${certificateId}.pem`), 'no certificate')],
  ])('reloads Postfix where the folder that it knows is %s, and applies again what is in force', async (_, damage) => {
    const { dir, port, sink } = await running();
    const { upload } = await makeChain();
    const artifacts = { [certificateId]: JSON.stringify({ certificateId, ...upload }) };
    const listing = (revision: number): Configured => ({
      revision,
      smtp: inboundAt(port, { accept: 'listed', tls: { accept: true, certificateId } }),
      lists: { inbound: `127.0.0.1\n127.0.3.${revision}\n` },
      artifacts,
    });
    for (const revision of [2, 3]) await put(sink, listing(revision));
    const known = readdirSync(join(dir, 'versions')).find((name) => name.startsWith('2-')) ?? '';
    damage(join(dir, 'versions', known));

    let patience = { allMs: 1500, sessionMs: 1500, againMs: 20, dnsMs: 0 };
    const next = await sinkIn(dir, {}, (parts) => ({
      ...parts,
      get patience() {
        return patience;
      },
    }));
    expect((await next.sink.held()).current).toBeNull();
    // What cannot answer is not waited for; what follows must.
    patience = { ...patience, allMs: 60_000, sessionMs: 10_000 };
    expect(await put(next.sink, listing(4))).toBe('Postfix was reloaded');
    expect(await greetingOf(port)).toContain('STARTTLS');
    expect(await put(next.sink, listing(5))).toBe('Postfix goes on as it is');
  });

  it('leaves Postfix alone when it finds that it runs what is in force', async () => {
    const { dir, port } = await running();
    let reloads = 0;
    const { sink } = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        reload: () => {
          reloads += 1;
          return parts.mail.reload();
        },
      })),
    );
    for (const _ of ['at its start', 'when it speaks to the control plane'])
      expect((await sink.held()).current?.smtp.revision).toBe(1);
    expect(reloads).toBe(0);
    expect(await toldAt(port)).toBe(1);
  });

  it('has a guard that dies while listeners are looked at back, and applies all the same', async () => {
    const { dir, port } = await running();
    const { sink } = await sinkIn(
      dir,
      {},
      withMail((parts) => ({
        reload: async () => {
          process.kill(await answeringGuard(parts), 'SIGKILL');
          await parts.mail.reload();
        },
      })),
    );
    expect(await put(sink, telling(port, 2))).toBe('Postfix was reloaded');
    expect(await toldAt(port)).toBe(2);
  });

  it('applies the next where a file of what is in force has gone meanwhile', async () => {
    const { dir, port, sink } = await running();
    rmSync(join(dir, 'current', 'guard.json'));
    await put(sink, telling(port, 2));
    expect(await toldAt(port)).toBe(2);
  });

  it('starts the guard and Postfix again by a version that Postfix knows as an earlier one', async () => {
    const { port, sink, parts } = await running();
    for (const revision of [2, 3])
      await put(sink, {
        ...telling(port, 1),
        revision,
        advanced: { inbound: { maxMessageBytes: 1_000_001, maxMessagesPerSession: revision } },
      });
    // It looks after them from here on.
    expect((await sink.held()).current?.smtp.revision).toBe(3);
    const killed = [await answeringGuard(parts), await masterIn(parts)];
    for (const pid of killed) process.kill(pid, 'SIGKILL');

    await until('both are there again', async () => {
      const pids = [await answeringGuard(parts), await masterIn(parts)];
      return pids.every((pid) => !killed.includes(pid)) && (await toldAt(port)) === 1;
    });
  });

  it('lets a session of the old configuration go on by its rules', async () => {
    const { port, sink } = await running();
    const session = await smtpTo(port, lasting);
    await session.say('EHLO there.example');

    await put(sink, { revision: 2, smtp: inboundAt(port, { accept: 'listed' }), lists: { inbound: '' } });

    expect((await smtpTo(port)).banner).toMatchObject({ code: 554 });
    expect(await session.say('MAIL FROM:<a@there.example>')).toMatchObject({ code: 250 });
  });

  it('shows the certificate of a listener, and its successor after the next apply', async () => {
    const { port, sink } = await running();
    const id = certificateId;
    const tls = { accept: true, certificateId: id };
    for (const revision of [2, 3]) {
      const { upload, leaf } = await makeChain();
      const artifacts = { [id]: JSON.stringify({ certificateId: id, ...upload }) };
      await put(sink, { revision, smtp: inboundAt(port, { tls }), artifacts });

      const session = await smtpTo(port);
      expect((await session.say('EHLO there.example')).lines).toContain('STARTTLS');
      expect((await session.say('STARTTLS')).code).toBe(220);
      const print = Buffer.from(await leaf.certificate.getThumbprint('SHA-256')).toString('hex');
      expect((await session.secure()).replaceAll(':', '').toLowerCase()).toBe(print);
    }
    await put(sink, telling(port, 4));
    expect(await greetingOf(port)).not.toContain('STARTTLS');
  });

  it('offers AUTH where it must, and at once refuses this host where it is on no list', async () => {
    const { sink } = await sinkIn(openFolder());
    const [outbound, authentication] = [await freePort(), await freePort()];
    const at = (port: number) => ({ address: '127.0.0.1', port });
    await put(sink, {
      smtp: {
        mailFiltering: 'outbound',
        outbound: { ipv4: at(outbound) },
        authentication: {
          enabled: true,
          ipv4: at(authentication),
          source: { type: 'smtp-forwarding', host: '127.0.0.1' },
        },
      },
      lists: { outbound: '', authentication: '' },
    });
    expect(await greetingOf(authentication)).toMatch(/^AUTH PLAIN LOGIN$/m);
    expect(await greetingOf(outbound)).toMatch(/^554 5\.7\.1 .*Access denied/);
  });

  it('applies at a listener whose places are all taken, too', async () => {
    const patience = { allMs: 60_000, sessionMs: 1500, dnsMs: 0, againMs: 20 };
    const { sink } = await sinkIn(openFolder(), {}, (parts) => ({ ...parts, patience }));
    const port = await freePort();
    const inbound = { maxConnections: 1, maxConnectionsPerAddress: 1, maxConnectionsPerRange: 1 };
    const one = { smtp: inboundAt(port), advanced: { inbound } };
    await put(sink, one);
    const only = await smtpTo(port, lasting);

    const inbound2 = { ...inbound, maxMessageBytes: 2_000_000 };
    expect(await put(sink, { ...one, revision: 2, advanced: { inbound: inbound2 } })).toBe(
      'Postfix was reloaded',
    );
    expect((await only.say('NOOP')).code).toBe(250);
  });

  it('keeps keys from all but root', async () => {
    const { port, sink, parts } = await running();
    const { upload } = await makeChain();
    const id = certificateId;
    await put(sink, {
      revision: 2,
      smtp: inboundAt(port, { tls: { accept: true, certificateId: id } }),
      artifacts: { [id]: JSON.stringify({ certificateId: id, ...upload }) },
    });
    const mode = (file: string) => statSync(join(parts.versions.current, file)).mode & 0o777;
    expect([mode(`tls/${id}.pem`), mode('master.cf'), mode(`artifacts/${id}.json`)]).toEqual([
      0o600, 0o600, 0o600,
    ]);
    expect(statSync(join(parts.home.dir, 'postfix', 'marker')).mode & 0o777).toBe(0o600);
  });

  it.each(['', '0011223344556677\n', 'no marker'])('makes a marker anew that is none: %j', async (text) => {
    const { dir, port } = await running();
    const marker = join(dir, 'postfix', 'marker');
    writeFileSync(marker, text);
    const { sink } = await sinkIn(dir);
    await put(sink, telling(port, 2));
    expect(readFileSync(marker, 'utf8')).toMatch(/^[0-9a-f]{32}$/);
    expect(await toldAt(port)).toBe(2);
  });

  it('restarts Postfix where a reload is not enough, and applies again what would be made otherwise now', async () => {
    const { dir, port, parts } = await running();
    const elsewhere = join(dir, 'postfix', 'log', 'other.log');
    const placeOf: typeof parts.home.placeOf = (version) => ({
      ...parts.home.placeOf(version),
      logFile: elsewhere,
    });
    const again = await sinkIn(dir, {}, (own) => ({ ...own, home: { ...own.home, placeOf } }));
    const master = await masterIn(parts);

    expect((await again.sink.held()).current).toBeNull();
    expect(await toldAt(port)).toBe(1);
    expect(await put(again.sink, telling(port, 1))).toBe('Postfix was restarted');

    expect(await toldAt(port)).toBe(1);
    expect(await masterIn(parts)).not.toBe(master);
    expect(existsSync(elsewhere)).toBe(true);
  });

  it('stopped ends Postfix and the guard, and nothing else is left of them', async () => {
    const { dir, port, sink, parts } = await running();
    await sink.stop();
    await nothingBelow(dir);
    expect(await parts.guard.status()).toBeNull();
    await nobodyAt(port);
  });
});
