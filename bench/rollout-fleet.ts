import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export type FleetMessage = { kind: 'ready'; source: string } | { kind: 'follow'; rolloutId: string };

/** A stand-in for a fleet: its Scanners are items of the table, and say of what is committed for them that they run it. */
export interface Fleet {
  /** The Scanner that is in sync with something that the others do not have. */
  source: string;
  /** From now on the Scanners answer to a rollout. */
  follow(rolloutId: string): void;
  stop(): Promise<void>;
}

/** Puts `count` Scanners and a source into the table, by a process of its own which finds table and bucket by these variables. */
export const startFleet = async (count: number, env: NodeJS.ProcessEnv): Promise<Fleet> => {
  const child = fork(join(import.meta.dirname, 'rollout-fleet-process.ts'), [String(count)], { env });
  const ended = once(child, 'exit');
  const ready = once(child, 'message');
  const first = await Promise.race([ready, ended.then(() => null)]);
  if (!first) throw new Error('the fleet ended before it was ready');
  const { source } = first[0] as Extract<FleetMessage, { kind: 'ready' }>;
  return {
    source,
    follow: (rolloutId) => child.send({ kind: 'follow', rolloutId } satisfies FleetMessage),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
};
