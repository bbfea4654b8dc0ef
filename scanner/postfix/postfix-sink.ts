import { dirname, join } from 'node:path';
import type { Desired } from '../../shared/domain/desired.ts';
import { messageOf } from '../message-of.ts';
import type { Contents, Held, Sink } from '../sink.ts';
import type { Version } from '../version-folder.ts';
import { isBuilt, type Standing } from '../versions.ts';
import { askedAs, deriveAfter } from './derived.ts';
import { asMadeNow, bringUp, keepLooking, lookAfter } from './recovery.ts';
import type { Rendered } from './render/render.ts';
import {
  goBack,
  isRunnable,
  keepOnly,
  type Needed,
  neededFor,
  type PostfixParts,
  prepare,
  switchTo,
  type Told,
} from './steps.ts';

export interface PostfixSink extends Sink {
  /** Ends looking after Postfix and the guard, and with it them, unless they outlive the agent. */
  stop(): Promise<void>;
}

const notes: Record<Needed, string> = {
  none: 'Postfix goes on as it is',
  reload: 'Postfix was reloaded',
  restart: 'Postfix was restarted',
  start: 'Postfix was started',
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

const build = async (
  { home, versions }: PostfixParts,
  making: { desired: Desired; contents: Contents; from: Version | null },
): Promise<{ version: Version; rendered: Rendered }> => {
  let rendered: Rendered | undefined;
  const derive = async (path: string) => {
    rendered = await deriveAfter(home, { path, desired: making.desired }, making.from);
    return rendered.files;
  };
  const version = await versions.build({ ...making, derive });
  if (!rendered) throw new TypeError('Nothing was rendered.');
  return { version, rendered };
};

const discard = async (parts: PostfixParts, version: Version, inForce: Standing | null): Promise<void> => {
  await parts.versions.discard(version);
  if (inForce) await keepOnly(parts, inForce);
};

/** A version does not work, and the one before it is not back yet. */
class NotBack extends Error {
  override readonly name = 'NotBack';
}

/** What to say of a version that was switched to and does not work, once the one before it is back. */
const failure = async (
  parts: PostfixParts,
  { version, back, needed }: { version: Version; back: Standing | null; needed: Needed },
  error: unknown,
): Promise<Error> => {
  const why = messageOf(error);
  try {
    await goBack(parts, { to: back, needed });
    await discard(parts, version, back);
    return error instanceof Error ? error : new Error(why);
  } catch (second) {
    if ((await parts.versions.target()) !== version.name)
      await parts.versions.discard(version).catch(() => undefined);
    return new NotBack(`${why} To go back failed, too, and is tried again: ${messageOf(second)}`);
  }
};

/** Builds a version and puts it in force in place of another. Answers it with what it took. */
const replace = async (
  parts: PostfixParts,
  {
    isSeen,
    from,
    ...configuration
  }: { desired: Desired; contents: Contents; from: Standing | null; isSeen: boolean },
): Promise<{ version: Version; needed: Needed }> => {
  const built = from && isBuilt(from) ? from : null;
  const { version, rendered } = await build(parts, { ...configuration, from: built });
  const needed = await neededFor(parts, { from, isSeen }, rendered);
  try {
    await prepare(parts, version, rendered, needed);
  } catch (error) {
    await discard(parts, version, from).catch(() => undefined);
    throw error;
  }
  try {
    await switchTo(parts, version, rendered, needed);
  } catch (error) {
    throw await failure(parts, { version, back: from, needed }, error);
  }
  return { version, needed };
};

/** What comes after a switch cannot undo it, so its errors are no errors of the configuration. */
const tidy = async (parts: PostfixParts, version: Version): Promise<void> => {
  await keepOnly(parts, version).catch(() => undefined);
  const { previous } = version.record;
  const folders = [version.path, ...(previous === null ? [] : [join(dirname(version.path), previous)])];
  const needed = await Promise.all(folders.map(async (path) => (await askedAs(path)).name));
  await parts.versions.tidy(version, needed).catch(() => undefined);
};

const tryToLookAfter = (parts: PostfixParts, standing: Standing | null): Promise<void> =>
  lookAfter(parts, standing).catch((error: unknown) => parts.log(messageOf(error)));

/** What was changed by hand is not looked at: nothing says what it must show. */
const keepAsItIs = async (parts: PostfixParts, standing: Standing): Promise<void> => {
  parts.log(`version ${standing.name} is not what was built; it goes on until another is applied`);
  await tryToLookAfter(parts, standing);
};

const endAll = async ({ mail, guard }: PostfixParts): Promise<void> => {
  await mail.stop();
  await guard.stop();
};

const nothing: Held = { current: null, previous: null };

/**
 * A sink that is a Postfix with its guard. A version is built, checked by Postfix's own tools, loaded by the guard and switched to by
 * one rename; Postfix is reloaded or restarted, and each listener is looked at as a client looks at it. Only then it is applied. When any of
 * that fails, the version before is in force again, and was looked at, too. Killed at any point, the next process finds one whole version in force.
 */
export const postfixSink = (parts: PostfixParts): PostfixSink => {
  const { versions, log } = parts;
  const exclusively = oneAtATime();
  const stopping = new AbortController();
  /** As last looked at or applied; undefined while nobody has looked. */
  let inForce: Standing | null | undefined;
  /** False while it is to be brought up, again and again. */
  let isSeen = true;
  let keeping: Promise<void> | undefined;

  const bringItUp = async (standing: Standing, told: Told): Promise<void> => {
    ({ inForce, isSeen } = await bringUp(parts, standing, told));
  };

  const held = async (): Promise<Held> => {
    [inForce, isSeen] = [await versions.standing(), true];
    if (!inForce || !isRunnable(inForce)) return nothing;
    if (isBuilt(inForce)) await bringItUp(inForce, { ofAnother: false });
    else await keepAsItIs(parts, inForce);
    if (!isSeen || !isBuilt(inForce)) return nothing;
    const previous = await versions.before(inForce);
    return { current: await asMadeNow(parts, inForce), previous: previous?.record.desired ?? null };
  };

  const look = async (): Promise<void> => {
    if (!inForce || isSeen) return lookAfter(parts, inForce ?? null);
    await bringItUp(inForce, { ofAnother: true });
    if (!isSeen) throw new Error(`version ${inForce.name} is in force, and does not answer`);
  };

  const apply = async (desired: Desired, contents: Contents): Promise<string> => {
    inForce ??= await versions.standing();
    await tryToLookAfter(parts, inForce);
    const { version, needed } = await replace(parts, { desired, contents, from: inForce, isSeen }).catch(
      (error: unknown) => {
        if (error instanceof NotBack) isSeen = false;
        throw error;
      },
    );
    [inForce, isSeen] = [version, true];
    await tidy(parts, version);
    return notes[needed];
  };

  return {
    held: () =>
      exclusively(held).finally(() => {
        keeping ??= keepLooking(() => exclusively(look), log, stopping.signal);
      }),
    apply: (desired, contents) => exclusively(() => apply(desired, contents)),
    async stop() {
      stopping.abort();
      await keeping;
      if (!parts.outlive) await exclusively(() => endAll(parts));
    },
  };
};
