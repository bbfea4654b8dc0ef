import { setTimeout as sleep } from 'node:timers/promises';
import { askGuard } from './guard/control-client.ts';
import type { ControlRequest, GuardStatus } from './guard/control-protocol.ts';
import type { Home } from './home.ts';
import type { Services } from './services.ts';

/** The guard, as the agent sees it: over its control socket. */
export interface GuardKeeper {
  /** What it says of itself; null when none answers in time. */
  status(): Promise<GuardStatus | null>;
  /** Why it does not answer by a version of settings as it must, in words; null where it does. */
  fault(version: string): Promise<string | null>;
  /** Starts one where none answers, and anew where it is of another software than this. */
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

/** What it needs besides. */
export interface KeeperOptions {
  /** Which software this is (`softwareVersion`). */
  software: string;
  log: (line: string) => void;
}

/** Questions to whatever guard listens on a control socket. */
const controlOf = (path: string) => {
  const ask = (request: ControlRequest, timeoutMs?: number) => askGuard(path, request, timeoutMs);
  const status = () => ask({ command: 'status' }, statusMs).catch(() => null);
  return {
    ask,
    status,
    async until(isSo: (now: GuardStatus | null) => boolean, what: string): Promise<GuardStatus | null> {
      const deadline = performance.now() + startMs;
      for (;;) {
        const now = await status();
        if (isSo(now)) return now;
        if (performance.now() > deadline)
          throw new Error(`The guard ${what} in ${startMs} ms; its log says why.`);
        await sleep(25);
      }
    },
  };
};

export const guardKeeper = (
  { sockets }: Home,
  services: Pick<Services, 'startGuard' | 'stopGuard'>,
  { software, log }: KeeperOptions,
): GuardKeeper => {
  const { ask, status, until } = controlOf(sockets.control);
  /**
   * What a guard may be of: this software, or what the last one said that was started from here. That is not this software where it was updated
   * beneath this process; to start it anew again would not change it.
   */
  let known = software;

  const isKnown = (now: GuardStatus): boolean => now.software === software || now.software === known;

  const stop = async (): Promise<void> => {
    const now = await status();
    if (!now) return;
    await services.stopGuard(now.pid);
    await until((then) => then?.pid !== now.pid, 'does not end');
  };

  return {
    status,
    async fault(version) {
      const now = await status();
      if (!now) return 'it does not answer';
      if (!isKnown(now)) return 'it is of another version of this software';
      return now.versions.some(({ name }) => name === version)
        ? null
        : `it has not loaded version ${version}`;
    },
    async start() {
      const now = await status();
      if (now && isKnown(now)) return;
      if (now) {
        log('the guard is of another version of this software: it is ended and started anew');
        await stop();
      }
      await services.startGuard();
      const started = await until((then) => then !== null, 'does not answer');
      known = started?.software ?? software;
    },
    async load(folder) {
      await ask({ command: 'load', folder });
    },
    async keep(versions) {
      const { versions: loaded } = await ask({ command: 'status' });
      const names = loaded.map(({ name }) => name).filter((name) => versions.includes(name));
      await ask({ command: 'keep', versions: names });
    },
    stop,
  };
};
