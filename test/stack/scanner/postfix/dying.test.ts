import { describe, expect, it } from 'vitest';
import { speak } from '../../../../bench/mail-clients.ts';
import { freePort } from '../../../../local/ports.ts';
import type { GuardKeeper } from '../../../../scanner/postfix/guard-keeper.ts';
import type { MailSystem } from '../../../../scanner/postfix/mail-system.ts';
import type { PostfixParts } from '../../../../scanner/postfix/steps.ts';
import type { Versions } from '../../../../scanner/versions.ts';
import { until } from '../../../helpers/until.ts';
import {
  type Configured,
  configured,
  inboundAt,
  lacking,
  openFolder,
  put,
  sinkIn,
  smtpTo,
  takePort,
  telling,
  toldAt,
} from './world.ts';

/** Thrown where the process is imagined to have been killed; all that follows fails too, so nothing is put right. */
class Killed extends Error {}

/** Looks that change nothing. How often some are made depends on how long others take. */
const looks: ReadonlySet<PropertyKey> = new Set([
  ...(['before', 'isConfirmed', 'look', 'standing', 'target'] satisfies (keyof Versions)[]),
  ...(['errorsSince', 'isRunning', 'markLog'] satisfies (keyof MailSystem)[]),
  ...(['fault', 'status'] satisfies (keyof GuardKeeper)[]),
]);

/** The parts of a sink, as a process has them that is killed before the first step of which `isLast` says so: looks are none. */
const dying = (parts: PostfixParts, isLast: (name: string, index: number) => boolean) => {
  let [steps, dead] = [0, false];
  const dyingOf = <T extends object>(of: T): T =>
    new Proxy(of, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const isStep = !looks.has(name);
          dead ||= isStep && isLast(String(name), steps);
          if (dead) throw new Killed();
          if (isStep) steps += 1;
          return value.apply(target, args);
        };
      },
    });
  const { versions, mail, guard } = parts;
  return {
    died: () => dead,
    parts: { ...parts, versions: dyingOf(versions), mail: dyingOf(mail), guard: dyingOf(guard) },
  };
};

/** A process that applies a configuration and is killed on its way. Answers whether it came to that. */
const killedWhileApplying = async (
  dir: string,
  what: Parameters<typeof put>[1],
  isLast: Parameters<typeof dying>[1],
): Promise<boolean> => {
  let died = () => false;
  const { sink } = await sinkIn(dir, {}, (parts) => {
    const process = dying(parts, isLast);
    died = process.died;
    return process.parts;
  });
  await put(sink, what).catch(() => undefined);
  return died();
};

/** What the next process finds, which then ends and leaves Postfix as it is. */
const foundIn = async (dir: string, more: Partial<PostfixParts> = {}) => {
  const { sink } = await sinkIn(dir, {}, (parts) => ({ ...parts, outlive: true, ...more }));
  const held = await sink.held();
  await sink.stop();
  return held;
};

/** What only the guard has: that one address is let in, by which a client sees which configuration it is. */
const listing = (port: number, revision: number): Configured => ({
  revision,
  smtp: inboundAt(port, { accept: 'listed' }),
  lists: { inbound: `127.0.3.${revision}\n` },
});

/** The revision of such a configuration, as clients see it. */
const listedAt = async (port: number, revisions: readonly number[]): Promise<number> => {
  for (const revision of revisions)
    if ((await speak({ port, from: `127.0.3.${revision}` }, []))[0]?.startsWith('220')) return revision;
  return 0;
};

type Case = [
  string,
  (port: number, revision: number) => Configured,
  (port: number, among: number[]) => Promise<number>,
];
const cases: Case[] = [
  ['that Postfix has to read', telling, toldAt],
  ['that the guard alone reads', listing, listedAt],
];

describe.skipIf(lacking !== '')(`an agent that is killed${lacking && ` (${lacking})`}`, () => {
  it.each(
    cases,
  )('before any step of an apply %s leaves the old or the new, which the next one finds, and Postfix answers by it', async (_, configure, seenAt) => {
    const dir = openFolder();
    const port = await freePort();
    await put((await sinkIn(dir)).sink, configure(port, 1));

    const seen: string[] = [];
    let [inForce, died] = [1, true];
    for (let n = 0; died; n++) {
      const wanted = n + 2;
      died = await killedWhileApplying(dir, configure(port, wanted), (_, index) => index === n);

      const { current } = await foundIn(dir);
      const revision = current?.smtp.revision ?? 0;

      expect([inForce, wanted]).toContain(revision);
      expect(await seenAt(port, [inForce, wanted])).toBe(revision);
      if (died) seen.push(revision === wanted ? 'new' : 'old');
      inForce = revision;
    }
    expect(seen.length).toBeGreaterThanOrEqual(8);
    expect(new Set(seen)).toEqual(new Set(['old', 'new']));
  });

  it('before the reload, while sessions of the old one take all places, leaves the new one, which the next one has Postfix read', async () => {
    const dir = openFolder();
    const port = await freePort();
    const withOnePlace = (revision: number): Configured => ({
      ...telling(port, revision),
      advanced: { inbound: { maxMessageBytes: 1_000_000 + revision, maxConnections: 1 } },
    });
    await put((await sinkIn(dir)).sink, withOnePlace(1));
    const only = await smtpTo(port);
    await killedWhileApplying(dir, withOnePlace(2), (name) => name === 'reload');

    const patience = { allMs: 60_000, sessionMs: 1500, againMs: 20, dnsMs: 0 };
    expect((await foundIn(dir, { patience })).current?.smtp.revision).toBe(2);
    only.close();
    await until('who comes is told of the new one', async () => (await toldAt(port)) === 2, { seconds: 90 });
  });

  it('after a switch to what does not work leaves the one before it', async () => {
    const dir = openFolder();
    const [port, other] = [await freePort(), await freePort()];
    await put((await sinkIn(dir)).sink, telling(port, 1));
    await killedWhileApplying(dir, telling(other, 2), (name) => name === 'reload');
    await takePort(other);

    expect((await foundIn(dir)).current).toEqual(configured(telling(port, 1)).desired);
    expect(await toldAt(port)).toBe(1);
  });

  it('while nothing was in force leaves nothing or the whole', async () => {
    const dir = openFolder();
    const port = await freePort();
    await killedWhileApplying(dir, telling(port, 1), (name) => name === 'switchTo');
    expect((await foundIn(dir)).current).toBeNull();
    await put((await sinkIn(dir)).sink, telling(port, 2));
    expect(await toldAt(port)).toBe(2);
  });
});
