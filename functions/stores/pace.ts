import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { bookingMs, delayUntil, longestWaitMs, type Rate } from '../../shared/domain/pace.ts';
import { keys } from '../../shared/tables.ts';
import { type EnvironmentName, requireEnv } from '../lib/env.ts';
import { dynamo, format, onCondition, tableName } from './dynamo.ts';
import { retrying } from './retrying.ts';

/** `shadow`: requests to the shadow service, of which an account has so many a second; `rollout`: commits of rollouts. */
export type Lane = 'shadow' | 'rollout';

const rates: Record<Lane, EnvironmentName> = { shadow: 'SHADOW_RATE', rollout: 'ROLLOUT_RATE' };

const rateOf = (lane: Lane): Rate => ({ perSecond: Number(requireEnv(rates[lane])) });

/** How many operations of a lane may go together, so that no second has many more than its rate: what goes in a tenth of it, or one. */
export const operationsAtOnce = (lane: Lane): number => Math.max(1, Math.floor(rateOf(lane).perSecond / 10));

/** One conditional update of the end of what is booked; answers where it was, or null where the condition does not hold. */
const move = async (
  lane: Lane,
  update: { until: string; condition: string; values: Record<string, number> },
): Promise<{ before: number } | null> => {
  const command = new UpdateCommand({
    TableName: tableName(),
    Key: { pk: keys.ofPace(lane), sk: keys.pace },
    UpdateExpression: `SET bookedUntil = ${update.until}, #format = :format`,
    ConditionExpression: update.condition,
    ExpressionAttributeNames: { '#format': 'format' },
    ExpressionAttributeValues: { ...update.values, ':format': format },
    ReturnValues: 'UPDATED_OLD',
  });
  const answer = await onCondition(dynamo.send(command));
  return answer && { before: Number(answer.Attributes?.['bookedUntil'] ?? 0) };
};

/** Where the order's turn begins: now in a lane that is free, behind the others in one that is not; null when it became free in between. */
const begin = async (lane: Lane, now: number, takes: number): Promise<number | null> => {
  const values = { ':now': now, ':until': now + takes };
  const free = { until: ':until', condition: 'attribute_not_exists(pk) OR bookedUntil <= :now', values };
  if (await move(lane, free)) return now;
  const behind = await move(lane, {
    until: 'bookedUntil + :takes',
    condition: 'bookedUntil > :now AND bookedUntil <= :latest',
    values: { ':now': now, ':takes': takes, ':latest': now + longestWaitMs },
  });
  return behind?.before ?? null;
};

/**
 * Books operations of a lane and answers after how many milliseconds they may go. All who use the lane share its rate, whatever process they
 * run in. THROTTLED when the line is too long.
 */
export const reserve = (lane: Lane, operations = 1): Promise<number> => {
  const now = Date.now();
  const takes = bookingMs(operations, rateOf(lane));
  const book = async () => {
    const turn = await begin(lane, now, takes);
    return turn === null ? null : delayUntil(turn, now);
  };
  return retrying(book, { tries: 3, refusal: `The ${lane} lane is booked ${longestWaitMs / 1000} s ahead.` });
};
