import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import { standingOf } from '../../../shared/domain/standing.ts';
import { syncOf } from '../../../shared/domain/sync.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { isSound, type Whole } from './catalog.ts';
import { chanceOf, sending } from './chance.ts';
import { type Cloud, cloudFlaws, cloudOf } from './cloud.ts';
import { knownEverywhereMs } from './registry.ts';
import { type Scanner, scannerFlaws, scannerOf } from './scanner.ts';
import { virtualTime } from './virtual-time.ts';

export const flaws = [...cloudFlaws, ...scannerFlaws];
export type Flaw = (typeof flaws)[number];

/** Virtual milliseconds: how long things go wrong, and how long everything then has to come right. */
const faultyMs = 600_000;
const calmMs = [300_000, 900_000, 3_600_000];

const text = (value: unknown): string => canonicalJson(value as Json);
const texts = new WeakMap<object, string>();
const textOnce = (value: object): string => {
  const known = texts.get(value) ?? text(value);
  texts.set(value, known);
  return known;
};

type Blame = (id: string, what: string) => void;

/** Numbers that never go back, by whose they are and what they count. */
const onlyForwardOf = (blame: Blame) => {
  const highest = new Map<string, number>();
  return (id: string, what: string, number: number): void => {
    const before = highest.get(`${id} ${what}`) ?? 0;
    if (number < before) blame(id, `${what} went from ${before} to ${number}`);
    highest.set(`${id} ${what}`, Math.max(before, number));
  };
};

/** What must hold in every moment. */
const judgeOf = (cloud: Cloud, blame: Blame) => {
  const onlyForward = onlyForwardOf(blame);

  const runsWhole = ({ id, disk }: Scanner): void => {
    const { current } = disk;
    if (!current) return;
    const { revision } = current.desired.smtp;
    const wanted: Whole | undefined = cloud.wanted.get(id)?.get(revision);
    if (!wanted || textOnce(wanted) !== textOnce(current))
      blame(id, `what it runs as revision ${revision} is not what was committed`);
  };

  /** A machine of a registration gets nothing that an earlier one was to have, and no session of another is taken for its own. */
  const hasNothingOfBefore = (scanner: Scanner): void => {
    const { id, hasRun, heldSessions } = scanner;
    const facts = cloud.stateOf(id);
    const from = facts?.head.registration?.revision ?? 1;
    for (const revision of hasRun)
      if (revision < from) blame(id, `it ran revision ${revision}, and was registered with ${from}`);
    for (const [what, item] of Object.entries({
      report: facts?.report?.appliedRevision,
      published: facts?.published?.revision,
    }))
      if (typeof item === 'number' && item < from)
        blame(id, `its ${what} is of revision ${item}, and it was registered with ${from}`);
    const session = facts?.presence?.sessionIdentifier;
    if (session !== undefined && !heldSessions.has(session))
      blame(id, `its presence is that of session ${session}, not one of its own`);
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

  const statusIsSo = (scanner: Scanner): void => {
    const { id } = scanner;
    const facts = cloud.stateOf(id);
    if (!facts || facts.scanner.decommissionedAt !== undefined) return;
    const { revision } = facts.head;
    const sync = syncOf(facts);
    const verdict = Object.fromEntries(sync.conditions.map((one) => [one.type, one]));
    const runs = scanner.disk.current?.desired.smtp.revision;
    for (const type of ['Applied', 'InSync'])
      if (verdict[type]?.status === 'True' && runs !== revision && !scanner.damaged())
        blame(id, `${type} is said of revision ${revision}, and it runs ${runs}`);
    if (verdict['Applied']?.reason === 'Rejected' && !scanner.refused.has(revision))
      blame(id, `revision ${revision} is said to be rejected, and was not`);
    if (verdict['Published']?.status === 'True' && !shadowIsAt(id))
      blame(id, `Published is said of revision ${revision}, and the shadow is not there`);
    const life = `${facts.scanner.epoch} `;
    onlyForward(id, `${life}the published revision`, sync.publishedRevision ?? 0);
    if (sync.appliedRevision !== null) onlyForward(id, `${life}the applied revision`, sync.appliedRevision);
    onlyForward(
      id,
      `${life}the shadow`,
      Number(cloud.shadows.get(id, smtpShadow)?.state.desired?.['revision'] ?? 0),
    );
  };

  /** A standing is a moment old: what it says was so once, of this registration. */
  const standingWasSo = (scanner: Scanner): void => {
    const { id } = scanner;
    const { standing } = cloud.factsOf(id).standing ?? {};
    const facts = cloud.stateOf(id);
    if (!standing || !facts || facts.scanner.decommissionedAt !== undefined) return;
    const { desiredRevision, publishedRevision, appliedRevision, conditions } = standing;
    const life = `${facts.scanner.epoch} `;
    onlyForward(id, `${life}the desired revision of its standing`, desiredRevision);
    onlyForward(id, `${life}the published revision of its standing`, publishedRevision ?? 0);
    if (appliedRevision !== null)
      onlyForward(id, `${life}the applied revision of its standing`, appliedRevision);
    if (desiredRevision > facts.head.revision)
      blame(id, `its standing speaks of revision ${desiredRevision}`);
    if (conditions.Applied === 'True' && !scanner.hasRun.has(desiredRevision))
      blame(id, `its standing says that it runs revision ${desiredRevision}, which it never ran`);
  };

  return (scanner: Scanner): void => {
    runsWhole(scanner);
    hasNothingOfBefore(scanner);
    statusIsSo(scanner);
    standingWasSo(scanner);
  };
};

/** What is not yet as it must end for a Scanner that is registered, null for nothing. */
const unsettled = (cloud: Cloud, { id, disk }: Scanner): string | null => {
  const state = cloud.stateOf(id);
  const facts = cloud.factsOf(id);
  if (!state) return 'it is not there';
  const { revision } = facts.head;
  const runs = disk.current?.desired.smtp.revision;
  if (runs !== revision) return `it runs ${runs}, and the head is ${revision}`;
  const { conditions, lastReport } = syncOf(state);
  const untrue = conditions.find(({ status }) => status !== 'True');
  if (untrue) return `${untrue.type} is ${untrue.status} (${untrue.reason}, ${untrue.message})`;
  const { advanced } = cloud.wanted.get(id)?.get(revision)?.desired ?? {};
  if (text(advanced ?? null) !== text(cloud.shadows.get(id, advancedShadow)?.state.desired ?? null))
    return 'the advanced settings in the shadow are those of another revision';
  if (lastReport?.code !== 'applied' || lastReport.revision !== revision)
    return `the last report is ${JSON.stringify(lastReport)}`;
  if (!facts.standing || text(facts.standing.standing) !== text(standingOf(state)))
    return `its standing is ${JSON.stringify(facts.standing)}`;
  if (!facts.due) return 'nobody will look at it again';
  if (cloud.registry.active(id).length !== 1)
    return `it has ${cloud.registry.active(id).length} certificates`;
  return null;
};

/** Likewise for one that is decommissioned. */
const left = (cloud: Cloud, id: string): string | null => {
  const facts = cloud.factsOf(id);
  const shadows = cloud.shadows.names(id);
  if (facts.scanner.clearedAt === undefined)
    return `it is not cleared away, ${facts.due ? `and is due at ${facts.due.at}` : 'and nobody will look at it again'}`;
  if (shadows.length > 0) return `it has the shadows ${shadows}`;
  if (cloud.registry.hasThing(id)) return 'its thing is there';
  if (cloud.registry.attached(id).length > 0) return 'a certificate is attached';
  if (cloud.registry.connectionOf(id)) return 'it is connected';
  // Others may be left of what was written in the same moment: they name their registration, and nobody reads them (ADR 0017).
  if (facts.standing) return 'its standing is there';
  if (facts.due) return 'somebody will look at it again';
  if (facts.reported.size > 0) return 'what it reported of its revisions is there';
  return facts.history.size === facts.head.revision ? null : 'its history has gaps';
};

/**
 * Plays one schedule of Scanners, the workers of the cloud and people, and answers what was wrong, null for nothing.
 * In every moment: what a Scanner runs is one committed revision, whole, of its own registration; the status says "applied" and "in sync" of the head only while
 * the Scanner runs it (or has lost its disk since, and has not been heard), "rejected" only where it did refuse it, "published" only where the
 * shadow is at the head; no number of the status and no shadow goes back; the standing says what was so. In the end: everyone runs the head, status and standing say so,
 * and somebody will look again; of those that are decommissioned nothing is left but their history.
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
  /** The machine that each id has now, and those that had one before. */
  const scanners = new Map<string, Scanner>();
  const retired: Scanner[] = [];
  let wrong: string | null = null;
  const blame: Blame = (id, what) => {
    wrong ??= `${id} at ${time.now()} ms: ${what}`;
  };
  const cloud = cloudOf({ time, chance, send, has, onWrong: blame });
  const judge = judgeOf(cloud, blame);

  /** Everything that a judgement is made of; what has not changed needs no other. */
  const present = ({ id, disk }: Scanner): unknown[] => {
    const { head, scanner, published, report, presence, standing } = cloud.factsOf(id);
    return [disk.current, head, scanner, published, report, presence, standing, cloud.shadows.changes(id)];
  };
  const judged = new Map<Scanner, unknown[]>();
  const check = (): void => {
    for (const failure of cloud.failures) blame('the cloud', (failure as Error).stack ?? String(failure));
    for (const scanner of scanners.values()) {
      const now = present(scanner);
      if (judged.get(scanner)?.every((one, index) => one === now[index])) continue;
      judged.set(scanner, now);
      judge(scanner);
    }
  };

  const isGone = (id: string) => cloud.factsOf(id).scanner.decommissionedAt !== undefined;

  /** Registers an id with a machine of its own that is new. */
  const register = (id: string): void => {
    const before = scanners.get(id);
    if (before) retired.push(before);
    const scanner = scannerOf(id, { time, chance, send, cloud, has, serial: `m${retired.length}`, log });
    scanners.set(id, scanner);
    cloud.register(id);
    void cloud.enrol(id, scanner.enrolled);
    cloud.commit(id);
    scanner.start();
  };
  const registerAgain = ({ id }: Scanner): void => {
    if (cloud.isFree(id, knownEverywhereMs)) register(id);
  };

  /** Often somebody waits for the id, and takes it as soon as it is free. */
  const waitFor = (id: string): void => {
    registerAgain(scanners.get(id) as Scanner);
    if (isGone(id)) time.after(2000, () => waitFor(id));
  };
  const decommission = ({ id }: Scanner): void => {
    cloud.decommission(id);
    if (chance.below(2) === 0) waitFor(id);
  };

  const happenings: [number, (scanner: Scanner) => void][] = [
    [10, ({ id }) => cloud.commit(id)],
    [3, (scanner) => scanner.breakConnection()],
    [3, (scanner) => scanner.kill()],
    [3, (scanner) => scanner.setClock(chance.below(86_400_000) - 43_200_000)],
    [1, ({ id }) => cloud.enable(id, false)],
    [2, ({ id }) => cloud.enable(id, true)],
    [2, ({ id }) => cloud.sync(id)],
    [2, ({ disk }) => (disk.full = true)],
    [3, ({ disk }) => (disk.full = false)],
    [1, (scanner) => scanner.damage()],
    [6, (scanner) => scanner.start()],
    [1, decommission],
    [4, registerAgain],
  ];
  const bag = happenings.flatMap(([weight, happen]) => Array.from({ length: weight }, () => happen));

  const all = () => [...scanners.values()];
  for (let count = 1 + chance.below(3); count > 0; count--) register(`mx${count}`);
  /** Often several things happen to one Scanner in the same moment, as when somebody saves twice. */
  for (let count = 10 + chance.below(50); count > 0; count--) {
    const { id } = chance.pick(all());
    time.after(chance.below(faultyMs), () => {
      for (let many = 1 + chance.below(3); many > 0; many--) chance.pick(bag)(scanners.get(id) as Scanner);
    });
  }
  await time.run(faultyMs - 1, check);
  for (const { id } of all()) {
    cloud.enable(id, true);
    if (!isSound(cloud.factsOf(id).head)) cloud.commit(id, true);
  }
  await time.run(faultyMs, check);
  chance.endFaults();
  for (const scanner of [...all(), ...retired]) {
    scanner.disk.full = false;
    scanner.start();
  }
  // A lifecycle event that was lost is mended by the next; those that are late have come by then.
  time.after(120_000, () => {
    for (const scanner of all()) if (cloud.lostLifecycle.has(scanner.id)) scanner.breakConnection();
  });

  const notYet = (scanner: Scanner): string | null =>
    isGone(scanner.id) ? left(cloud, scanner.id) : unsettled(cloud, scanner);
  // Most are at rest long before they must be.
  for (const calm of calmMs) {
    await time.run(faultyMs + calm, check);
    if (all().every((scanner) => notYet(scanner) === null)) return wrong;
  }
  for (const scanner of all()) {
    const what = notYet(scanner);
    if (what) blame(scanner.id, `in the end ${what}`);
  }
  return wrong;
};
