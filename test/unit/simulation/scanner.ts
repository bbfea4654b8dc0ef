import { createScannerAgent } from '../../../scanner/agent.ts';
import { type Conversation, type Listener, RequestRefused } from '../../../scanner/conversation.ts';
import type { ObjectCache } from '../../../scanner/object-cache.ts';
import type { Contents, Sink } from '../../../scanner/sink.ts';
import { type Desired, digestOfAdvanced } from '../../../shared/domain/desired.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { sha } from '../scanner/lists-of.ts';
import { objects, type Whole } from './catalog.ts';
import type { Chance, Way } from './chance.ts';
import type { Cloud } from './cloud.ts';
import { ShadowError } from './shadow-service.ts';
import type { VirtualTime } from './virtual-time.ts';

export const scannerFlaws = [
  'a Scanner did not wait for the advanced settings that its settings name',
  'a Scanner said applied before it had switched',
  'a switch had two steps',
  'reports did not depend on the version of the shadow',
  'a Scanner did not look at its shadows unless it was told to',
] as const;

export interface ScannerOptions {
  time: VirtualTime;
  chance: Chance;
  send: (way: Way, arrive: () => void) => void;
  cloud: Cloud;
  has: (flaw: (typeof scannerFlaws)[number]) => boolean;
  /** Tells machines apart that have had the same id one after the other. */
  serial: string;
  log: ((line: string) => void) | undefined;
}

/** Between a Scanner and its broker. */
const wire: Way = { lost: 0.04, doubled: 0.06, slow: 0.06, slowMs: 90_000 };

const patience = 20_000;
const never = <T>(): Promise<T> => new Promise(() => undefined);

const textOf = async (pieces: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
};

/** What outlives the process. */
interface Disk {
  current: Whole | null;
  previous: Whole | null;
  objects: Map<string, string>;
  full: boolean;
}

interface Process {
  alive: boolean;
  connection?: { end: (why: string) => void };
}

/** A Scanner: the whole agent, over a disk in memory and a network that loses, doubles and delays. */
export const scannerOf = (id: string, { time, chance, send, cloud, has, serial, log }: ScannerOptions) => {
  const disk: Disk = { current: null, previous: null, objects: new Map(), full: false };
  const refused = new Set<number>();
  const hasRun = new Set<number>();
  const heldSessions = new Set<string>();
  /** What it was enrolled with; without one it is not let in. */
  let certificateId: string | null = null;
  let process: Process = { alive: false };
  let clockOffset = 0;
  let sessions = 0;
  let damaged = false;

  const waitIn = async (own: Process, ms: number): Promise<void> => {
    await time.sleep(ms);
    if (!own.alive) await never();
  };

  const sinkOf = (own: Process): Sink => {
    const io = () => waitIn(own, 1 + chance.below(30));
    const room = () => {
      if (disk.full) throw new Error('ENOSPC: no space left on device, write');
    };
    const built = async ({ lists, artifacts }: Contents, desired: Desired): Promise<Whole> => {
      const whole: Whole = { desired, lists: {}, artifacts: {} };
      for (const [name, content] of lists)
        whole.lists[name] =
          content === 'as-applied' ? (disk.current?.lists[name] ?? 'nothing') : await textOf(content);
      for (const [name, content] of artifacts)
        whole.artifacts[name] =
          content === 'as-applied' ? (disk.current?.artifacts[name] ?? 'nothing') : content.text;
      return whole;
    };
    return {
      held: async () => ({
        current: disk.current?.desired ?? null,
        previous: disk.previous?.desired ?? null,
      }),
      async apply(desired, contents) {
        await io();
        room();
        const whole = await built(contents, desired);
        if (has('a Scanner said applied before it had switched')) {
          const status = { revision: desired.smtp.revision, code: 'applied', at: '2026-01-01' };
          cloud.update(id, smtpShadow, { reported: { ...desired.smtp, status } });
        }
        await io();
        room();
        if (has('a switch had two steps')) {
          if (disk.current) disk.current = { ...whole, lists: disk.current.lists };
          await io();
        }
        [disk.previous, disk.current] = [disk.current, whole];
        hasRun.add(desired.smtp.revision);
        damaged = false;
        await io();
      },
    };
  };

  const cacheOf = (own: Process): ObjectCache => ({
    has: async (hash) => disk.objects.has(hash),
    read: async (hash) => disk.objects.get(hash) ?? Promise.reject(new Error(`ENOENT: ${hash}`)),
    async write(hash, bytes) {
      await waitIn(own, 1);
      if (disk.full) throw new Error('ENOSPC: no space left on device, write');
      disk.objects.set(hash, Buffer.from(bytes).toString('utf8'));
    },
    async prune(keep) {
      for (const hash of disk.objects.keys()) if (!keep.has(hash)) disk.objects.delete(hash);
    },
  });

  /** What the shadows say to this Scanner; a flaw makes the settings name whatever advanced settings there are. */
  const shadowFor = (name: string) => {
    const shadow = cloud.shadows.get(id, name);
    if (!has('a Scanner did not wait for the advanced settings that its settings name')) return shadow;
    const advanced = cloud.shadows.get(id, advancedShadow)?.state.desired;
    if (name !== smtpShadow || !shadow?.state.desired || !advanced) return shadow;
    const desired = { ...shadow.state.desired, advanced: digestOfAdvanced(advanced, sha) };
    return { ...shadow, state: { ...shadow.state, desired } };
  };

  const conversationOf = (own: Process, listener: Listener): Conversation => {
    const ended = new AbortController();
    const certificate = certificateId ?? '';
    const sessionIdentifier = `${serial} ${++sessions}`;
    heldSessions.add(sessionIdentifier);
    let open = true;
    const end = (why: string) => {
      if (!open) return;
      open = false;
      if (own.connection?.end === end) delete own.connection;
      cloud.registry.leave(id, sessionIdentifier);
      lifecycle('disconnected');
      if (own.alive) ended.abort(new Error(why));
    };
    /** Tells of a delta, if anybody listens. */
    const tell = (name: string, delta: object) =>
      send(wire, () => {
        if (own.alive && own.connection?.end === end) listener.onDelta(name as never, delta);
      });
    const connection = { end };
    const atBroker = cloud.registry.connect(id, {
      certificateId: certificate,
      sessionIdentifier,
      end,
      tell,
    });
    /** The service's clock is good to two minutes. */
    const lifecycle = (eventType: 'connected' | 'disconnected') =>
      cloud.lifecycle({
        clientId: id,
        eventType,
        sessionIdentifier,
        versionNumber: atBroker.versionNumber,
        principalIdentifier: certificate,
        timestamp: Date.parse('2026-01-01T00:00:00Z') + time.now() + ((sessions * 7919) % 240_000) - 120_000,
      });
    own.connection = connection;
    lifecycle('connected');
    const down = (arrive: () => void) =>
      send(wire, () => {
        if (own.alive && own.connection === connection) arrive();
      });
    const ask = <T>(operation: () => T, either: AbortSignal = ended.signal): Promise<T> =>
      new Promise((resolve, reject) => {
        const gone = () => reject(either.reason);
        if (either.aborted) return gone();
        either.addEventListener('abort', gone, { once: true });
        time.after(patience, () => own.alive && reject(new Error('There was no answer within 20 s.')));
        send(wire, () => {
          if (!cloud.registry.admits(certificate)) return;
          try {
            const answer = operation();
            down(() => resolve(answer));
          } catch (error) {
            if (!(error instanceof RequestRefused)) throw error;
            down(() => reject(error));
          }
        });
      });
    return {
      ended: ended.signal,
      close: async () => connection.end('the Scanner says goodbye'),
      shadow: (name) =>
        ask(() => {
          const shadow = shadowFor(name);
          return shadow && ({ ...shadow.state, version: shadow.version } as never);
        }),
      report: (name, reported, version?: number) =>
        ask(() => {
          const condition = has('reports did not depend on the version of the shadow') ? undefined : version;
          try {
            const updated = cloud.update(id, name, { reported }, condition);
            if (updated === null) throw new RequestRefused('The update', 409, 'Version conflict');
            return updated;
          } catch (error) {
            if (error instanceof ShadowError)
              throw new RequestRefused('The update', error.code, error.message);
            throw error;
          }
        }) as never,
      artifacts: (request, signal) =>
        ask(
          () => {
            const code = cloud.refusalOf(id, request.revision);
            if (code !== null) throw new RequestRefused('The request for objects', code, 'not for you');
            const artifacts = request.hashes.map((sha256) => ({
              sha256,
              url: sha256,
              bytes: 1,
              expiresAt: '2026-01-01',
            }));
            return { requestId: request.requestId, artifacts };
          },
          AbortSignal.any([ended.signal, signal]),
        ),
    };
  };

  const download = async (own: Process, sha256: string): Promise<Buffer | null> => {
    await waitIn(own, 1 + chance.below(50));
    if (chance.fault(0.04)) throw new Error(`The object ${sha256} could not be fetched: the answer was 503.`);
    return chance.fault(0.03) ? null : Buffer.from(objects.get(sha256) ?? '');
  };

  const hear = (line: string): void => {
    log?.(`${id} at ${time.now()} ms: ${line}`);
    const refusal = /^revision (\d+) rejected/.exec(line);
    if (refusal) refused.add(Number(refusal[1]));
  };

  const scanner = {
    id,
    disk,
    refused,
    /** Revisions that it has run. */
    hasRun,
    /** Sessions that it has had. */
    heldSessions,
    damaged: () => damaged,
    alive: () => process.alive,
    connected: () => process.connection !== undefined,
    setClock(offsetMs: number): void {
      clockOffset = offsetMs;
    },
    enrolled(given: string): void {
      certificateId = given;
    },
    start(): void {
      if (process.alive) return;
      const own: Process = { alive: true };
      process = own;
      const born = time.now();
      let ids = 0;
      void createScannerAgent({
        link: { host: 'broker', port: 1, clientId: id, privateKeyPem: '', certificatePem: '', caPem: '' },
        sink: sinkOf(own),
        cache: cacheOf(own),
        software: { name: 'reference-scanner', version: '1' },
        log: hear,
        newId: () => `${++ids}`,
        now: () => new Date(Date.parse('2026-01-01T00:00:00Z') + time.now() + clockOffset),
        random: chance.random,
        interfaces: () => ({}),
        patience,
        ...(has('a Scanner did not look at its shadows unless it was told to')
          ? { lookAgain: { baseMs: 1e12, capMs: 1e12 } }
          : {}),
        time: {
          elapsed: () => time.now() - born,
          sleep: (ms, signal) =>
            new Promise((resolve) => {
              time.after(ms, () => own.alive && resolve());
              signal?.addEventListener('abort', () => resolve(), { once: true });
            }),
        },
        open: async (_, listener) => {
          await waitIn(own, 5 + chance.below(100));
          if (chance.fault(0.2)) throw new Error('connection refused');
          if (certificateId === null || !cloud.registry.admits(certificateId))
            throw new Error('not authorized');
          return conversationOf(own, listener);
        },
        download: ({ sha256 }) => download(own, sha256),
      });
    },
    /** The power is gone. */
    kill(): void {
      process.alive = false;
      process.connection?.end('killed');
    },
    breakConnection(): void {
      process.connection?.end('the connection broke');
    },
    /** What is on the disk is not what was written; noticed when a process begins. */
    damage(): void {
      scanner.kill();
      damaged = disk.current !== null || damaged;
      disk.current = null;
      if (chance.below(2) === 0) disk.objects.clear();
    },
  };
  return scanner;
};
export type Scanner = ReturnType<typeof scannerOf>;
