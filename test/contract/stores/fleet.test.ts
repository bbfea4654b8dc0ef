import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/errors.ts';
import { emptyLists as lists, newId, startServices } from './services.ts';

let due: typeof import('../../../functions/stores/due.ts');
let pace: typeof import('../../../functions/stores/pace.ts');
let standing: typeof import('../../../functions/stores/standing.ts');
let status: typeof import('../../../functions/stores/status.ts');
let createScanner: typeof import('../../../functions/stores/scanners.ts').createScanner;
let end: () => Promise<void>;

const at = new Date('2026-11-24T10:00:00.000Z');
const time = at.toISOString();

const registered = async (prefix = 'mx'): Promise<string> => {
  const scannerId = newId(prefix);
  const request = { actor: { name: 'me', requestId: 'r' }, at, operation: 'test' };
  await createScanner({ scannerId, labels: { made: prefix }, enabled: true, epoch: 'e1' }, lists, request);
  return scannerId;
};

beforeAll(async () => {
  end = await startServices();
  due = await import('../../../functions/stores/due.ts');
  pace = await import('../../../functions/stores/pace.ts');
  standing = await import('../../../functions/stores/standing.ts');
  status = await import('../../../functions/stores/status.ts');
  ({ createScanner } = await import('../../../functions/stores/scanners.ts'));
});
afterAll(() => end?.());

const minutesAfter = (minutes: number) => new Date(at.getTime() + minutes * 60_000);

const dueAt = async (now: Date): Promise<string[]> => {
  const { items } = await due.listDue(now, { limit: 1000 });
  return items.map(({ scannerId }) => scannerId);
};

const dueOf = async (scannerId: string) => (await status.readState(scannerId)).due;

describe('when a Scanner is looked at again', () => {
  it('is about a period after its registration', async () => {
    const id = await registered();

    expect(await dueAt(minutesAfter(44))).not.toContain(id);
    expect(await dueAt(minutesAfter(76))).toContain(id);
  });

  it('is a period after a look that went well, and what failed before is forgotten', async () => {
    const id = await registered();
    await due.tryAgain(id, new Error('odd'), at);
    await due.lookLater(id, await dueOf(id), minutesAfter(60));

    expect(await dueAt(minutesAfter(104))).not.toContain(id);
    expect(await dueAt(minutesAfter(136))).toContain(id);
    expect(await dueOf(id)).toMatchObject({ failures: 0 });
    expect(await dueOf(id)).not.toHaveProperty('lastError');
  });

  it('is soon after a failure, and later with each further one', async () => {
    const id = await registered();
    for (const failures of [1, 2, 3]) {
      await due.tryAgain(id, new AppError('UNAVAILABLE', 'Not now.'), at);
      expect(await dueOf(id)).toMatchObject({
        failures,
        lastError: { code: 'UNAVAILABLE', message: 'Not now.', at: time },
      });
    }

    expect(await dueAt(new Date(at.getTime() + 7000))).not.toContain(id);
    expect(await dueAt(new Date(at.getTime() + 16_000))).toContain(id);
  });

  it('is not put off by one who looked before another failed', async () => {
    const id = await registered();
    const seen = await dueOf(id);
    await due.tryAgain(id, new Error('odd'), at);
    await due.lookLater(id, seen, at);

    expect(await dueOf(id)).toMatchObject({ failures: 1 });
    expect(await dueAt(minutesAfter(1))).toContain(id);
  });

  it('is now when an operator asks, and that is told once', async () => {
    const id = await registered();
    await due.askNow(id, at);
    expect(await dueAt(at)).toContain(id);
    expect(await dueOf(id)).toMatchObject({ askedAt: time });

    await due.lookLater(id, await dueOf(id), at);
    expect(await dueOf(id)).not.toHaveProperty('askedAt');
  });

  it('is told once also where the look that was asked for fails', async () => {
    const id = await registered();
    await due.askNow(id, at);
    await due.tryAgain(id, new Error('odd'), at);

    expect(await dueOf(id)).toMatchObject({ failures: 1 });
    expect(await dueOf(id)).not.toHaveProperty('askedAt');
  });

  it('is never once it is forgotten, unless someone has asked since', async () => {
    const id = await registered();
    const before = await dueOf(id);
    await due.askNow(id, at);
    await due.forgetDue(id, before);
    expect(await dueAt(at)).toContain(id);
    await due.forgetDue(id, await dueOf(id));
    expect(await dueAt(minutesAfter(10_000))).not.toContain(id);
    expect((await status.readState(id)).due).toBeUndefined();
  });
});

describe('a lane', () => {
  it('lets one go at once, and the others in their turn', async () => {
    process.env['ROLLOUT_RATE'] = '2';
    const delays = await Promise.all(Array.from({ length: 12 }, () => pace.reserve('rollout')));
    delays.sort((one, other) => one - other);

    expect(delays.filter((delay) => delay === 0).length).toBe(1);
    expect(delays.at(-1)).toBeGreaterThan(4500);
    expect(new Set(delays.filter((delay) => delay > 0)).size).toBe(
      delays.filter((delay) => delay > 0).length,
    );
  });

  it('is THROTTLED for who would wait longer than 40 seconds, who then has booked nothing', async () => {
    process.env['ROLLOUT_RATE'] = '1';
    await pace.reserve('rollout', 500);
    await expect(pace.reserve('rollout')).rejects.toMatchObject({ code: 'THROTTLED' });
    await expect(pace.reserve('rollout')).rejects.toMatchObject({ code: 'THROTTLED' });
    process.env['ROLLOUT_RATE'] = '100';
  });

  it('is nothing to do with another', async () => {
    expect(await pace.reserve('shadow', 4)).toBe(0);
  });
});

describe('a standing', () => {
  const listed = async (prefix: string) => {
    const { items } = await standing.findStandings(({ labels }) => labels['made'] === prefix, {
      limit: 1000,
    });
    return items;
  };

  it('is found without reading many more than are wanted, and where few are asked for in few reads', async () => {
    for (const _ of [1, 2, 3, 4]) await standing.refreshStanding(await registered('found'));
    const { dynamo } = await import('../../../functions/stores/dynamo.ts');
    const sizes: unknown[] = [];
    dynamo.middlewareStack.add(
      (next) => (given) => {
        sizes.push((given.input as { Limit?: number }).Limit);
        return next(given);
      },
      { step: 'initialize', name: 'sizes' },
    );
    const reads = async (asked: boolean) => {
      sizes.length = 0;
      await standing.findStandings(() => asked, { limit: 2 });
      return sizes.slice(0, 2);
    };
    expect(await reads(true)).toEqual([2]);
    expect(await reads(false)).toEqual([2, 4]);
    dynamo.middlewareStack.remove('sizes');
  });

  it('is what the facts say, whoever writes them at once', async () => {
    const id = await registered('at-once');
    const connect = (versionNumber: number) => ({
      sessionIdentifier: `s${versionNumber}`,
      connected: true,
      versionNumber,
      at: time,
    });
    await Promise.all([
      status
        .putPublished(id, { revision: 1, shadowVersion: 1, at: time })
        .then(() => standing.refreshStanding(id)),
      status.putPresence(id, connect(1), undefined).then(() => standing.refreshStanding(id)),
      status
        .putInventory(id, {
          interfaces: [],
          software: { name: 'agent', version: '1' },
          epoch: 'e1',
          shadowVersion: 1,
        })
        .then(() => standing.refreshStanding(id)),
    ]);

    expect(await listed('at-once')).toEqual([
      expect.objectContaining({
        scannerId: id,
        connected: true,
        publishedRevision: 1,
        state: 'not-configured',
        software: { name: 'agent', version: '1' },
      }),
    ]);
  });

  it('is found page by page, in the order of the ids, and none twice', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, () => registered('paged')));
    for (const id of ids) await standing.refreshStanding(id);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await standing.findStandings(({ labels }) => labels['made'] === 'paged', {
        limit: 3,
        cursor,
      });
      found.push(...page.items.map(({ scannerId }) => scannerId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);

    expect(found).toEqual([...ids].sort());
  });

  it('of a Scanner that is not registered is not made', async () => {
    await standing.refreshStanding('no-such-scanner');
    const { items } = await standing.findStandings(({ scannerId }) => scannerId === 'no-such-scanner', {
      limit: 1,
    });
    expect(items).toEqual([]);
  });
});

describe('what a Scanner said of a revision', () => {
  const said = (revision: number, shadowVersion: number, code: 'applying' | 'applied' = 'applied') =>
    ({ revision, code, at: time, epoch: 'e1', shadowVersion }) as const;

  it('is kept with that revision, as it was read last, also where it came too late to move the status', async () => {
    const id = await registered();
    await status.putReported(id, said(2, 5), at);
    await status.putReported(id, said(2, 4, 'applying'), at);
    await status.putReported(id, said(1, 6, 'applying'), at);

    const asked = [2, 1, 3].map((revision) => ({ scannerId: id, revision }));
    expect(await status.readReported(asked)).toEqual([
      { revision: 2, code: 'applied', at: time },
      { revision: 1, code: 'applying', at: time },
      null,
    ]);
  });
});
