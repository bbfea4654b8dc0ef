import { type Edges, publishScanner } from '../../../functions/workers/publish-scanner.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { nextPresence, type PresenceEvent } from '../../../shared/domain/presence.ts';
import { nextReport, type Report, type StatusItems } from '../../../shared/domain/status.ts';
import { AppError } from '../../../shared/errors.ts';
import { smtpReported, smtpShadow } from '../../../shared/messages/shadow.ts';
import { committed, registered, type Whole, wholeOf } from './catalog.ts';
import type { Chance, Way } from './chance.ts';
import { type ShadowService, shadowService } from './shadow-service.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Everything that the table holds of a Scanner. */
export interface Facts extends StatusItems {
  scanner: { scannerId: string; enabled: boolean; epoch: string; createdAt: string };
  head: Head;
}

/** A worker that is gone in the middle; what it had asked for may have been done. */
class Died extends Error {}

/** Rules that can be broken, to see that the simulation would find out. */
export const cloudFlaws = [
  'publishers did not care for the version of a shadow',
  'a publisher read the head before the shadows',
  'a publisher said published before it had written smtp',
  'a report were stored whatever version of the shadow it was read from',
  'a report for the same revision with an earlier time moved nothing',
  'nothing were looked at again',
] as const;

export interface CloudOptions {
  time: VirtualTime;
  chance: Chance;
  send: (way: Way, arrive: () => void) => void;
  has: (flaw: (typeof cloudFlaws)[number]) => boolean;
  /** A shadow has changed, and this is desired but not reported. */
  onDelta: (thing: string, name: string, delta: { version: number; state: object }) => void;
}

/** How long until everything is looked at again, whatever was heard of it. */
const sweepMs = 300_000;

/** Records of the stream and events of the rule; lifecycle events are doubled and late, but come. */
const events: Way = { lost: 0.15, doubled: 0.2, slow: 0.2, slowMs: 60_000 };
const lifecycle: Way = { lost: 0, doubled: 0.3, slow: 0.3, slowMs: 60_000 };

const epoch = Date.parse('2026-01-01T00:00:00Z');

export const cloudOf = ({ time, chance, send, has, onDelta }: CloudOptions) => {
  const shadows: ShadowService = shadowService();
  const table = new Map<string, Facts>();
  const wanted = new Map<string, Map<number, Whole>>();
  const now = () =>
    new Date(epoch + time.now() + (chance.fault(0.1) ? chance.below(7_200_000) - 3_600_000 : 0));

  const factsOf = (scannerId: string): Facts => table.get(scannerId) as Facts;

  /** A call to a service: takes a moment, and the process may be gone before it or after it. */
  const calling = async <T>(work: () => T): Promise<T> => {
    await time.sleep(chance.fault(0.03) ? chance.below(20_000) : 1 + chance.below(15));
    if (chance.fault(0.02)) throw new Died();
    const result = work();
    await time.sleep(1);
    if (chance.fault(0.02)) throw new Died();
    return result;
  };

  const update = (thing: string, name: string, state: object, version?: number) => {
    const updated = shadows.update(thing, name, state, version);
    if (!updated) return null;
    if (updated.delta) onDelta(thing, name, { version: updated.version, state: updated.delta });
    if (name === smtpShadow && 'reported' in state) wake('report', thing);
    return updated.version;
  };

  const edgesOf = (scannerId: string): Edges => {
    const early = has('a publisher read the head before the shadows') ? { ...factsOf(scannerId) } : null;
    const late: (() => void)[] = [];
    const hasty = has('a publisher said published before it had written smtp');
    return {
      getShadow: (thing, name) => calling(() => shadows.get(thing, name) as never),
      updateShadow: (thing, name, state, version) =>
        calling(() => {
          if (has('publishers did not care for the version of a shadow')) return update(thing, name, state);
          if (!hasty || name !== smtpShadow || version === undefined)
            return update(thing, name, state, version);
          late.push(() => update(thing, name, state, version));
          return version + 1;
        }),
      readState: (id) => calling(() => ({ ...(early ?? factsOf(id)) }) as never),
      putPublished: async (id, published) => {
        const put = await calling(() => {
          const facts = factsOf(id);
          if ((facts.published?.revision ?? 0) < published.revision) facts.published = published;
          return true;
        });
        for (const work of late) await calling(work);
        return put;
      },
      reopenClearing: () => Promise.reject(new TypeError('Nobody is decommissioned here.')),
    };
  };

  const storeReport = async (scannerId: string): Promise<void> => {
    const shadow = await calling(() => shadows.get(scannerId, smtpShadow));
    const { scanner, report } = await calling(() => factsOf(scannerId));
    const reported = smtpReported.safeParse(shadow?.state.reported);
    if (!shadow || !reported.success) return;
    const careless = has('a report were stored whatever version of the shadow it was read from');
    const seen = { epoch: scanner.epoch, shadowVersion: shadow.version, reported: reported.data };
    const last = report?.lastReport;
    if (
      has('a report for the same revision with an earlier time moved nothing') &&
      last?.revision === seen.reported.status.revision &&
      seen.reported.status.at < last.at
    )
      return;
    const next = nextReport(careless ? undefined : report, seen, now().toISOString());
    if (next) await calling(() => putReport(scannerId, next, careless));
  };

  /** As the store's condition: only from a newer version of the shadow. */
  const putReport = (scannerId: string, next: Report, careless: boolean): void => {
    const facts = factsOf(scannerId);
    const older = facts.report?.epoch === next.epoch && facts.report.shadowVersion >= next.shadowVersion;
    if (!older || careless) facts.report = next;
  };

  const workers = {
    publish: (scannerId: string) => publishScanner(scannerId, now(), edgesOf(scannerId)),
    report: storeReport,
  };

  /** Runs a worker; an event whose worker has died comes again, unless it is lost. */
  const work = async (worker: keyof typeof workers, scannerId: string): Promise<void> => {
    try {
      await workers[worker](scannerId);
    } catch (error) {
      if (!(error instanceof Died) && !(error instanceof AppError)) throw error;
      wake(worker, scannerId);
    }
  };

  const failures: unknown[] = [];
  const wake = (worker: keyof typeof workers, scannerId: string): void =>
    send(events, () => void work(worker, scannerId).catch((error: unknown) => failures.push(error)));

  const sweep = (scannerId: string): void => {
    const again = () => {
      for (const worker of ['publish', 'report'] as const) wake(worker, scannerId);
      sweep(scannerId);
    };
    time.after(sweepMs / 2 + chance.below(sweepMs / 2), again);
  };

  return {
    shadows,
    wanted,
    failures,
    factsOf,
    ids: () => [...table.keys()],
    update,
    register(scannerId: string): void {
      const scanner = { scannerId, enabled: true, epoch: 'e1', createdAt: '2026-01-01' };
      table.set(scannerId, { scanner, head: registered(scannerId) });
      wanted.set(scannerId, new Map());
      if (!has('nothing were looked at again')) sweep(scannerId);
    },
    commit(scannerId: string, sound = false): void {
      const facts = factsOf(scannerId);
      facts.head = committed(facts.head, chance, sound);
      const whole = wholeOf(facts.head);
      if (whole) wanted.get(scannerId)?.set(facts.head.revision, whole);
      wake('publish', scannerId);
    },
    enable(scannerId: string, enabled: boolean): void {
      const facts = factsOf(scannerId);
      facts.scanner = { ...facts.scanner, enabled };
      wake('publish', scannerId);
    },
    /** A lifecycle event of the broker, on its way to the worker. */
    lifecycle(event: PresenceEvent): void {
      send(lifecycle, () => {
        const facts = factsOf(event.clientId);
        const next = nextPresence(facts.presence, event, now());
        if (next) facts.presence = next;
      });
    },
    /** Whether this Scanner may have objects of this revision now (functions/workers/artifacts.lambda.ts). */
    handsOut: (scannerId: string, revision: number): boolean => {
      const { head, report } = factsOf(scannerId);
      return revision === head.revision || revision === report?.appliedRevision;
    },
  };
};
export type Cloud = ReturnType<typeof cloudOf>;
