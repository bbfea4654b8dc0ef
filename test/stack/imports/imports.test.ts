import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WireCall } from '../../../bench/fault-proxy.ts';
import { noTls } from '../../../shared/schemas/smtp.ts';
import { type ImportWorld, type Message, startImportWorld } from './world.ts';

let world: ImportWorld;

beforeAll(async () => {
  world = await startImportWorld();
});
afterAll(() => world?.end());

const asked = { actor: { name: 'someone', requestId: 'r' }, operation: 'cancel-import', at: new Date() };

/** Does something once, when the first call of this kind has been done. */
const once = (kind: RegExp, act: () => Promise<unknown>) => {
  let acted = false;
  return {
    fate: () => 'pass' as const,
    async done({ name }: WireCall) {
      if (acted || !kind.test(name)) return;
      acted = true;
      await act();
    },
  };
};

const storesManifest = /^PUT lists\/manifests/;
const sourcesRead = (calls: WireCall[], message: Message) => {
  const { key } = JSON.parse(message.Records[0]?.body ?? '').detail.object as { key: string };
  return calls.filter(({ name }) => name === `GET ${key}`).length;
};
const jobOf = async (scannerId: string, message: Message) => {
  const { key } = JSON.parse(message.Records[0]?.body ?? '').detail.object as { key: string };
  return (await world.jobs(scannerId)).find((job) => job.source.key === key);
};

describe('an import that loses the race for the head', () => {
  it('to a write of its list is merged into the new list; its file is not read again', async () => {
    const scannerId = await world.scanner(['192.0.2.1', '192.0.2.2']);
    const slow = await world.drop(scannerId, '192.0.2.3');
    const fast = await world.drop(scannerId, '192.0.2.1', { mode: 'remove', 'max-removals': '1' });

    const { calls } = await world.during(
      once(storesManifest, () => world.deliver(fast)),
      () => world.deliver(slow),
    );

    expect(await world.values(scannerId)).toEqual(['192.0.2.2', '192.0.2.3']);
    expect(await jobOf(scannerId, fast)).toMatchObject({ state: 'completed', revision: 3 });
    expect(await jobOf(scannerId, slow)).toMatchObject({
      state: 'completed',
      revision: 4,
      attempt: 1,
      counts: { added: 1, unchanged: 0 },
    });
    expect(sourcesRead(calls, slow)).toBe(1);
  });

  it('to a write of something else merges and stores nothing again', async () => {
    const scannerId = await world.scanner(['192.0.2.1']);
    const message = await world.drop(scannerId, '192.0.2.3');
    const { heads } = world.stores;
    const saveSettings = () =>
      heads.changeConfiguration({
        scannerId,
        part: 'smtp',
        ...asked,
        compute: async ({ configuration }) => ({
          configuration: {
            ...configuration,
            smtp: {
              mailFiltering: 'inbound',
              inbound: { ipv4: { address: '192.0.2.9', port: 25 }, ipv6: null, tls: noTls, accept: 'all' },
            },
          },
          result: null,
        }),
      });

    const { calls } = await world.during(once(storesManifest, saveSettings), () => world.deliver(message));

    expect(await jobOf(scannerId, message)).toMatchObject({ state: 'completed', revision: 4 });
    const ofLists = calls.filter(({ name }) => /lists\//.test(name)).map(({ name }) => name.split('/')[1]);
    expect(ofLists.filter((kind) => kind === 'manifests')).toHaveLength(2);
    expect(ofLists.filter((kind) => kind === 'chunks')).toHaveLength(2);
  });
});

describe('several imports for one list at once', () => {
  it('are taken in one after the other, none lost', async () => {
    const scannerId = await world.scanner(['192.0.2.1']);
    const files = Array.from({ length: 8 }, (_, index) => `198.51.100.${index}\n203.0.113.${index}`);
    const messages = await Promise.all(files.map((file) => world.drop(scannerId, file)));

    const done = await Promise.all(messages.map((message) => world.deliver(message)));

    expect(done).toEqual(files.map(() => true));
    expect((await world.values(scannerId)).sort()).toEqual(
      ['192.0.2.1', ...files.flatMap((file) => file.split('\n'))].sort(),
    );
    const jobs = await Promise.all(messages.map((message) => jobOf(scannerId, message)));
    expect(jobs.map((job) => job?.state)).toEqual(files.map(() => 'completed'));
    expect(jobs.map((job) => job?.revision ?? 0).sort((a, b) => a - b)).toEqual(
      files.map((_, index) => index + 3),
    );
  });

  it('delivered twice each, at the same time, still make one revision each', async () => {
    const scannerId = await world.scanner([]);
    const messages = await Promise.all(['192.0.2.1', '192.0.2.2'].map((file) => world.drop(scannerId, file)));

    await Promise.all([...messages, ...messages].map((message) => world.deliver(message)));

    expect(await world.values(scannerId)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await world.revision(scannerId)).toBe(3);
    expect((await world.jobs(scannerId)).map((job) => job.state)).toEqual(['completed', 'completed']);
  });
});

describe('two uploads of one key', () => {
  it.each([
    ['brings something new', '192.0.2.2'],
    ['brings nothing new', '192.0.2.1'],
  ])('end as the later file says, also where the earlier takes longer and the later %s', async (_, later) => {
    const scannerId = await world.scanner(['192.0.2.1']);
    const options = { mode: 'replace', 'max-removals': '9' };
    const name = 'nightly.txt';
    const first = await world.drop(scannerId, '192.0.2.7', options, { name, sequencer: '0A' });
    const second = await world.drop(scannerId, later, options, { name, sequencer: '0A1' });

    await world.during(
      once(storesManifest, () => world.deliver(second)),
      () => world.deliver(first),
    );

    expect(await world.values(scannerId)).toEqual([later]);
    const states = (await world.jobs(scannerId))
      .slice(0, 2)
      .map(({ state, error }) => `${state} ${error?.code}`);
    expect(states.sort()).toEqual(['cancelled SUPERSEDED', 'completed undefined']);
  });
});

describe('an import that runs', () => {
  it('tells how far it is, in bytes and in counts', async () => {
    const scannerId = await world.scanner([]);
    const file = '192.0.2.1 192.0.2.1 192.0.2.9/24\nnonsense\n';
    const message = await world.drop(scannerId, file, { 'on-invalid': 'skip' });
    let seen: unknown;

    await world.during(
      once(/^GET lists\/manifests/, async () => {
        seen = await jobOf(scannerId, message);
      }),
      () => world.deliver(message),
    );

    expect(seen).toMatchObject({
      state: 'processing',
      progress: { bytesRead: file.length, bytesTotal: file.length },
      counts: { tokens: 4, duplicates: 1, normalized: 1, invalid: 1, added: 0 },
    });
  });

  it('can be cancelled at each of its calls: the list is as it was, unless it was the new one already', async () => {
    const scannerId = await world.scanner(['192.0.2.1']);
    // Where time goes by, one says now and then how far it is: by a call more.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const clean = await world.drop(scannerId, '192.0.2.2');
    const { calls } = await world.during({ fate: () => 'pass' }, () => world.deliver(clean));
    const ends: string[] = [];
    for (const { number, name } of calls) {
      const message = await world.drop(scannerId, `10.0.0.${number}`);
      const before = await world.values(scannerId);
      let refused: string | undefined;
      const cancel = async () => {
        const job = await jobOf(scannerId, message);
        if (!job) return;
        await world.stores.imports
          .cancelJob(job.importId, { ...asked, actor: { name: 'someone', requestId: `r${number}` } })
          .catch((error: { code?: string }) => {
            refused = error.code;
          });
      };
      await world.during(
        { fate: () => 'pass', done: (call) => (call.number === number ? cancel() : undefined) },
        () => world.deliver(message),
      );

      const job = await jobOf(scannerId, message);
      const after = await world.values(scannerId);
      if (job?.state === 'cancelled') expect(after, name).toEqual(before);
      else expect(after.length, name).toBe(before.length + 1);
      expect(await world.deliver(message)).toBe(true);
      expect(await world.values(scannerId), name).toEqual(after);
      ends.push(`${job?.state}${refused ? ` ${refused}` : ''}`);
    }
    const began = calls.findIndex(({ name }) => name === 'TransactWriteItems');
    expect(ends.slice(began, -1)).toEqual(ends.slice(began, -1).map(() => 'cancelled'));
    expect(ends.at(-1)).toBe('completed IMPORT_STATE');
  });

  it('waits for confirmation whenever it would empty the list, whatever number of removals it allows', async () => {
    const scannerId = await world.scanner(['192.0.2.1', '192.0.2.2']);
    const options = { mode: 'remove', 'max-removals': '9', acknowledge: 'empty-list' };
    const message = await world.drop(scannerId, '192.0.2.1 192.0.2.2', options);

    await world.deliver(message);

    expect(await jobOf(scannerId, message)).toMatchObject({ state: 'awaiting-confirmation' });
    expect(await world.values(scannerId)).toHaveLength(2);
  });
});

describe('the counts of an import', () => {
  it.each([
    [
      'merge',
      { added: 1, removed: 0, changed: 0, unchanged: 1 },
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '198.51.100.1'],
    ],
    ['replace', { added: 1, removed: 3, changed: 0, unchanged: 1 }, ['192.0.2.4', '198.51.100.1']],
    ['remove', { added: 0, removed: 1, changed: 0, unchanged: 1 }, ['192.0.2.1', '192.0.2.2', '192.0.2.3']],
  ])('in mode %s are of what it asks for, and what it takes out', async (mode, counts, after) => {
    const scannerId = await world.scanner(['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']);
    const message = await world.drop(scannerId, '192.0.2.4 198.51.100.1', { mode, 'max-removals': '3' });

    await world.deliver(message);

    expect(await jobOf(scannerId, message)).toMatchObject({ state: 'completed', counts });
    expect(await world.values(scannerId)).toEqual(after);
  });
});
