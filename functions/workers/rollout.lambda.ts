import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { type RolloutWake, rolloutWake } from '../../shared/messages/wake.ts';
import { following } from '../lib/followed.ts';
import { observed } from '../lib/observed.ts';
import { pagesOf } from '../lib/pages.ts';
import { listOpenRollouts, wakeRollout } from '../stores/rollouts.ts';
import { runRollout } from './rollout/run-rollout.ts';

/** Each minute, of which nothing matters but that it comes. */
interface ScheduledEvent {
  source: 'aws.events';
}

/** One round of a rollout takes seconds; with less than this left, the next invocation goes on. */
const enoughMs = 60_000;

/** Wakes a worker for each rollout on which there is something to do and nobody at work, by a change of the rollout: the router does the rest. */
const wakeAll = async (now: Date): Promise<void> => {
  for await (const rollouts of pagesOf(listOpenRollouts, 100)) {
    const idle = rollouts.filter(({ leasedUntil = 0 }) => leasedUntil < now.getTime());
    for (const { rolloutId } of idle) await wakeRollout(rolloutId, now);
  }
};

const work = async (rolloutId: string, context: Context): Promise<void> => {
  const hasTime = () => context.getRemainingTimeInMillis() > enoughMs;
  const ended = await runRollout(rolloutId, randomUUID(), { now: () => new Date(), hasTime });
  if (ended === 'late') await wakeRollout(rolloutId, new Date());
};

/** A rollout has changed, or a minute has passed; the message says only which rollout. */
export const handler = observed((event: RolloutWake | ScheduledEvent, context) => {
  if (!('rolloutId' in event)) return wakeAll(new Date());
  const { rolloutId } = rolloutWake.parse(event);
  return following({ rolloutId }, () => work(rolloutId, context));
});
