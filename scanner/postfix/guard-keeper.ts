import { setTimeout as sleep } from 'node:timers/promises';
import { askGuard } from './guard/control-client.ts';
import type { ControlRequest, GuardStatus } from './guard/control-protocol.ts';
import type { Home } from './home.ts';
import { awaitEnd, guardsOf } from './processes.ts';
import type { Services } from './services.ts';

/** The guard, as the agent sees it: over its control socket, and among the processes of this host where it does not answer. */
export interface GuardKeeper {
  /** What it says of itself; null when none answers in time. */
  status(): Promise<GuardStatus | null>;
  /** Why it does not answer by a version of settings as it must, in words; null where it does. */
  fault(version: string): Promise<string | null>;
  /** Starts one where there is none, and anew where it hangs, or is of another software than this. */
  start(): Promise<void>;
  /** Loads the version of a folder. @throws Error with the guard's reason. */
  load(folder: string): Promise<void>;
  /** Has sessions that begin now answered by a version that is loaded. @throws Error with the guard's reason. */
  use(version: string): Promise<void>;
  /** Forgets all versions but these, of which those that are loaded stay. */
  keep(versions: readonly string[]): Promise<void>;
  /** Ends it, even where it hangs. */
  stop(): Promise<void>;
}

/**
 * Milliseconds that a guard has to say how it is, beside much else, before it counts as one that hangs (while it loads a long list, it answers); and
 * to be there once it is started.
 */
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
    /** Asks until it answers, or until that is hopeless or the time is over: then null. */
    async statusWithin(ms: number, isHopeless = async () => false): Promise<GuardStatus | null> {
      const deadline = performance.now() + ms;
      for (;;) {
        const now = await status();
        if (now || performance.now() >= deadline || (await isHopeless())) return now;
        await sleep(25);
      }
    },
  };
};

export const guardKeeper = (
  { sockets, socketFolder }: Home,
  services: Pick<Services, 'startGuard' | 'stopGuard'>,
  { software, log }: KeeperOptions,
): GuardKeeper => {
  const { ask, status, statusWithin } = controlOf(sockets.control);
  /**
   * What a guard may be of: this software, or what the last one said that was started from here. That is not this software where it was updated
   * beneath this process; to start it anew again would not change it.
   */
  let known = software;

  const isKnown = (now: GuardStatus): boolean => now.software === software || now.software === known;

  const stop = async (): Promise<void> => {
    const guards = await guardsOf(socketFolder);
    if (guards.length === 0) return;
    await services.stopGuard();
    await awaitEnd(socketFolder, guards);
  };

  /** What the guard says of itself; null when there is none: one that is there and does not answer in time, though it may be starting, is killed. */
  const statusOrEnd = async (): Promise<GuardStatus | null> => {
    const now = await statusWithin(statusMs, async () => (await guardsOf(socketFolder)).length === 0);
    const hanging = now ? [] : await guardsOf(socketFolder);
    if (hanging.length > 0) {
      log(`the guard (${hanging.join(', ')}) hangs: it is killed`);
      await awaitEnd(socketFolder, hanging, 0);
    }
    return now;
  };

  return {
    status,
    async fault(version) {
      const now = await status();
      if (!now) return 'it does not answer';
      if (!isKnown(now)) return 'it is of another version of this software';
      const loaded = now.versions.find(({ name }) => name === version);
      if (!loaded) return `it has not loaded version ${version}`;
      return loaded.answers ? null : `it does not answer by version ${version}`;
    },
    async start() {
      const now = await statusOrEnd();
      if (now && isKnown(now)) return;
      if (now) {
        log('the guard is of another version of this software: it is ended and started anew');
        await stop();
      }
      await services.startGuard();
      const started = await statusWithin(startMs);
      if (!started) throw new Error(`The guard does not answer in ${startMs} ms; its log says why.`);
      known = started.software;
    },
    async load(folder) {
      await ask({ command: 'load', folder });
    },
    async use(version) {
      await ask({ command: 'use', version });
    },
    async keep(versions) {
      const { versions: loaded } = await ask({ command: 'status' });
      const names = loaded.map(({ name }) => name).filter((name) => versions.includes(name));
      await ask({ command: 'keep', versions: names });
    },
    stop,
  };
};
