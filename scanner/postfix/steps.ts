import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { messageOf } from '../message-of.ts';
import type { Version } from '../version-folder.ts';
import { isBuilt, type Standing, type Versions } from '../versions.ts';
import { assertBindable } from './bindable.ts';
import { askedAs, deriveFrom, isRendered, renderedIn } from './derived.ts';
import type { GuardKeeper } from './guard-keeper.ts';
import type { Home } from './home.ts';
import { probeListeners } from './listeners-probe.ts';
import type { MailSystem } from './mail-system.ts';
import { type Patience, patience as patient } from './probe.ts';
import { type Change, changeOf } from './render/change.ts';
import { mainFile } from './render/files.ts';
import type { Rendered } from './render/render.ts';

/** What a sink of Postfix is made of. */
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

/** What it takes to have Postfix run something else, or anything at all. */
export type Needed = Change | 'start';

/** A version as this software renders it now; null where it would refuse it, or where nothing says of what it was made. */
export const renderingOf = async (
  { home }: PostfixParts,
  { path, record }: Standing,
): Promise<Rendered | null> =>
  record && deriveFrom(home, { path, desired: record.desired }, await askedAs(path)).catch(() => null);

/** False for a version that another sink has made. */
export const isRunnable = (standing: Standing): boolean =>
  isBuilt(standing) ? isRendered(standing) : existsSync(join(standing.path, mainFile));

/** Has the guard forget all but a version and the one before it, of which sessions may still be open. */
export const keepOnly = ({ guard }: PostfixParts, { name, record }: Standing): Promise<void> =>
  guard.keep([name, ...(record?.previous ? [record.previous] : [])]);

/** The guard must know the version; sessions of the one before it are better answered than deferred. */
export const loadGuard = async (parts: PostfixParts, version: Standing): Promise<void> => {
  const { guard, versions } = parts;
  await guard.start();
  await guard.load(version.path);
  await guard.use(version.name);
  const previous = await versions.before(version);
  if (previous) await guard.load(previous.path).catch(() => undefined);
  await keepOnly(parts, version);
};

/** Has the guard answer by a version again, where it has died or lost it. */
export const putGuardRight = async (parts: PostfixParts, version: Standing): Promise<void> => {
  const fault = await parts.guard.fault(version.name);
  if (fault === null) return;
  parts.log(`the guard is put right: ${fault}`);
  await loadGuard(parts, version);
};

/** Milliseconds between looks at the guard while listeners are looked at. */
const guardMs = 500;

/** What `act` does, while the guard is put right whenever it has to be: nobody else may do that meanwhile. */
const withGuard = async (parts: PostfixParts, version: Standing, act: () => Promise<void>): Promise<void> => {
  const over = new AbortController();
  const keep = async () => {
    for await (const _ of setInterval(guardMs, undefined, { signal: over.signal }))
      await putGuardRight(parts, version).catch((error: unknown) => parts.log(messageOf(error)));
  };
  const keeping = keep().catch(() => undefined);
  await act().finally(() => over.abort());
  await keeping;
};

/** Looks at all listeners. What was seen to work once is marked so; where that cannot be, it counts as not seen yet. */
const probeAll = async (
  parts: PostfixParts,
  version: Standing,
  rendered: Rendered,
  { mark, patience = parts.patience ?? patient }: { mark: number; patience?: Patience },
): Promise<void> => {
  const { home, mail, versions, log } = parts;
  await withGuard(parts, version, () => probeListeners({ home, mail, patience }, version, rendered, mark));
  await versions
    .confirm(version)
    .catch((error: Error) => log(`version ${version.name} cannot be marked as seen: ${error.message}`));
};

/** True where every listener shows at the first look that it is of a version. */
const isThere = async (parts: PostfixParts, version: Standing, rendered: Rendered): Promise<boolean> => {
  const { patience = patient } = parts;
  const once = { mark: 0, patience: { ...patience, allMs: 0 } };
  return probeAll(parts, version, rendered, once).then(
    () => true,
    () => false,
  );
};

/** Starts Postfix by a version in force. Where it does not start, the reason may be an address or a port, of which only its log would say. @throws Error */
export const startBy = async (parts: PostfixParts, version: Standing): Promise<void> => {
  try {
    await parts.mail.start();
  } catch (error) {
    const rendered = await renderingOf(parts, version);
    if (rendered) await assertBindable(rendered.listeners, parts.home);
    throw error;
  }
};

/** What Postfix may have been told last. A process that has not heard of another version yet answers as if nothing had happened. */
export interface Told {
  ofAnother: boolean;
}

/**
 * Puts a version in force if it is not, has Postfix and the guard run it, and looks whether they do. What runs it already is left alone, unless Postfix
 * may have been told of another. @throws Error
 */
export const run = async (parts: PostfixParts, version: Standing, { ofAnother }: Told): Promise<void> => {
  const { mail, versions } = parts;
  await loadGuard(parts, version);
  if ((await versions.target()) !== version.name) await versions.switchTo(version.name);
  const mark = await mail.markLog();
  const rendered = await renderingOf(parts, version);
  const isRunning = await mail.isRunning();
  if (isRunning && !ofAnother && rendered && (await isThere(parts, version, rendered))) return;
  if (isRunning) await mail.reload();
  else await startBy(parts, version);
  if (rendered) await probeAll(parts, version, rendered, { mark });
};

/** Whatever can be found out of a version before it is in force. What Postfix has already needs no look. @throws Error */
export const prepare = async (
  { mail, guard, home }: PostfixParts,
  version: Version,
  { listeners }: Rendered,
  needed: Needed,
): Promise<void> => {
  if (needed !== 'none') await mail.check(version.path);
  await guard.start();
  await guard.load(version.path);
  await assertBindable(listeners, home);
};

/** What Postfix runs is known by the version in force, if it was seen to run; where there is none, nothing is. */
export const neededFor = async (
  { mail }: PostfixParts,
  { from, isSeen }: { from: Standing | null; isSeen: boolean },
  rendered: Rendered,
): Promise<Needed> => {
  if (!(await mail.isRunning())) return 'start';
  const before = from && isBuilt(from) ? await renderedIn(from) : null;
  if (!before) return 'restart';
  const change = changeOf(before, rendered);
  return change === 'none' && !isSeen ? 'reload' : change;
};

/** Puts a version in force, and looks whether Postfix answers by it. @throws Error: then it is in force all the same. */
export const switchTo = async (
  parts: PostfixParts,
  version: Version,
  rendered: Rendered,
  needed: Needed,
): Promise<void> => {
  const { guard, mail, versions, log } = parts;
  const mark = await mail.markLog();
  if (needed === 'restart') await mail.stop();
  await versions.switchTo(version.name);
  await guard.use(version.name);
  log(`version ${version.name} is switched to: ${needed === 'none' ? 'Postfix goes on as it is' : needed}`);
  if (needed === 'reload') await mail.reload();
  if (needed === 'restart' || needed === 'start') await mail.start();
  await probeAll(parts, version, rendered, { mark });
};

/**
 * Puts in force again what was, and has it run, even where it is not what was built: it was what worked. Where there was none, or one of another sink,
 * nothing runs. @throws Error
 */
export const goBack = async (
  parts: PostfixParts,
  { to, needed }: { to: Standing | null; needed: Needed },
): Promise<void> => {
  const { mail, versions } = parts;
  const runnable = to !== null && isRunnable(to);
  if (needed === 'restart' || needed === 'start' || !runnable) await mail.stop();
  if (to) await versions.switchTo(to.name);
  else await versions.switchOff();
  if (runnable) await run(parts, to, { ofAnother: needed !== 'none' });
};
