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

/** A version as this software renders it now; null where it would refuse it. */
export const renderingOf = ({ home }: PostfixParts, { path, record }: Version): Promise<Rendered | null> =>
  deriveFrom(home, { path, desired: record.desired }).catch(() => null);

/** False for a version that another sink has made. */
export const isRunnable = async (version: Version): Promise<boolean> => (await renderedIn(version)) !== null;

export const previousOf = async ({ versions }: PostfixParts, { record }: Version): Promise<Version | null> =>
  record.previous === null ? null : versions.at(record.previous);

/** Has the guard forget all but a version and the one before it, of which sessions may still be open. */
export const keepOnly = ({ guard }: PostfixParts, { name, record }: Version): Promise<void> =>
  guard.keep([name, ...(record.previous === null ? [] : [record.previous])]);

/** The guard must know the version; sessions of the one before it are better answered than deferred. */
export const loadGuard = async (parts: PostfixParts, version: Version): Promise<void> => {
  const { guard } = parts;
  await guard.start();
  await guard.load(version.path);
  const previous = await previousOf(parts, version);
  if (previous) await guard.load(previous.path).catch(() => undefined);
  await keepOnly(parts, version);
};

const probeAll = async (
  { home, mail, patience = patient }: PostfixParts,
  version: Version,
  rendered: Rendered,
  mark: number,
): Promise<void> => probeListeners({ home, mail, patience }, version, rendered, mark);

/** Has Postfix and the guard run what is in force, and looks whether they do. @throws Error */
export const run = async (parts: PostfixParts, version: Version): Promise<void> => {
  const { mail } = parts;
  await loadGuard(parts, version);
  const mark = await mail.markLog();
  if (await mail.isRunning()) await mail.reload();
  else await mail.start();
  const rendered = await renderingOf(parts, version);
  if (rendered) await probeAll(parts, version, rendered, mark);
};

/** Whatever can be found out of a version before it is in force. @throws ConfigurationRefused, Error */
export const prepare = async (
  { mail, guard, home }: PostfixParts,
  version: Version,
  { listeners }: Rendered,
): Promise<void> => {
  await mail.check(version.path);
  await guard.start();
  await guard.load(version.path);
  await assertBindable(listeners, home);
};

/** What Postfix runs is known by the version in force; where there is none, nothing is. */
export const neededFor = async (
  { mail }: PostfixParts,
  from: Version | null,
  rendered: Rendered,
): Promise<Needed> => {
  if (!(await mail.isRunning())) return 'start';
  const before = from && (await renderedIn(from));
  return before ? changeOf(before, rendered) : 'restart';
};

/** Puts a version in force, and looks whether Postfix answers by it. @throws Error: then it is in force all the same. */
export const switchTo = async (
  parts: PostfixParts,
  version: Version,
  rendered: Rendered,
  needed: Needed,
): Promise<void> => {
  const { mail, versions, log } = parts;
  const mark = await mail.markLog();
  if (needed === 'restart') await mail.stop();
  await versions.switchTo(version.name);
  log(`version ${version.name} is switched to: ${needed}`);
  if (needed === 'reload') await mail.reload();
  if (needed === 'restart' || needed === 'start') await mail.start();
  await probeAll(parts, version, rendered, mark);
};

/** Puts a version in force again, and has it run. Where there was none before, or one of another sink, nothing runs. @throws Error */
export const goBack = async (
  parts: PostfixParts,
  { to, needed }: { to: Version | null; needed: Needed },
): Promise<void> => {
  const { mail, versions } = parts;
  const runnable = to !== null && (await isRunnable(to));
  if (needed !== 'reload' || !runnable) await mail.stop();
  if (to) await versions.switchTo(to.name);
  else await versions.switchOff();
  if (runnable) await run(parts, to);
};
