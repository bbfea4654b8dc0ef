import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { GetThingShadowCommand, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { openShadows } from '../../../local/iot/shadows.ts';
import { type AgentOptions, createScannerAgent, type ScannerAgent } from '../../../scanner/agent.ts';
import { folderSink } from '../../../scanner/folder-sink.ts';
import { openObjectCache } from '../../../scanner/object-cache.ts';
import type { Sink } from '../../../scanner/sink.ts';
import { shadowDifference } from '../../../shared/domain/shadow-difference.ts';
import { type ArtifactRequest, artifactTopics } from '../../../shared/messages/artifacts.ts';
import {
  advancedShadow,
  type SmtpAdvancedDesired,
  type SmtpReported,
  smtpShadow,
} from '../../../shared/messages/shadow.ts';
import {
  connect,
  type Device,
  type Embedded,
  enrol,
  startEmbedded,
  until,
} from '../../contract/iot/embedded.ts';
import { advancedDesired } from '../../unit/scanner/documents.ts';

/** What the control plane does with a request for artifacts: a rejection, or nothing at all; links otherwise. */
export type Verdict = { code: string; message: string } | 'silence' | undefined;

/** A control plane cut down to what a Scanner talks to: real shadows over a real broker, and objects behind links. */
export interface Fleet {
  readonly iot: Embedded;
  /** Texts by their hash, as the bucket has them. A test may put a wrong one. */
  readonly objects: Map<string, string>;
  /** Called for each GET; a status instead of the object. */
  refuse: (sha256: string) => number | undefined;
  judge: (request: ArtifactRequest) => Verdict | Promise<Verdict>;
  /** Requests so far, in order. */
  readonly requests: ArtifactRequest[];
  /** Hashes that were fetched so far, in order. */
  readonly fetched: string[];
  /** Holds back every GET until it is called again with false. */
  hold(on: boolean): void;
  /** Brings the shadow `smtp-advanced`, then `smtp`, to exactly these documents, in one update each, as a publisher does. */
  desire(thing: string, smtp: object, advanced?: SmtpAdvancedDesired): Promise<void>;
  /** Brings one shadow's desired section to exactly this document. */
  desireOne(thing: string, shadow: string, document: object): Promise<void>;
  /** Sets a shadow's desired section where it had none; no delta is heard of it, as when one is lost. */
  desireSilently(thing: string, shadow: string, document: object): void;
  reported(thing: string, shadow?: 'smtp' | 'smtp-advanced' | 'inventory'): Promise<SmtpReported>;
  /** What is desired but not reported, over both shadows. */
  deltas(thing: string): Promise<unknown[]>;
  /** Version of the shadow `smtp`: how often it was written to. */
  version(thing: string): Promise<number>;
  close(): Promise<void>;
}

const objectServer = async (fleet: () => Fleet) => {
  let held: (() => void)[] | undefined;
  const server = createServer(async (request, response) => {
    const sha256 = (request.url ?? '').slice(1);
    if (held) await new Promise<void>((resolve) => held?.push(resolve));
    fleet().fetched.push(sha256);
    const status = fleet().refuse(sha256);
    const text = fleet().objects.get(sha256);
    if (status !== undefined || text === undefined) return response.writeHead(status ?? 404).end();
    response.setHeader('content-encoding', 'gzip');
    return response.end(gzipSync(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (on: boolean) => {
      for (const go of held ?? []) go();
      held = on ? [] : undefined;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const shadowOf = async (iot: Embedded, thingName: string, shadowName: string) => {
  const answer = await iot.data.send(new GetThingShadowCommand({ thingName, shadowName }));
  return JSON.parse(Buffer.from(answer.payload ?? []).toString('utf8')) as {
    state: Partial<Record<'desired' | 'reported' | 'delta', Record<string, unknown>>>;
    version: number;
  };
};

/** Starts broker, shadows, the answering side of artifacts, and the object server. */
export const startFleet = async (): Promise<Fleet> => {
  const iot = await startEmbedded();
  const server = await objectServer(() => fleet);
  const backend = await enrol(iot.iot, 'backend', { policy: 'open' });
  const client = await connect(iot, backend, {}, async (topic, payload) => {
    const thing = topic.split('/')[1] ?? '';
    const request = JSON.parse(payload.toString()) as ArtifactRequest;
    fleet.requests.push(request);
    const verdict = await fleet.judge(request);
    if (verdict === 'silence') return;
    const { requestId, hashes } = request;
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    const links = hashes.map((sha256) => ({ sha256, url: `${server.url}/${sha256}`, bytes: 1, expiresAt }));
    const [to, answer] = verdict
      ? [artifactTopics(thing).rejected, { requestId, ...verdict }]
      : [artifactTopics(thing).accepted, { requestId, artifacts: links }];
    client.publish(to, JSON.stringify(answer), { qos: 1 });
  });
  await client.subscribeAsync('scanners/+/artifacts/get', { qos: 1 });

  const update = (thingName: string, shadowName: string, state: object) =>
    iot.data.send(
      new UpdateThingShadowCommand({
        thingName,
        shadowName,
        payload: Buffer.from(JSON.stringify({ state })),
      }),
    );

  const fleet: Fleet = {
    iot,
    objects: new Map(),
    refuse: () => undefined,
    judge: () => undefined,
    requests: [],
    fetched: [],
    hold: server.hold,
    async desire(thing, smtp, advanced = advancedDesired()) {
      await fleet.desireOne(thing, advancedShadow, advanced);
      await fleet.desireOne(thing, smtpShadow, smtp);
    },
    async desireOne(thing, shadow, document) {
      const present = await shadowOf(iot, thing, shadow).catch(() => undefined);
      const wanted = document as Record<string, unknown>;
      const difference = shadowDifference(present?.state.desired ?? {}, wanted);
      if (difference) await update(thing, shadow, { desired: difference });
    },
    desireSilently(thing, shadow, document) {
      const payload = Buffer.from(JSON.stringify({ state: { desired: document } }));
      openShadows(iot.state, () => new Date()).update({ thing, shadow }, payload);
    },
    deltas: async (thing) => {
      const both = [smtpShadow, advancedShadow].map((shadow) => shadowOf(iot, thing, shadow));
      return (await Promise.all(both)).map(({ state }) => state.delta);
    },
    reported: async (thing, shadow = 'smtp') =>
      ((await shadowOf(iot, thing, shadow)).state.reported ?? {}) as SmtpReported,
    version: async (thing) => (await shadowOf(iot, thing, 'smtp')).version,
    async close() {
      server.hold(false);
      await client.endAsync(true);
      server.close();
      await iot.stop();
    },
  };
  return fleet;
};

/** A Scanner of the fleet that can be stopped and started again on its folder. */
export interface TestScanner {
  readonly id: string;
  readonly dir: string;
  readonly lines: string[];
  /** Revisions that were put in force, in order: switches of the sink. */
  readonly switches: number[];
  /** Wraps the sink from the next start on. */
  wrap: (sink: Sink) => Sink;
  start(more?: Partial<AgentOptions>): Promise<void>;
  stop(): Promise<void>;
  /** Ends it and takes its folder away. */
  remove(): Promise<void>;
}

const counting = (sink: Sink, switches: number[]): Sink => ({
  held: () => sink.held(),
  async apply(desired, contents) {
    await sink.apply(desired, contents);
    switches.push(desired.smtp.revision);
  },
});

const linkOf = (iot: Embedded, device: Device, caPem: string) => ({
  ...iot.mqtt,
  clientId: device.thing,
  privateKeyPem: device.key,
  certificatePem: device.cert,
  caPem,
});

/** Enrols a Scanner; it is not started yet. */
export const addScanner = async (fleet: Fleet, id: string, caPem: string): Promise<TestScanner> => {
  const device = await enrol(fleet.iot.iot, id);
  const dir = mkdtempSync(join(tmpdir(), 'scanner-'));
  let agent: ScannerAgent | undefined;
  const scanner: TestScanner = {
    id,
    dir,
    lines: [],
    switches: [],
    wrap: (sink) => sink,
    async start(more = {}) {
      agent = await createScannerAgent({
        link: linkOf(fleet.iot, device, caPem),
        sink: scanner.wrap(counting(folderSink(dir), scanner.switches)),
        cache: await openObjectCache(dir),
        software: { name: 'reference-scanner', version: '1' },
        log: (line) => scanner.lines.push(line),
        newId: randomUUID,
        interfaces: () => ({}),
        reconnect: { baseMs: 5, capMs: 50 },
        retry: { baseMs: 5, capMs: 50 },
        ...more,
      });
    },
    async stop() {
      await agent?.stop();
      agent = undefined;
    },
    async remove() {
      await scanner.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return scanner;
};

/** Waits until the shadow says this of the last attempt, and answers all that is reported. */
export const said = (
  fleet: Fleet,
  id: string,
  status: Partial<SmtpReported['status']>,
): Promise<SmtpReported> =>
  until(`${id} reports ${JSON.stringify(status)}`, async () => {
    const reported = await fleet.reported(id);
    const holds = Object.entries(status).every(([name, value]) => Object(reported.status)[name] === value);
    if (!holds) throw new Error(`the last report is ${JSON.stringify(reported.status)}`);
    return reported;
  });
