import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Fate, WireCall } from '../../../bench/fault-proxy.ts';
import { type ImportWorld, type Message, startImportWorld } from './world.ts';

/**
 * The calls that an import makes are counted in a clean run; then each of them is made to fail in each way, and the worker's process
 * is killed before and after each of its writes. All of it is on the wire, between the SDK and the services.
 */
let world: ImportWorld;
let scannerId: string;
let clean: WireCall[];
let next = 0;

/** A file with one new value and one that is bad, so that a report is stored, too. */
const dropNext = async (): Promise<{
  message: Message;
  value: string;
  before: string[];
  revision: number;
}> => {
  const value = `10.1.${next >> 8}.${next++ & 255}`;
  const before = (await world.values(scannerId)).sort();
  const message = await world.drop(scannerId, `${value}\nnonsense\n`, { 'on-invalid': 'skip' });
  return { message, value, before, revision: await world.revision(scannerId) };
};

const isWrite = ({ name }: WireCall) => !/^(GET|HEAD|GetItem|Query|BatchGetItem)/.test(name);

beforeAll(async () => {
  world = await startImportWorld();
  scannerId = await world.scanner(['192.0.2.1', '192.0.2.2']);
  const { message } = await dropNext();
  // One that takes long says now and then how far it is.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  ({ calls: clean } = await world.during({ fate: () => 'pass' }, () => world.deliver(message)));
  vi.useRealTimers();
});
afterAll(() => world?.end());

type Case = Awaited<ReturnType<typeof dropNext>>;

/** The list is its old self or the whole new one; delivered again, the job ends, once, and the list is the new one. */
const holds = async ({ message, value, before, revision }: Case, what: string): Promise<void> => {
  const after = [...before, value].sort();
  expect([before, after], `${what}: the list`).toContainEqual((await world.values(scannerId)).sort());

  expect(await world.deliver(message), `${what}: delivered again`).toBe(true);

  expect((await world.values(scannerId)).sort(), what).toEqual(after);
  expect(await world.revision(scannerId), `${what}: the revision`).toBe(revision + 1);
  const [job] = await world.jobs(scannerId);
  expect(job, what).toMatchObject({
    state: 'completed',
    revision: revision + 1,
    counts: { added: 1, invalid: 1 },
    problemsTotal: 1,
  });
};

it('an import makes the calls that are counted here, and ends', async () => {
  expect(
    clean.map(({ name }) => name.replace(/[0-9a-f]{64}|imp-[0-9a-f]+|file-[0-9a-f-]+|mx-[0-9a-f-]+/g, '*')),
  ).toEqual([
    'HEAD imports/*/outbound/*',
    'GetItem',
    'UpdateItem',
    'TransactWriteItems',
    'UpdateItem',
    'GET imports/*/outbound/*',
    'UpdateItem',
    'UpdateItem',
    'PUT reports/*.jsonl',
    'GetItem',
    'GET lists/manifests/*',
    'GET lists/chunks/*',
    'PUT lists/chunks/*',
    'PUT lists/manifests/*',
    'TransactWriteItems',
  ]);
});

describe('each call of an import in turn', () => {
  const fates: Fate[] = ['throttle', 'error', 'time-out', 'break off', 'lose the answer'];

  it.each(fates)('meets “%s”: nothing is half done, and delivered again it ends', async (fate) => {
    for (const { number, name } of clean) {
      const one = await dropNext();
      const { calls } = await world.during({ fate: (call) => (call.number === number ? fate : 'pass') }, () =>
        world.deliver(one.message),
      );
      expect(calls.length, `${fate} at ${name}`).toBeGreaterThan(number);
      await holds(one, `${fate} at call ${number}, ${name}`);
    }
  });

  it('is the first of an outage: nothing is half done, and delivered again afterwards it ends', async () => {
    for (const { number, name } of clean) {
      const one = await dropNext();
      const { result } = await world.during(
        { fate: (call) => (call.number >= number ? 'error' : 'pass') },
        () => world.deliver(one.message),
      );
      expect(result, `outage from ${name}`).toBe(false);
      await holds(one, `outage from call ${number}, ${name}`);
    }
  });
});

describe('kill -9 of the worker’s process', () => {
  const killedAt = async (number: number, moment: 'before' | 'after'): Promise<void> => {
    const one = await dropNext();
    let kill = (): void => undefined;
    const { result } = await world.during(
      {
        fate({ number: at }) {
          if (moment === 'before' && at === number) kill();
          return moment === 'before' && at >= number ? 'break off' : 'pass';
        },
        done({ number: at }) {
          if (moment === 'after' && at === number) kill();
        },
      },
      () =>
        world.deliverToProcess(one.message, (end) => {
          kill = end;
        }),
    );
    expect(result.signal, result.output).toBe('SIGKILL');
    await holds(one, `killed ${moment} call ${number}, ${clean[number]?.name}`);
  };

  it.each([
    'before',
    'after',
  ] as const)('%s each of its writes leaves the old list or the new one, and the job is finished', async (moment) => {
    for (const { number } of clean.filter(isWrite)) await killedAt(number, moment);
  });
});
