import { setTimeout as sleep } from 'node:timers/promises';
import type { Desired } from '../../shared/domain/desired.ts';
import { type Backoff, delayOf } from '../backoff.ts';
import type { Contents, Sink } from '../sink.ts';
import type { Version } from '../version-folder.ts';
import type { Versions } from '../versions.ts';
import { assertBindable } from './bindable.ts';
import { deriveFrom, renderedIn } from './derived.ts';
import type { GuardKeeper } from './guard-keeper.ts';
import type { Home } from './home.ts';
import { probeListeners } from './listeners-probe.ts';
import type { MailSystem } from './mail-system.ts';
import { type Patience, patience as patient } from './probe.ts';
import { type Change, changeOf } from './render/change.ts';
import type { Rendered } from './render/render.ts';

export interface PostfixParts {
  home: Home;
  versions: Versions;
  mail: MailSystem;
  guard: GuardKeeper;
  /** Postfix and the guard go on when the agent ends. */
  outlive: boolean;
  log: (line: string) => void;
  /** Of the probe. */
  patience?: Patience;
}

export interface PostfixSink extends Sink {
  /** Ends looking after Postfix and the guard, and with it them, unless they outlive the agent. */
  stop(): Promise<void>;
}

/** Milliseconds between looks at whether Postfix and the guard run, and between tries of what failed. */
const lookMs = 500;
const tries: Backoff = { baseMs: 500, capMs: 10_000 };

const notes: Record<Change | 'start', string> = {
  none: 'Postfix goes on as it is',
  reload: 'Postfix was reloaded',
  restart: 'Postfix was restarted',
  start: 'Postfix was started',
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isSame = (one: Pick<Rendered, 'files'>, other: Pick<Rendered, 'files'>): boolean => {
  const [texts, others] = [Object.entries(one.files), Object.entries(other.files)];
  return (
    texts.length === others.length && texts.every(([path, { text }]) => other.files[path]?.text === text)
  );
};

/** One act after another, in their order. */
const oneAtATime = () => {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(act);
    last = mine.catch(() => undefined);
    return mine;
  };
};

/** What the steps of a sink have in common. */
const stepsOf = ({ home, versions, mail, guard, log, patience = patient }: PostfixParts) => {
  const derive = ({ path, record: { desired } }: Version) => deriveFrom(home, { path, desired });

  const previousOf = ({ record }: Version): Promise<Version | null> =>
    record.previous === null ? Promise.resolve(null) : versions.at(record.previous);

  const keepOnly = async (version: Version): Promise<void> =>
    guard.keep([version.name, ...(version.record.previous === null ? [] : [version.record.previous])]);

  /** The guard must know the version; sessions of the one before it are better answered than deferred. */
  const loadGuard = async (version: Version): Promise<void> => {
    await guard.start();
    await guard.load(version.path);
    const previous = await previousOf(version);
    if (previous) await guard.load(previous.path).catch(() => undefined);
    await keepOnly(version);
  };

  /** Has Postfix run what the link says, and looks whether it does. */
  const run = async (version: Version, rendered: Rendered | null): Promise<void> => {
    await loadGuard(version);
    const mark = await mail.markLog();
    if (await mail.isRunning()) await mail.reload();
    else await mail.start();
    if (rendered) await probeListeners({ home, mail, patience }, version, rendered, mark);
  };

  return {
    previousOf,
    keepOnly,
    loadGuard,
    /** Null where this software would refuse it now. */
    rendering: (version: Version): Promise<Rendered | null> => derive(version).catch(() => null),
    run,
    /** Whatever can be found out before the switch. */
    prepare: async (version: Version, { listeners }: Rendered): Promise<void> => {
      await mail.check(version.path);
      await guard.start();
      await guard.load(version.path);
      await assertBindable(listeners, home);
    },
    change: async (from: Version | null, rendered: Rendered): Promise<Change | 'start'> => {
      if (!(await mail.isRunning())) return 'start';
      const before = from && (await renderedIn(from));
      return before ? changeOf(before, rendered) : 'restart';
    },
    switchTo: async (version: Version, rendered: Rendered, change: Change | 'start'): Promise<void> => {
      const mark = await mail.markLog();
      if (change === 'restart') await mail.stop();
      await versions.switchTo(version.name);
      log(`version ${version.name} is switched to: ${change}`);
      if (change === 'reload') await mail.reload();
      if (change === 'restart' || change === 'start') await mail.start();
      await probeListeners({ home, mail, patience }, version, rendered, mark);
    },
  };
};

/** Without a version of this sink before it, nothing runs, as before. */
const goBack = async (
  { versions, mail }: PostfixParts,
  { rendering, run }: ReturnType<typeof stepsOf>,
  { to, change }: { to: Version | null; change: Change | 'start' },
): Promise<void> => {
  const isOurs = to !== null && (await renderedIn(to)) !== null;
  if (change !== 'reload' || !isOurs) await mail.stop();
  if (to) await versions.switchTo(to.name);
  else await versions.switchOff();
  if (to && isOurs) await run(to, await rendering(to));
};

/**
 * A sink that is a Postfix with its guard. A version is built, checked by Postfix's own tools, loaded by the guard and switched to by
 * one rename; Postfix is reloaded or restarted, and each listener is looked at as a client looks at it. Only then it is applied. When any of
 * that fails, the version before is in force again, and was looked at, too. Killed at any point, the next process finds one whole version in force.
 */
export const postfixSink = (parts: PostfixParts): PostfixSink => {
  const { home, versions, mail, guard, outlive, log } = parts;
  const steps = stepsOf(parts);
  const exclusively = oneAtATime();
  const stopping = new AbortController();
  /** As last looked at or applied; undefined while nobody has looked. */
  let inForce: Version | null | undefined;
  let keeping: Promise<void> | undefined;

  /** What has died is started again, by what is in force. */
  const lookAfter = async (): Promise<void> => {
    if (!inForce || (await renderedIn(inForce)) === null) return;
    if (!(await guard.status())) {
      log('the guard does not answer, and is started');
      await steps.loadGuard(inForce);
    }
    if (await mail.isRunning()) return;
    log('Postfix does not run, and is started');
    await mail.start();
  };

  const keepLooking = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const wait = failures === 0 ? lookMs : delayOf(tries, failures, 1);
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      failures = await exclusively(lookAfter).then(
        () => 0,
        (error: unknown) => {
          log(`Postfix is not as it must be: ${messageOf(error)}`);
          return failures + 1;
        },
      );
    }
  };

  /** True when Postfix runs it, as was seen. */
  const runs = async (version: Version): Promise<boolean> =>
    steps.run(version, await steps.rendering(version)).then(
      () => true,
      (error: unknown) => {
        log(`version ${version.name} cannot be run: ${messageOf(error)}`);
        return false;
      },
    );

  /** What was switched to but not yet looked at when the process died may never work: then the one before it does. */
  const bringUp = async (version: Version): Promise<Version | null> => {
    if (await runs(version)) return version;
    const previous = await steps.previousOf(version);
    if (!previous || (await renderedIn(previous)) === null) return null;
    await versions.switchTo(previous.name);
    if (await runs(previous)) return previous;
    await versions.switchTo(version.name);
    return null;
  };

  /** Null where Postfix cannot run it, or where it would be made otherwise now: then it is applied again. */
  const asMadeNow = async (version: Version): Promise<Desired | null> => {
    const [made, there] = [await steps.rendering(version), await renderedIn(version)];
    if (made && there && isSame(made, there)) return version.record.desired;
    log(`version ${version.name} would be made otherwise now, and is applied again`);
    return null;
  };

  const held = async () => {
    inForce = await versions.look();
    if (!inForce || (await renderedIn(inForce)) === null) return { current: null, previous: null };
    const running = await bringUp(inForce);
    if (!running) return { current: null, previous: null };
    inForce = running;
    const previous = await steps.previousOf(running);
    return { current: await asMadeNow(running), previous: previous?.record.desired ?? null };
  };

  const discard = async (version: Version): Promise<void> => {
    await versions.discard(version);
    if (inForce) await steps.keepOnly(inForce);
  };

  const failed = async (version: Version, change: Change | 'start', error: unknown): Promise<Error> => {
    const why = messageOf(error);
    try {
      await goBack(parts, steps, { to: inForce ?? null, change });
      await discard(version);
      return error instanceof Error ? error : new Error(why);
    } catch (second) {
      return new Error(`${why} To go back failed, too, and is tried again: ${messageOf(second)}`);
    }
  };

  const build = async (desired: Desired, contents: Contents) => {
    let rendered: Rendered | undefined;
    const derive = async (path: string) => {
      rendered = await deriveFrom(home, { path, desired });
      return rendered.files;
    };
    const version = await versions.build({ desired, contents, from: inForce ?? null, derive });
    if (!rendered) throw new TypeError('Nothing was rendered.');
    return { version, rendered };
  };

  const apply = async (desired: Desired, contents: Contents): Promise<string> => {
    if (inForce === undefined) inForce = await versions.look();
    await lookAfter().catch((error: unknown) => log(`Postfix is not as it must be: ${messageOf(error)}`));
    const { version, rendered } = await build(desired, contents);
    const change = await steps.change(inForce, rendered);
    try {
      await steps.prepare(version, rendered);
    } catch (error) {
      await discard(version).catch(() => undefined);
      throw error;
    }
    try {
      await steps.switchTo(version, rendered, change);
    } catch (error) {
      throw await failed(version, change, error);
    }
    inForce = version;
    // What comes after cannot undo it.
    await steps.keepOnly(version).catch(() => undefined);
    await versions.tidy(version).catch(() => undefined);
    return notes[change];
  };

  return {
    held: () =>
      exclusively(held).finally(() => {
        keeping ??= keepLooking();
      }),
    apply: (desired, contents) => exclusively(() => apply(desired, contents)),
    async stop() {
      stopping.abort();
      await keeping;
      if (outlive) return;
      await exclusively(async () => {
        await mail.stop();
        await guard.stop();
      });
    },
  };
};
