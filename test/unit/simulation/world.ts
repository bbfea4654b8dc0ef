import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import { syncOf } from '../../../shared/domain/sync.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { isSound, type Whole } from './catalog.ts';
import { chanceOf, sending } from './chance.ts';
import { cloudFlaws, cloudOf } from './cloud.ts';
import { type Host, hostFlaws, hostOf } from './host.ts';
import { virtualTime } from './virtual-time.ts';

export const flaws = [...cloudFlaws, ...hostFlaws];
export type Flaw = (typeof flaws)[number];

/** Virtual milliseconds: how long things go wrong, and how long everything then has to come right. */
const faultyMs = 600_000;
const calmMs = [300_000, 3_600_000];

const text = (value: unknown): string => canonicalJson(value as Json);
const texts = new WeakMap<object, string>();
const textOnce = (value: object): string => {
  const known = texts.get(value) ?? text(value);
  texts.set(value, known);
  return known;
};

/**
 * Plays one schedule of Scanners, publishers, report workers and people, and answers what was wrong, null for nothing.
 * In every moment: what a Scanner runs is one committed revision, whole; the status says "applied" and "in sync" of the head only while
 * the Scanner runs it (or has lost its disk since, and has not been heard), "rejected" only where it did refuse it, "published" only where the
 * shadow is at the head; no number of the status and no shadow goes back. In the end: everyone runs the head, and the status says so.
 */
export const play = async (
  seed: number,
  flaw?: Flaw,
  log?: (line: string) => void,
): Promise<string | null> => {
  const time = virtualTime();
  const chance = chanceOf(seed);
  const send = sending(time, chance);
  const has = (one: Flaw) => one === flaw;
  const hosts = new Map<string, Host>();
  const cloud = cloudOf({
    time,
    chance,
    send,
    has,
    onDelta: (thing, name, delta) => hosts.get(thing)?.tell(name, delta),
  });
  let wrong: string | null = null;
  const blame = (id: string, what: string): void => {
    wrong ??= `${id} at ${time.now()} ms: ${what}`;
  };

  const runsWhole = (host: Host): void => {
    const { current } = host.disk;
    if (!current) return;
    const { revision } = current.desired.smtp;
    const wanted: Whole | undefined = cloud.wanted.get(host.id)?.get(revision);
    if (!wanted || textOnce(wanted) !== textOnce(current))
      blame(host.id, `what it runs as revision ${revision} is not what was committed`);
  };

  /** The highest of each number so far; a Scanner that lost its disk takes its own back. */
  const highest = new Map<string, number>();
  const onlyForward = (id: string, what: string, number: number): void => {
    const before = highest.get(`${id} ${what}`) ?? 0;
    if (number < before) blame(id, `${what} went from ${before} to ${number}`);
    highest.set(`${id} ${what}`, Math.max(before, number));
  };

  /**
   * Of `smtp`, which alone carries the revision. A publisher that was overtaken may for a moment take `smtp-advanced` back where the newer one had
   * nothing to write there; no Scanner applies it then, and whoever looks again mends it (seeds 1203 and 1291).
   */
  const shadowIsAt = (id: string): boolean => {
    const { revision } = cloud.factsOf(id).head;
    const smtp = cloud.wanted.get(id)?.get(revision)?.desired.smtp;
    return text(smtp ?? null) === text(cloud.shadows.get(id, smtpShadow)?.state.desired ?? null);
  };

  const statusIsSo = (host: Host): void => {
    const { id } = host;
    const facts = cloud.factsOf(id);
    const { revision } = facts.head;
    const sync = syncOf(facts as never);
    const verdict = Object.fromEntries(sync.conditions.map((one) => [one.type, one]));
    const runs = host.disk.current?.desired.smtp.revision;
    for (const type of ['Applied', 'InSync'])
      if (verdict[type]?.status === 'True' && runs !== revision && !host.damaged())
        blame(id, `${type} is said of revision ${revision}, and it runs ${runs}`);
    if (verdict['Applied']?.reason === 'Rejected' && !host.refused.has(revision))
      blame(id, `revision ${revision} is said to be rejected, and was not`);
    if (verdict['Published']?.status === 'True' && !shadowIsAt(id))
      blame(id, `Published is said of revision ${revision}, and the shadow is not there`);
    onlyForward(id, 'the published revision', sync.publishedRevision ?? 0);
    if (sync.appliedRevision !== null) onlyForward(id, 'the applied revision', sync.appliedRevision);
    onlyForward(
      id,
      'the shadow',
      Number(cloud.shadows.get(id, smtpShadow)?.state.desired?.['revision'] ?? 0),
    );
  };

  /** Everything that a judgement is made of; what has not changed needs no other. */
  const present = ({ id, disk }: Host): unknown[] => {
    const { head, scanner, published, report } = cloud.factsOf(id);
    return [disk.current, head, scanner, published, report, cloud.shadows.changes(id)];
  };
  const judged = new Map<Host, unknown[]>();
  const check = (): void => {
    for (const failure of cloud.failures) blame('the cloud', String(failure));
    for (const host of hosts.values()) {
      const now = present(host);
      if (judged.get(host)?.every((one, index) => one === now[index])) continue;
      judged.set(host, now);
      runsWhole(host);
      statusIsSo(host);
    }
  };

  const happenings: [number, (host: Host) => void][] = [
    [10, ({ id }) => cloud.commit(id)],
    [3, (host) => host.breakConnection()],
    [3, (host) => host.kill()],
    [3, (host) => host.setClock(chance.below(86_400_000) - 43_200_000)],
    [1, ({ id }) => cloud.enable(id, false)],
    [2, ({ id }) => cloud.enable(id, true)],
    [2, ({ disk }) => (disk.full = true)],
    [3, ({ disk }) => (disk.full = false)],
    [1, (host) => host.damage()],
    [6, (host) => host.start()],
  ];
  const bag = happenings.flatMap(([weight, happen]) => Array.from({ length: weight }, () => happen));

  for (let count = 1 + chance.below(3); count > 0; count--) {
    const host = hostOf(`mx${count}`, { time, chance, send, cloud, has, log });
    hosts.set(host.id, host);
    cloud.register(host.id);
    cloud.commit(host.id);
    host.start();
  }
  /** Often several things happen to one Scanner in the same moment, as when somebody saves twice. */
  for (let count = 10 + chance.below(50); count > 0; count--) {
    const host = chance.pick([...hosts.values()]);
    time.after(chance.below(faultyMs), () => {
      for (let many = 1 + chance.below(3); many > 0; many--) chance.pick(bag)(host);
    });
  }
  await time.run(faultyMs - 1, check);
  for (const { id } of hosts.values()) {
    cloud.enable(id, true);
    if (!isSound(cloud.factsOf(id).head)) cloud.commit(id, true);
  }
  await time.run(faultyMs, check);
  chance.endFaults();
  for (const host of hosts.values()) {
    host.disk.full = false;
    host.start();
  }
  const notYet = (host: Host): string | null => {
    const facts = cloud.factsOf(host.id);
    const { revision } = facts.head;
    const runs = host.disk.current?.desired.smtp.revision;
    if (runs !== revision) return `it runs ${runs}, and the head is ${revision}`;
    const { conditions, lastReport } = syncOf(facts as never);
    const untrue = conditions.find(({ status }) => status !== 'True');
    if (untrue) return `${untrue.type} is ${untrue.status} (${untrue.reason})`;
    const { advanced } = cloud.wanted.get(host.id)?.get(revision)?.desired ?? {};
    if (text(advanced ?? null) !== text(cloud.shadows.get(host.id, advancedShadow)?.state.desired ?? null))
      return 'the advanced settings in the shadow are those of another revision';
    const spoken = lastReport?.code === 'applied' && lastReport.revision === revision;
    return spoken ? null : `the last report is ${JSON.stringify(lastReport)}`;
  };
  // Most are at rest long before they must be.
  for (const calm of calmMs) {
    await time.run(faultyMs + calm, check);
    if ([...hosts.values()].every((host) => notYet(host) === null)) return wrong;
  }
  for (const host of hosts.values()) {
    const what = notYet(host);
    if (what) blame(host.id, `in the end ${what}`);
  }
  return wrong;
};
