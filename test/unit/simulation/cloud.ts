import { logger } from '../../../functions/lib/logger.ts';
import { refreshStanding } from '../../../functions/stores/standing.ts';
import { ofThisLife, type ScannerState } from '../../../functions/stores/status.ts';
import { decommission as clearAway } from '../../../functions/workers/decommission-scanner.ts';
import { publishChanged } from '../../../functions/workers/publish-changed.ts';
import { type Edges as PublisherEdges, publishScanner } from '../../../functions/workers/publish-scanner.ts';
import { reconcileScanner } from '../../../functions/workers/reconcile-scanner.ts';
import { type Edges as StoringEdges, storeReported } from '../../../functions/workers/store-reported.ts';
import { takePresence } from '../../../functions/workers/take-presence.ts';
import { takeReport } from '../../../functions/workers/take-report.ts';
import type { PresenceEvent } from '../../../shared/domain/presence.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { AppError } from '../../../shared/errors.ts';
import { smtpShadow } from '../../../shared/messages/shadow.ts';
import { committed, registered, registeredAgain, type Whole, wholeOf } from './catalog.ts';
import type { Chance, Way } from './chance.ts';
import { registryOf } from './registry.ts';
import { type ShadowService, shadowService } from './shadow-service.ts';
import { tableOf } from './table.ts';
import type { VirtualTime } from './virtual-time.ts';

process.env['THING_RATE'] ??= '20';
logger.setLogLevel('SILENT');

/** Rules that can be broken, to see that the simulation would find out. */
export const cloudFlaws = [
  'publishers did not care for the version of a shadow',
  'a publisher read the head before the shadows',
  'a publisher said published before it had written smtp',
  'a report were stored whatever version of the shadow it was read from',
  'a report for the same revision with an earlier time moved nothing',
  'nobody looked when it is due',
  'a look did not read what is reported',
  'a look that went well put off what was asked for meanwhile',
  'a standing were put whatever was put since its facts were read',
  'an event of a certificate that was replaced counted',
  'lifecycle events counted in the order in which they come',
  'a decommissioned Scanner were not cut off',
  'two could clear away at the same time',
  'nobody told what appears after a decommission',
  'an id could be registered again before all is cleared away',
  'what an earlier registration left counted',
] as const;
export type CloudFlaw = (typeof cloudFlaws)[number];

export interface CloudOptions {
  time: VirtualTime;
  chance: Chance;
  send: (way: Way, arrive: () => void) => void;
  has: (flaw: CloudFlaw) => boolean;
  onWrong: (scannerId: string, what: string) => void;
}

/** Records of the stream, and events of the rules. */
const events: Way = { lost: 0.15, doubled: 0.2, slow: 0.2, slowMs: 60_000 };
/** Lost ones are counted where they begin. */
const lifecycle: Way = { lost: 0, doubled: 0.3, slow: 0.3, slowMs: 60_000 };

const minute = 60_000;

/** A run of a worker: once it has died, nothing of it goes on. */
interface Run {
  dead: boolean;
  die: () => void;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

const epoch = Date.parse('2026-01-01T00:00:00Z');

/** What is asked of the cloud: each worker does it for one Scanner. */
type Work =
  | { worker: 'publish' | 'report' | 'reconcile' | 'decommission'; scannerId: string; shadow?: string }
  | { worker: 'presence'; scannerId: string; event: PresenceEvent };

export const cloudOf = ({ time, chance, send, has, onWrong }: CloudOptions) => {
  const shadows: ShadowService = shadowService();
  const registry = registryOf(time, chance);
  const wanted = new Map<string, Map<number, Whole>>();
  const failures: unknown[] = [];
  const lostLifecycle = new Set<string>();
  let names = 0;
  const clock = () => epoch + time.now();
  const now = () => new Date(clock());
  /** Of a clock that is wrong, for what is only said. */
  const said = () => new Date(clock() + (chance.fault(0.1) ? chance.below(7_200_000) - 3_600_000 : 0));

  const store = tableOf({
    random: chance.random,
    careless: {
      report: has('a report were stored whatever version of the shadow it was read from'),
      due: has('a look that went well put off what was asked for meanwhile'),
      forget: false,
      standing: has('a standing were put whatever was put since its facts were read'),
      lease: has('two could clear away at the same time'),
    },
    wake: (worker, scannerId) => wake({ worker, scannerId }),
    onWrong,
  });
  const { table, factsOf } = store;

  const stateOf = (scannerId: string): ScannerState | null => {
    const facts = table.get(scannerId);
    if (!facts) return null;
    const { scanner, head, published, report, presence, inventory, due } = facts;
    const items = { published, report, presence, inventory, due };
    const given = Object.fromEntries(Object.entries(items).filter(([, item]) => item !== undefined));
    const state = { scanner, head, ...given };
    return has('what an earlier registration left counted') ? state : ofThisLife(state);
  };

  /** A call to a service: takes a moment, may be refused or fail, done or not, and the process may be gone before it or after it. */
  const calling = async <T>(run: Run, refused: number, work: () => T): Promise<T> => {
    const mayDie = async () => {
      if (!run.dead && chance.fault(0.015)) run.die();
      if (run.dead) await never();
    };
    await time.sleep(chance.fault(0.03) ? chance.below(20_000) : 1 + chance.below(15));
    await mayDie();
    if (chance.fault(refused)) throw new AppError('THROTTLED', 'The answer was 429.');
    const result = work();
    await time.sleep(1);
    await mayDie();
    if (chance.fault(refused)) throw new AppError('UNAVAILABLE', 'The answer was 500.');
    return result;
  };

  const update = (thing: string, name: string, state: object, version?: number) => {
    const updated = shadows.update(thing, name, state, version);
    if (!updated) return null;
    if (updated.delta)
      registry.connectionOf(thing)?.tell(name, { version: updated.version, state: updated.delta });
    if ('reported' in state) wake({ worker: 'report', scannerId: thing, shadow: name });
    return updated.version;
  };

  /** The edges of all workers, for one run. */
  const edgesOf = (run: Run, scannerId: string) => {
    const onTable = <T>(work: () => T) => calling(run, 0.004, work);
    const onShadows = <T>(work: () => T) => calling(run, 0.04, work);
    const onRegistry = async <T>(work: () => T): Promise<T> => {
      if (chance.fault(0.1)) await time.sleep(chance.below(30_000));
      return calling(run, 0.02, work);
    };
    const pause = () => time.sleep(5 + chance.below(200));

    const publisher = (): PublisherEdges => {
      const early = has('a publisher read the head before the shadows') ? stateOf(scannerId) : null;
      const late: (() => void)[] = [];
      const hasty = has('a publisher said published before it had written smtp');
      return {
        getShadow: (thing, name) => onShadows(() => shadows.get(thing, name) as never),
        updateShadow: (thing, name, state, version) =>
          onShadows(() => {
            if (has('publishers did not care for the version of a shadow')) return update(thing, name, state);
            if (!hasty || name !== smtpShadow || version === undefined)
              return update(thing, name, state, version);
            late.push(() => update(thing, name, state, version));
            return version + 1;
          }),
        readState: (id) => onTable(() => early ?? (stateOf(id) as ScannerState)),
        putPublished: async (id, published) => {
          const put = await onTable(() => store.putPublished(id, published));
          for (const work of late) await onShadows(work);
          return put;
        },
        reopenClearing,
        awaitTurn: async () => time.sleep(await onTable(() => chance.below(500))),
      };
    };

    const reopenClearing = (record: { scannerId: string; epoch: string }): Promise<void> =>
      onTable(() => {
        if (!has('nobody told what appears after a decommission'))
          store.reopenClearing(record.scannerId, record.epoch, now());
      });

    const storing: StoringEdges = {
      getShadow: (thing, name) => onShadows(() => shadows.get(thing, name) as never),
      readHead: (id) => onTable(() => factsOf(id).head),
      putReport: (id, report, before) => {
        const last = factsOf(id).report?.lastReport;
        const next = report.lastReport;
        const early = last && next && last.revision === next.revision && next.at < last.at;
        return has('a report for the same revision with an earlier time moved nothing') && early
          ? Promise.resolve(false)
          : onTable(() => store.putReport(id, report, before));
      },
      putReported: (id, reported) => onTable(() => store.putReported(id, reported)),
      putInventory: (id, inventory, before) => onTable(() => store.putInventory(id, inventory, before)),
      now: said,
    };

    const refreshed = (id: string): Promise<void> =>
      refreshStanding(id, {
        readKept: (one) => onTable(() => table.get(one)?.standing),
        findState: (one) => onTable(() => stateOf(one)),
        put: (standing, version) => onTable(() => store.putStanding(standing, version)),
        readScanner: (one) => onTable(() => table.get(one)?.scanner),
        drop: (one, version) => onTable(() => store.dropStanding(one, version)),
        pause,
      });

    const careless = has('a report were stored whatever version of the shadow it was read from');
    const withoutReport = ({ report: _, ...state }: ScannerState): ScannerState => state;
    const common = {
      findState: (id: string) => onTable(() => stateOf(id)),
      refreshStanding: refreshed,
      reopenClearing,
      getShadow: storing.getShadow,
      storeReported: (state: ScannerState, shadow: string) =>
        storeReported(careless ? withoutReport(state) : state, shadow, storing),
      now,
      pause,
    };
    const deleteShadows = async (thing: string): Promise<void> => {
      for (let left = await onShadows(() => shadows.names(thing)); left.length > 0; ) {
        for (const name of left) await onShadows(() => shadows.delete(thing, name));
        left = await onShadows(() => shadows.names(thing));
      }
    };
    const cutOff = (thing: string) =>
      onShadows(() => {
        if (!has('a decommissioned Scanner were not cut off'))
          registry.connectionOf(thing)?.end('the service closed the connection');
      });
    return {
      ...common,
      lookLater: (id: string, seen: ScannerState['due'], at: Date) =>
        onTable(() => store.lookLater(id, seen, at)),
      tryAgain: async (id: string, error: unknown, at: Date) => {
        const present = await onTable(() => factsOf(id).due);
        await onTable(() => store.tryAgain(id, present, error, at));
      },
      askNow: (id: string, at: Date) => onTable(() => store.askNow(id, at)),
      forgetDue: (id: string, seen: ScannerState['due']) => onTable(() => store.forgetDue(id, seen)),
      reserve: () => onTable(() => chance.below(500)),
      wait: (ms: number) => time.sleep(ms),
      publish: (id: string) => publishScanner(id, said(), publisher()),
      putPresence: (id: string, presence: never, before: never) =>
        onTable(() => store.putPresence(id, presence, before)),
      // Of clearing away.
      getScanner: (id: string) => onTable(() => factsOf(id).scanner),
      beginClearing: ({ scannerId: id, ...clearing }: { scannerId: string; token: string; until: number }) =>
        onTable(() => store.beginClearing(id, clearing, now())),
      endClearing: (
        { scannerId: id, token }: { scannerId: string; token: string },
        record: never,
        at: Date,
      ) => onTable(() => store.endClearing(id, token, record, at)),
      leaveClearing: ({ scannerId: id, token }: { scannerId: string; token: string }) =>
        onTable(() => store.leaveClearing(id, token)),
      revokeCertificate: (id: string) => onRegistry(() => registry.revoke(id)),
      revokeCertificatesOf: async (thing: string) => {
        for (const id of await onRegistry(() => registry.attached(thing))) {
          await onRegistry(() => registry.revoke(id));
          await onRegistry(() => registry.detach(id));
        }
      },
      closeConnection: cutOff,
      deleteShadows,
      deleteThing: (thing: string) => onRegistry(() => registry.deleteThing(thing)),
      deleteReported: (id: string) => onTable(() => factsOf(id).reported.clear()),
      newToken: () => `t${++names}`,
    };
  };

  const heardOf = ({ principalIdentifier, ...event }: PresenceEvent): PresenceEvent =>
    has('an event of a certificate that was replaced counted') || principalIdentifier === undefined
      ? event
      : { ...event, principalIdentifier };

  /** A flaw: as if nothing had been heard before. */
  const inOrder = (edges: ReturnType<typeof edgesOf>) =>
    has('lifecycle events counted in the order in which they come')
      ? {
          ...edges,
          findState: async (id: string) => {
            const { presence: _, ...state } = (await edges.findState(id)) as ScannerState;
            return state;
          },
          putPresence: (id: string, presence: never) =>
            edges.putPresence(id, presence, factsOf(id).presence as never),
        }
      : edges;

  const perform = (run: Run, work: Work): Promise<void> => {
    const { scannerId } = work;
    const edges = edgesOf(run, scannerId);
    if (work.worker === 'publish') return publishChanged(scannerId, edges);
    if (work.worker === 'report') return takeReport({ scannerId, shadow: work.shadow ?? smtpShadow }, edges);
    if (work.worker === 'decommission') return clearAway(scannerId, clock, edges as never);
    if (work.worker === 'presence') return takePresence(heardOf(work.event), inOrder(edges) as never);
    return reconcileScanner(scannerId, {
      ...edges,
      ...(has('a look did not read what is reported') ? { storeReported: async () => false } : {}),
    });
  };

  /** How often Lambda tries an event again, and after how long; a record of the stream is tried until it is done. */
  const asyncRetries = 2;

  const begin = (work: Work, tries = 0): void => {
    const again = () => {
      if (work.worker === 'publish') time.after(1000, () => begin(work));
      else if (tries < asyncRetries) time.after(minute * (tries + 1), () => begin(work, tries + 1));
    };
    const run: Run = {
      dead: false,
      die: () => {
        run.dead = true;
        again();
      },
    };
    perform(run, work).catch((error: unknown) => {
      if (error instanceof AppError) again();
      else failures.push(error);
    });
  };

  const wake = (work: Work): void => send(work.worker === 'presence' ? lifecycle : events, () => begin(work));

  /** Each minute, unless that is lost: whoever is due. */
  const schedule = (): void => {
    time.after(minute, () => {
      if (!chance.fault(0.1))
        for (const scannerId of store.listDue(now())) begin({ worker: 'reconcile', scannerId }, asyncRetries);
      schedule();
    });
  };
  if (!has('nobody looked when it is due')) schedule();

  const put = (scannerId: string, head: Parameters<typeof committed>[0]): void => {
    const facts = factsOf(scannerId);
    facts.head = head;
    facts.history.set(head.revision, head);
    const whole = wholeOf(head);
    if (whole) wanted.get(scannerId)?.set(head.revision, whole);
  };

  return {
    shadows,
    registry,
    wanted,
    failures,
    factsOf,
    stateOf,
    ids: () => [...table.keys()],
    update,
    /** Whether the id is free to be registered again; nobody does within the time in which an old certificate may still be let in. */
    isFree(scannerId: string, afterMs: number): boolean {
      const { decommissionedAt, clearedAt } = factsOf(scannerId).scanner;
      const since = has('an id could be registered again before all is cleared away')
        ? decommissionedAt
        : clearedAt;
      return since !== undefined && clock() >= Date.parse(since) + afterMs;
    },
    /** In one transaction, as the store does. */
    register(scannerId: string): void {
      const before = table.get(scannerId);
      const createdAt = now().toISOString();
      const scanner = {
        scannerId,
        labels: {},
        enabled: true,
        epoch: `r${createdAt}-${++names}`,
        createdAt,
        version: (before?.scanner.version ?? 0) + 1,
      };
      const head = before ? registeredAgain(before.head, createdAt) : registered(scannerId);
      table.set(scannerId, {
        ...(before ?? { reported: new Map(), history: new Map() }),
        scanner,
        head,
      });
      if (!before) wanted.set(scannerId, new Map());
      put(scannerId, head);
      store.firstDue(scannerId, now());
      wake({ worker: 'publish', scannerId });
    },
    /** Out of service, in one transaction; the change of the registration wakes who clears away. */
    decommission(scannerId: string): void {
      const facts = factsOf(scannerId);
      if (facts.scanner.decommissionedAt !== undefined) return;
      const decommissionedAt = now().toISOString();
      facts.scanner = { ...facts.scanner, version: facts.scanner.version + 1, decommissionedAt };
      facts.head = { ...facts.head, decommissionedAt };
      store.dueAt(scannerId, new Date(clock() + 2 * minute));
      wake({ worker: 'publish', scannerId });
      wake({ worker: 'decommission', scannerId });
    },
    commit(scannerId: string, sound = false): void {
      const { head } = factsOf(scannerId);
      if (head.decommissionedAt !== undefined) return;
      put(scannerId, committed(head, chance, sound));
      wake({ worker: 'publish', scannerId });
    },
    enable(scannerId: string, enabled: boolean): void {
      const facts = factsOf(scannerId);
      if (facts.scanner.decommissionedAt !== undefined) return;
      facts.scanner = { ...facts.scanner, enabled, version: facts.scanner.version + 1 };
      wake({ worker: 'publish', scannerId });
    },
    /** An operator asks for a look now. */
    sync(scannerId: string): void {
      if (factsOf(scannerId).scanner.decommissionedAt === undefined) store.askNow(scannerId, now());
    },
    /** Makes the thing and a certificate for it and records that, in the steps of the operation: the operator asks again for what dies in between. */
    async enrol(scannerId: string, onCertificate: (certificateId: string) => void): Promise<void> {
      const { epoch: of, certificateId: previous } = factsOf(scannerId).scanner;
      const run: Run = {
        dead: false,
        die: () => {
          run.dead = true;
          time.after(5000, () => {
            if (factsOf(scannerId).scanner.epoch === of) void this.enrol(scannerId, onCertificate);
          });
        },
      };
      const { reopenClearing } = edgesOf(run, scannerId);
      if (factsOf(scannerId).scanner.decommissionedAt !== undefined)
        return reopenClearing({ scannerId, epoch: of });
      const call = <T>(work: () => T) => calling(run, 0, work);
      await call(() => registry.ensureThing(scannerId));
      const found = await call(() => registry.attached(scannerId));
      const certificateId = await call(() => registry.issue(scannerId));
      const recorded = await call(() => {
        const { scanner } = factsOf(scannerId);
        const same =
          scanner.epoch === of &&
          scanner.decommissionedAt === undefined &&
          scanner.certificateId === previous;
        if (same) factsOf(scannerId).scanner = { ...scanner, certificateId };
        return same;
      });
      for (const id of recorded ? found : [certificateId]) {
        await call(() => registry.revoke(id));
        await call(() => registry.detach(id));
      }
      if (recorded) onCertificate(certificateId);
      else await reopenClearing({ scannerId, epoch: of });
    },
    /** A lifecycle event of the broker, on its way to the worker. */
    lifecycle(event: PresenceEvent): void {
      if (chance.fault(0.05)) lostLifecycle.add(event.clientId);
      else wake({ worker: 'presence', scannerId: event.clientId, event });
    },
    /** Ids of which a lifecycle event was lost. */
    lostLifecycle,
    /** Why this Scanner may have no objects of this revision now (functions/workers/artifacts.lambda.ts); null where it may. */
    refusalOf: (scannerId: string, revision: number): ErrorCode | null => {
      const { head, report, scanner } = stateOf(scannerId) as ScannerState;
      if (scanner.decommissionedAt !== undefined) return 'SCANNER_DECOMMISSIONED';
      if (revision < (head.registration?.revision ?? 1)) return 'ARTIFACT_NOT_NAMED';
      if (revision === head.revision || revision === report?.appliedRevision) return null;
      return revision < head.revision ? 'ARTIFACT_SUPERSEDED' : 'ARTIFACT_NOT_NAMED';
    },
  };
};
export type Cloud = ReturnType<typeof cloudOf>;
