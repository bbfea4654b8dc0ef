import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventBus } from '../../local/event-bus.ts';
import type { EventRuleModel } from '../../local/model.ts';
import { periodOf, startSchedules } from '../../local/schedules.ts';
import { openState, type State } from '../../local/state.ts';
import { until } from '../helpers/until.ts';

const minute = 60_000;
const queue = 'arn:aws:sqs:eu-west-1:000000000000:q';
const sweep = 'arn:aws:lambda:eu-west-1:000000000000:function:sweep';

let dir: string;
let state: State;
let clock: number;
let sent: [arn: string, event: unknown][];
let stop: (() => Promise<void>) | undefined;
let rounds: number;
let full: boolean;

const rule = (more: Partial<EventRuleModel> = {}): EventRuleModel => ({
  id: 'Sweep',
  arn: 'arn:aws:events:eu-west-1:000000000000:rule/Sweep',
  periodMs: 5 * minute,
  targets: [{ arn: sweep }],
  ...more,
});

const start = (rules: EventRuleModel[], twice = false) => {
  const targets = {
    sendToQueue: (arn: string, event: unknown) => {
      if (full) throw new Error('the queue is full');
      sent.push([arn, event]);
    },
    invokeAsync: (arn: string, event: unknown) => sent.push([arn, event]),
  };
  const { deliver } = eventBus(rules, targets, twice);
  const now = () => {
    rounds += 1;
    return clock;
  };
  const common = { state, rules, region: 'eu-west-1', accountId: '000000000000', deliver, now };
  stop = startSchedules({ ...common, onError: (error) => sent.push(['error', error]), everyMs: 1 });
};

/** Sets the clock, and waits until it has been looked at. */
const at = async (time: number) => {
  clock = time;
  const before = rounds;
  await until('the clock is looked at', () => rounds > before + 6, { everyMs: 1 });
};

const end = async () => {
  await stop?.();
  stop = undefined;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'schedules-'));
  state = openState(dir);
  [clock, sent, rounds, full] = [Date.UTC(2026, 0, 1), [], 0, false];
});

afterEach(async () => {
  await end();
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

const begin = Date.UTC(2026, 0, 1);

describe('a schedule', () => {
  it('fires first after one period and then every period, with the event of EventBridge', async () => {
    start([rule()]);
    await at(begin + 5 * minute - 1);
    expect(sent).toEqual([]);
    await at(begin + 5 * minute + 20_000);
    expect(sent).toEqual([
      [
        sweep,
        {
          version: '0',
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: '000000000000',
          time: '2026-01-01T00:05:00Z',
          region: 'eu-west-1',
          resources: ['arn:aws:events:eu-west-1:000000000000:rule/Sweep'],
          detail: {},
        },
      ],
    ]);
    await at(begin + 10 * minute);
    expect(sent).toHaveLength(2);
  });

  it('gives each target the event, or the input that it has instead', async () => {
    start([rule({ targets: [{ arn: sweep, input: { kind: 'sweep' } }, { arn: queue }] })]);
    await at(begin + 5 * minute);
    expect(sent).toEqual([
      [sweep, { kind: 'sweep' }],
      [queue, expect.objectContaining({ source: 'aws.events' })],
    ]);
  });

  it('may come twice where events do', async () => {
    start([rule()], true);
    await at(begin + 5 * minute);
    expect(sent).toHaveLength(2);
  });

  it('keeps its time across a restart, and makes up for one firing of those that were missed', async () => {
    start([rule()]);
    await at(begin + 5 * minute);
    await end();
    clock = begin + 7 * minute;
    start([rule()]);
    await at(begin + 10 * minute);
    expect(sent).toHaveLength(2);
    await end();
    clock = begin + 31 * minute;
    start([rule()]);
    await at(begin + 31 * minute);
    expect(sent).toHaveLength(3);
    expect(sent[2]?.[1]).toMatchObject({ time: '2026-01-01T00:30:00Z' });
    await at(begin + 35 * minute);
    expect(sent).toHaveLength(4);
  });

  it('counts anew when its rate is another', async () => {
    start([rule()]);
    await end();
    clock = begin + 4 * minute;
    start([rule({ periodMs: 60 * minute })]);
    await at(begin + 63 * minute);
    expect(sent).toEqual([]);
    await at(begin + 64 * minute);
    expect(sent).toHaveLength(1);
  });

  it('does not fire after it was stopped', async () => {
    start([rule()]);
    await end();
    clock = begin + 5 * minute;
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([]);
  });

  it('that cannot be delivered stays due, and holds no other back', async () => {
    full = true;
    start([rule({ id: 'Full', targets: [{ arn: queue }] }), rule()]);
    await at(begin + 5 * minute);
    await at(begin + 5 * minute);
    expect(sent.map(([arn]) => arn)).toEqual(expect.arrayContaining(['error', sweep]));
    full = false;
    await at(begin + 5 * minute);
    expect(sent.filter(([arn]) => arn === queue)).toHaveLength(1);
    expect(sent.filter(([arn]) => arn === sweep)).toHaveLength(1);
  });
});

it('a rule with a rate alone takes no event of the bus', () => {
  const bus = eventBus([rule()], { sendToQueue: () => undefined, invokeAsync: (arn) => sent.push([arn, 0]) });
  bus.emit({ source: 'aws.s3' });
  expect(sent).toEqual([]);
});

it('a target that is neither a queue nor a function is refused by name', () => {
  const topic = 'arn:aws:sns:eu-west-1:000000000000:topic';
  expect(() => start([rule({ targets: [{ arn: topic }] })])).toThrow(topic);
});

describe('the period of a rate', () => {
  it.each([
    ['rate(1 minute)', minute],
    ['rate(5 minutes)', 5 * minute],
    ['rate(1 hour)', 60 * minute],
    ['rate(12 hours)', 720 * minute],
    ['rate(1 day)', 1440 * minute],
    ['rate(7 days)', 10_080 * minute],
  ])('%s is %i ms', (expression, period) => {
    expect(periodOf(expression)).toBe(period);
  });

  it.each([
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'rate(-1 day)',
    'rate(1.5 hours)',
    'rate(30 seconds)',
    'rate(5  minutes)',
    'cron(0 12 * * ? *)',
    '',
  ])('%j has none', (expression) => {
    expect(periodOf(expression)).toBeUndefined();
  });
});
