import { setTimeout as sleep } from 'node:timers/promises';
import type { Desired } from '../../shared/domain/desired.ts';
import { type Backoff, delayOf } from '../backoff.ts';
import { messageOf } from '../message-of.ts';
import type { Version } from '../version-folder.ts';
import type { Standing } from '../versions.ts';
import { askedAs, hasFiles, renderedIn } from './derived.ts';
import { isSame } from './render/change.ts';
import {
  isRunnable,
  type PostfixParts,
  putGuardRight,
  renderingOf,
  run,
  startBy,
  type Told,
} from './steps.ts';

/** True when Postfix runs it, as was seen. */
const runs = (parts: PostfixParts, version: Standing, told: Told): Promise<boolean> =>
  run(parts, version, told).then(
    () => true,
    (error: unknown) => {
      parts.log(`version ${version.name} cannot be run: ${messageOf(error)}`);
      return false;
    },
  );

/** What is in force, and whether it was seen to run. */
export interface Outcome {
  inForce: Standing;
  isSeen: boolean;
}

/**
 * Has a version run that is in force, or is to be: left by a process before this one, which may have died between the switch and the look at it, or by
 * a way back that failed. What was never seen to work may never work: then the one before it is put in force. What was, is what was applied, and is not
 * given up for older rules: then it is for the caller to try again.
 */
export const bringUp = async (parts: PostfixParts, version: Standing, told: Told): Promise<Outcome> => {
  if (await runs(parts, version, told)) return { inForce: version, isSeen: true };
  const wasSeen = await parts.versions.isConfirmed(version);
  const previous = wasSeen ? null : await parts.versions.before(version);
  if (previous && isRunnable(previous) && (await runs(parts, previous, { ofAnother: true })))
    return { inForce: previous, isSeen: true };
  return { inForce: version, isSeen: false };
};

/** What a version is of; null where this software, or its place, would make it otherwise: then it is to be applied again. */
export const asMadeNow = async (parts: PostfixParts, version: Version): Promise<Desired | null> => {
  const [made, there] = [await renderingOf(parts, version), await renderedIn(version)];
  const isAsMade =
    made && there && isSame(made, there) && (await hasFiles(await askedAs(version.path), made));
  if (isAsMade) return version.record.desired;
  parts.log(`version ${version.name} would be made otherwise now, and is to be applied again`);
  return null;
};

/** What has died is started again, by what is in force, and what the guard has lost is loaded again. */
export const lookAfter = async (parts: PostfixParts, version: Standing | null): Promise<void> => {
  const { mail, log } = parts;
  if (!version || !isRunnable(version)) return;
  await putGuardRight(parts, version);
  if (await mail.isRunning()) return;
  log('Postfix does not run, and is started');
  await startBy(parts, version);
};

/** Milliseconds between looks at whether Postfix and the guard run, and between tries of what failed. */
const lookMs = 500;
const tries: Backoff = { baseMs: 500, capMs: 10_000 };

/** Looks again and again, less often while it fails, until the signal. */
export const keepLooking = async (
  look: () => Promise<void>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  for (let failures = 0; !signal.aborted; ) {
    const wait = failures === 0 ? lookMs : delayOf(tries, failures, 1);
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await look();
      failures = 0;
    } catch (error) {
      failures += 1;
      log(`Postfix is not as it must be: ${messageOf(error)}`);
    }
  }
};
