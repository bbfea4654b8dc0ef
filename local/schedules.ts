import { randomUUID } from 'node:crypto';
import type { EventRuleModel } from './model.ts';
import { startPump } from './pump.ts';
import type { State } from './state.ts';

/** How long a unit of a rate is, in milliseconds. */
const units = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * The period of a `rate(...)` expression in milliseconds; undefined where it is none. The unit is in the singular for 1 and in the plural
 * for more (EventBridge user guide, "Rate expressions").
 */
export const periodOf = (expression: string): number | undefined => {
  const [, count = '', unit = '', plural] =
    /^rate\(([1-9]\d*) (minute|hour|day)(s?)\)$/.exec(expression) ?? [];
  if (count === '' || (count === '1') !== (plural === '')) return undefined;
  return Number(count) * units[unit as keyof typeof units];
};

/** What EventBridge hands to the targets of a schedule (EventBridge user guide, "Scheduled Event"). */
export const scheduledEvent = (rule: EventRuleModel, at: number, account: string, region: string) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account,
  time: `${new Date(at).toISOString().slice(0, 19)}Z`,
  region,
  resources: [rule.arn],
  detail: {},
});

export interface ScheduleOptions {
  state: State;
  rules: EventRuleModel[];
  region: string;
  accountId: string;
  /** Hands an event to the targets of a rule; inside a transaction with the note of when the rule fires next. */
  deliver(rule: EventRuleModel, event: Record<string, unknown>): void;
  now(): number;
  onError(error: unknown): void;
  /** How often the clock is looked at. */
  everyMs?: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS schedules (
    rule TEXT PRIMARY KEY, period_ms INTEGER NOT NULL, next_at INTEGER NOT NULL);`;

interface Row {
  period_ms: number;
  next_at: number;
}

/**
 * Runs the rules that have a rate: each fires first when one period has passed since the stack first had it, and then every period. When
 * it fires next is kept in the state, with what it caused: a restart moves nothing, and of what fell into the time that the stack did
 * not run, one firing is made up for. Answers how to stop; nothing fires after that.
 */
export const startSchedules = (options: ScheduleOptions): (() => Promise<void>) => {
  const { state, region, accountId, now } = options;
  state.db.exec(schema);
  const known = state.db.prepare('SELECT period_ms, next_at FROM schedules WHERE rule = ?');
  const keep = state.db.prepare('INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)');

  /** The time of the next firing; counted anew where the period is another or the clock was set back. */
  const beginning = (rule: EventRuleModel, period: number): number => {
    const row = known.get(rule.id) as Row | undefined;
    const good = row?.period_ms === period && row.next_at <= now() + period;
    const next = good ? row.next_at : now() + period;
    keep.run(rule.id, period, next);
    return next;
  };

  const scheduled = options.rules.flatMap((rule) =>
    rule.periodMs === undefined
      ? []
      : [{ rule, period: rule.periodMs, next: beginning(rule, rule.periodMs) }],
  );

  const fire = (entry: (typeof scheduled)[number]): void => {
    const { rule, period } = entry;
    const missed = Math.floor((now() - entry.next) / period);
    const at = entry.next + missed * period;
    state.transaction(() => {
      options.deliver(rule, scheduledEvent(rule, at, accountId, region));
      keep.run(rule.id, period, at + period);
    });
    entry.next = at + period;
  };

  const watch = (entry: (typeof scheduled)[number]) => {
    const round = async (): Promise<boolean> => {
      if (entry.next <= now()) fire(entry);
      return false;
    };
    return startPump(round, { idleMs: options.everyMs ?? 500, onError: options.onError });
  };
  const pumps = scheduled.map(watch);
  return async () => {
    await Promise.all(pumps.map((pump) => pump.stop()));
  };
};
