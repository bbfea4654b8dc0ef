import { statusItems } from '../../../functions/stores/decommissions.ts';
import type { ScannerRecord } from '../../../functions/stores/scanners.ts';
import type { Inventory, Reported } from '../../../functions/stores/status.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { type Due, failureOf, nextLook, nextTry } from '../../../shared/domain/due.ts';
import type { Standing } from '../../../shared/domain/standing.ts';
import type { Presence, Published, Report, StatusItems } from '../../../shared/domain/status.ts';

/** Everything that the table holds of a Scanner; each member is an item, and is replaced as a whole. */
export interface Facts extends StatusItems {
  scanner: ScannerRecord;
  head: Head;
  inventory?: Inventory;
  standing?: { standing: Standing; version: number };
  claim?: never;
  clearing?: { token: string; until: number };
  /** By revision: what was last said of it. */
  reported: Map<number, Reported>;
  /** By revision. */
  history: Map<number, Head>;
  /** Number of the write of `due` that asked for a look, or failed, and that no look has answered yet. */
  owed?: number;
}

/** Minutes between two looks: short, so that many fit into a run. */
const periodMinutes = 6;

interface TableOptions {
  random: () => number;
  /** Broken conditions, by what they guard. */
  careless: { report: boolean; due: boolean; forget: boolean; standing: boolean; lease: boolean };
  /** A change of an item wakes a worker. */
  wake: (worker: 'publish' | 'reconcile' | 'decommission', scannerId: string) => void;
  onWrong: (scannerId: string, what: string) => void;
}

/** The conditions on which the stores write, over a map. */
export const tableOf = ({ random, careless, wake, onWrong }: TableOptions) => {
  const table = new Map<string, Facts>();
  const factsOf = (scannerId: string): Facts => table.get(scannerId) as Facts;

  const fromShadow = (
    stored: { epoch: string; shadowVersion: number } | undefined,
    next: { epoch: string; shadowVersion: number },
    before: number | undefined,
  ): boolean =>
    !stored ||
    stored.epoch < next.epoch ||
    (stored.epoch === next.epoch &&
      (stored.shadowVersion < next.shadowVersion || stored.shadowVersion === before));

  const setDue = (scannerId: string, at: string, members: Partial<Due>): void => {
    const facts = factsOf(scannerId);
    const { askedAt: _, ...kept } = facts.due ?? {};
    facts.due = { ...kept, scannerId, at, ...members, version: (facts.due?.version ?? 0) + 1 };
    if (members.askedAt !== undefined) wake('reconcile', scannerId);
  };

  return {
    table,
    factsOf,
    putPublished(scannerId: string, published: Published): boolean {
      const facts = factsOf(scannerId);
      if (facts.published && facts.published.revision >= published.revision) return false;
      facts.published = published;
      return true;
    },
    putReport(scannerId: string, report: Report, before?: number): boolean {
      const facts = factsOf(scannerId);
      if (!careless.report && !fromShadow(facts.report, report, before)) return false;
      facts.report = report;
      return true;
    },
    putInventory(scannerId: string, inventory: Inventory, before?: number): boolean {
      const facts = factsOf(scannerId);
      if (!fromShadow(facts.inventory, inventory, before)) return false;
      facts.inventory = inventory;
      return true;
    },
    putReported(scannerId: string, reported: Reported): boolean {
      const facts = factsOf(scannerId);
      if (!fromShadow(facts.reported.get(reported.revision), reported, undefined)) return false;
      facts.reported.set(reported.revision, reported);
      return true;
    },
    putPresence(scannerId: string, presence: Presence, before: Presence | undefined): boolean {
      const facts = factsOf(scannerId);
      const stored = facts.presence;
      const same =
        stored?.sessionIdentifier === (before?.sessionIdentifier ?? '') &&
        stored.connected === (before?.connected ?? false);
      const earlier = stored?.epoch !== undefined && stored.epoch < (presence.epoch ?? '');
      if (stored && !same && !earlier) return false;
      facts.presence = presence;
      return true;
    },
    putStanding(standing: Standing, version: number): true | null {
      const facts = factsOf(standing.scannerId);
      if (!careless.standing && (facts.standing?.version ?? 0) !== version - 1) return null;
      facts.standing = { standing, version };
      return true;
    },
    dropStanding(scannerId: string, version: number): void {
      const facts = factsOf(scannerId);
      if (facts.standing?.version === version) delete facts.standing;
    },
    firstDue(scannerId: string, now: Date): void {
      const at = nextLook(now, periodMinutes, random());
      factsOf(scannerId).due = { scannerId, at, failures: 0, version: now.getTime() };
    },
    lookLater(scannerId: string, seen: Due | undefined, now: Date): void {
      const facts = factsOf(scannerId);
      if (!careless.due && facts.due?.version !== seen?.version) return;
      if (facts.owed !== undefined && (seen?.version ?? 0) < facts.owed)
        onWrong(scannerId, 'a look that was owed is put off by one that had begun before');
      delete facts.owed;
      const at = nextLook(now, periodMinutes, random());
      facts.due = { scannerId, at, failures: 0, version: (seen?.version ?? 0) + 1 };
    },
    /** The second half of a try again: what was there before has been read. */
    tryAgain(scannerId: string, present: Due | undefined, error: unknown, now: Date): void {
      const failures = (present?.failures ?? 0) + 1;
      const at = nextTry(now, failures, periodMinutes, random());
      setDue(scannerId, at, { failures, lastError: failureOf(error, now) });
      const facts = factsOf(scannerId);
      if (facts.due) facts.owed = facts.due.version;
    },
    askNow(scannerId: string, now: Date): void {
      setDue(scannerId, now.toISOString(), { askedAt: now.toISOString() });
      const facts = factsOf(scannerId);
      if (facts.due) facts.owed = facts.due.version;
    },
    dueAt: (scannerId: string, at: Date) => setDue(scannerId, at.toISOString(), {}),
    forgetDue(scannerId: string, seen: Due | undefined): void {
      const facts = factsOf(scannerId);
      if (!seen || (!careless.forget && facts.due?.version !== seen.version)) return;
      delete facts.due;
      delete facts.owed;
    },
    listDue: (now: Date): string[] =>
      [...table].filter(([, { due }]) => due && due.at <= now.toISOString()).map(([scannerId]) => scannerId),
    beginClearing(scannerId: string, clearing: { token: string; until: number }, now: Date): boolean {
      const facts = factsOf(scannerId);
      if (!careless.lease && facts.clearing && facts.clearing.until >= now.getTime()) return false;
      facts.clearing = clearing;
      return true;
    },
    leaveClearing(scannerId: string, token: string): void {
      const facts = factsOf(scannerId);
      if (facts.clearing?.token === token) delete facts.clearing;
    },
    endClearing(
      scannerId: string,
      token: string,
      { epoch, reopened }: Pick<ScannerRecord, 'epoch' | 'reopened'>,
      at: Date,
    ): boolean {
      const facts = factsOf(scannerId);
      const { scanner } = facts;
      const holds =
        scanner.epoch === epoch && scanner.decommissionedAt !== undefined && scanner.reopened === reopened;
      if (!holds || (!careless.lease && facts.clearing?.token !== token)) return false;
      facts.scanner = { ...scanner, clearedAt: at.toISOString() };
      delete facts.clearing;
      delete facts.owed;
      for (const item of statusItems) delete facts[item as 'due'];
      return true;
    },
    reopenClearing(scannerId: string, epoch: string, now: Date): void {
      const facts = factsOf(scannerId);
      const { clearedAt: _, ...scanner } = facts.scanner;
      if (scanner.epoch !== epoch || scanner.decommissionedAt === undefined) return;
      facts.scanner = { ...scanner, reopened: (scanner.reopened ?? 0) + 1 };
      setDue(scannerId, new Date(now.getTime() + 120_000).toISOString(), {});
      wake('decommission', scannerId);
    },
  };
};
export type Table = ReturnType<typeof tableOf>;
