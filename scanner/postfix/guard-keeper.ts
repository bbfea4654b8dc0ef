import { setTimeout as sleep } from 'node:timers/promises';
import { askGuard } from './guard/control-client.ts';
import type { ControlRequest, GuardStatus } from './guard/control-protocol.ts';
import type { Home } from './home.ts';
import type { Services } from './services.ts';

/** The guard, as the agent sees it: over its control socket. */
export interface GuardKeeper {
  /** What it says of itself; null when none answers in time. */
  status(): Promise<GuardStatus | null>;
  /** Starts one where none answers. */
  start(): Promise<void>;
  /** Loads the version of a folder. @throws Error with the guard's reason. */
  load(folder: string): Promise<void>;
  /** Forgets all versions but these, of which those that are loaded stay. */
  keep(versions: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds that a guard has to say how it is, beside much else; and to be there once it is started. */
const statusMs = 5000;
const startMs = 20_000;

export const guardKeeper = (
  { sockets }: Home,
  services: Pick<Services, 'startGuard' | 'stopGuard'>,
): GuardKeeper => {
  const ask = (request: ControlRequest, timeoutMs?: number) => askGuard(sockets.control, request, timeoutMs);
  const status = () => ask({ command: 'status' }, statusMs).catch(() => null);

  const until = async (isSo: (now: GuardStatus | null) => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + startMs;
    while (!isSo(await status())) {
      if (performance.now() > deadline)
        throw new Error(`The guard ${what} in ${startMs} ms; its log says why.`);
      await sleep(25);
    }
  };

  return {
    status,
    async start() {
      if (await status()) return;
      await services.startGuard();
      await until((now) => now !== null, 'does not answer');
    },
    async load(folder) {
      await ask({ command: 'load', folder });
    },
    async keep(versions) {
      const { versions: loaded } = await ask({ command: 'status' });
      const names = loaded.map(({ name }) => name).filter((name) => versions.includes(name));
      await ask({ command: 'keep', versions: names });
    },
    async stop() {
      const now = await status();
      if (!now) return;
      await services.stopGuard(now.pid);
      await until((then) => then?.pid !== now.pid, 'does not end');
    },
  };
};
