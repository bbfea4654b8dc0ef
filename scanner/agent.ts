import { networkInterfaces } from 'node:os';
import { inventoryShadow } from '../shared/messages/shadow.ts';
import type { ArtifactTools } from './artifacts.ts';
import { type Backoff, delayOf } from './backoff.ts';
import { keepConnected } from './connection.ts';
import { type Conversation, type DesiredShadow, openConversation } from './conversation.ts';
import { download } from './download.ts';
import { type HostInterfaces, inventoryOf } from './inventory.ts';
import { type PassOutcome, startLoop } from './loop.ts';
import { messageOf } from './message-of.ts';
import type { LinkOptions } from './mqtt-link.ts';
import { type Listening, listenTo } from './news.ts';
import type { ObjectCache } from './object-cache.ts';
import { type Memory, reconcile } from './reconcile.ts';
import type { Sink } from './sink.ts';
import { supplyWith } from './supply.ts';
import { realTime, type Time } from './time.ts';

export interface AgentOptions {
  /** Where to connect, as whom and with what. `clientId` is the Scanner's id. */
  link: LinkOptions;
  sink: Sink;
  cache: ObjectCache;
  software: { name: string; version: string };
  log: (line: string) => void;
  newId: () => string;
  /** The wall clock, for what is said; nothing is measured by it. */
  now?: () => Date;
  time?: Time;
  /** The network: how a connection is opened, and how what is behind a link is fetched. */
  open?: typeof openConversation;
  download?: typeof download;
  /** 0 to 1, for the part of each wait that is chance. */
  random?: () => number;
  interfaces?: () => HostInterfaces;
  /** In words, what may keep it from being connected, of what the last try failed with; never fails. */
  explain?: (reason: unknown) => Promise<string>;
  /** Waits between connections, and between tries of a configuration that failed. */
  reconnect?: Backoff;
  retry?: Backoff;
  /** Between looks at the shadows that nothing asked for. */
  lookAgain?: Backoff;
  /** Milliseconds to wait for an answer on the connection. */
  patience?: number;
}

export interface ScannerAgent {
  /** Gives up what waits for the network, finishes a switch that has begun, disconnects cleanly. */
  stop(): Promise<void>;
}

const defaults = {
  now: () => new Date(),
  time: realTime,
  open: openConversation,
  download,
  random: Math.random,
  interfaces: networkInterfaces,
  reconnect: { baseMs: 500, capMs: 30_000 },
  retry: { baseMs: 1000, capMs: 60_000 },
  lookAgain: { baseMs: 1_800_000, capMs: 1_800_000 },
  patience: 20_000,
};

/** Milliseconds that a last report has to be answered when the Scanner stops. */
const lastWords = 2_000;

type Settings = AgentOptions & Required<Pick<AgentOptions, keyof typeof defaults>>;

/** What a Scanner does, on whichever connection it has: inventory once for each, then its configuration. */
const worker = (settings: Settings, memory: Memory, signal: AbortSignal) => {
  const { sink, cache, newId, now, log } = settings;
  let conversation: Conversation | undefined;
  let inventoryDue = false;

  const ask: ArtifactTools['ask'] = (request, either) => {
    if (!conversation) throw new TypeError('There is no conversation to ask in.');
    return conversation.artifacts(request, either);
  };
  const supply = supplyWith({ cache, newId, ask, download: settings.download }, log);

  const reportInventory = async (present: Conversation): Promise<void> => {
    if (!inventoryDue) return;
    const inventory = inventoryOf(settings.interfaces(), settings.software);
    await present.report(inventoryShadow, inventory).then(
      () => {
        inventoryDue = false;
      },
      (error: unknown) => log(`the inventory was not reported: ${messageOf(error)}`),
    );
  };

  return {
    meet: (opened: Conversation): void => {
      conversation = opened;
      inventoryDue = true;
    },
    /** One pass on the present connection; `overtaken` says whether newer news has come since it began. */
    pass: async (overtaken: () => boolean): Promise<PassOutcome> => {
      const present = conversation;
      if (!present || present.ended.aborted) return 'parked';
      const either = AbortSignal.any([present.ended, signal]);
      await reportInventory(present);
      const work = { conversation: present, supply, sink, memory, now, log, signal: either, overtaken };
      const outcome = await reconcile(work).catch((error: unknown) => {
        if (!either.aborted) log(`the shadows could not be worked on: ${messageOf(error)}`);
        return 'again' as const;
      });
      return either.aborted ? 'parked' : outcome;
    },
  };
};

/**
 * Verifies what the sink holds, then runs a Scanner until it is stopped: keeps a connection up, and on each connection, on each
 * delta and some time after each failure looks at its shadows and works towards what they desire.
 * @throws Error when the sink cannot be read.
 */
export const createScannerAgent = async (options: AgentOptions): Promise<ScannerAgent> => {
  const settings: Settings = { ...defaults, ...options };
  const { link, log, newId, time, random, patience, retry } = settings;
  const { current, previous } = await settings.sink.held();
  log(current ? `runs revision ${current.smtp.revision}` : 'runs no configuration yet');

  const memory: Memory = { applied: current, previous, refused: null };
  const stopping = new AbortController();
  const { meet, pass } = worker(settings, memory, stopping.signal);
  const loop = startLoop(
    () => pass(loop.rung),
    (failures) => delayOf(retry, failures, random()),
    time,
  );
  /** Before the first look nothing that is heard matters: the look sees it. */
  let listening: Listening | undefined;
  const onDelta = (name: DesiredShadow, delta: unknown): void => listening?.heard(name, delta);
  const onOpen = (opened: Conversation): void => {
    log(`connected to ${link.host}:${link.port} as ${link.clientId}`);
    listening = listenTo(opened, loop.ringAnew);
    meet(listening.conversation);
    loop.ring();
  };
  /** What no delta told, as one that was lost, is seen in time. */
  const keepLooking = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await time.sleep(delayOf(settings.lookAgain, 1, random()), stopping.signal);
      loop.ring();
    }
  };
  const open = (signal: AbortSignal) => settings.open(link, { onDelta, newId, patience }, signal);
  void keepLooking();
  const connection = keepConnected({
    open,
    onOpen,
    backoff: settings.reconnect,
    time,
    random,
    ...(settings.explain ? { explain: settings.explain } : {}),
    log,
  });

  return {
    stop: async () => {
      stopping.abort(new Error('the Scanner stops'));
      const done = loop.stop();
      const spoken = new AbortController();
      await Promise.race([done, time.sleep(lastWords, spoken.signal)]);
      spoken.abort();
      await connection.stop();
      await done;
    },
  };
};
