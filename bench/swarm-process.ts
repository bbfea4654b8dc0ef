import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inParallel } from '../functions/lib/parallel.ts';
import { createScannerAgent, type ScannerAgent } from '../scanner/agent.ts';
import { enrol, register } from '../scanner/control-plane.ts';
import { readEndpoints } from '../scanner/endpoints.ts';
import { makeIdentity } from '../scanner/identity.ts';
import { openObjectCache } from '../scanner/object-cache.ts';
import type { Held, Sink } from '../scanner/sink.ts';
import type { SwarmMessage } from './swarm.ts';

/**
 * The inside of `startSwarm`: reference Scanners in one process, each with its own certificate and its own connection over mTLS, whose
 * configuration goes nowhere: what is measured is the way to it. Told by messages, it says when each applied what.
 */
const [data = '', count = '0'] = process.argv.slice(2);

const tell = (message: SwarmMessage): void => {
  process.send?.(message);
};

const moment = (): number => performance.timeOrigin + performance.now();

/** Takes in every list to its end, as a Scanner's files would, and forgets it. */
const forgetfulSink = (scannerId: string): Sink => {
  const held: Held = { current: null, previous: null };
  return {
    held: async () => held,
    async apply(desired, { lists }) {
      for (const list of lists.values()) if (list !== 'as-applied') for await (const _ of list);
      held.previous = held.current;
      held.current = desired;
      tell({ kind: 'applied', scannerId, revision: desired.smtp.revision, at: moment() });
    },
  };
};

const cacheDir = mkdtempSync(join(tmpdir(), 'swarm-'));
const cache = await openObjectCache(cacheDir);
const endpoints = await readEndpoints(data);
const access = { url: endpoints.api, token: endpoints.token };
const agents: ScannerAgent[] = [];
let connected = 0;

const enterFleet = async (scannerId: string): Promise<void> => {
  await register(access, { scannerId });
  const { mqtt: _, ...credentials } = await makeIdentity(scannerId, (csr) => enrol(access, scannerId, csr));
  const agent = await createScannerAgent({
    link: { ...endpoints.mqtt, clientId: scannerId, ...credentials },
    sink: forgetfulSink(scannerId),
    cache,
    software: { name: 'swarm', version: '1' },
    log: (line) => {
      if (line.startsWith('connected')) connected += 1;
    },
    newId: randomUUID,
    interfaces: () => ({}),
  });
  agents.push(agent);
};

const ids = Array.from({ length: Number(count) }, (_, index) => `s${String(index).padStart(5, '0')}`);

process.on('message', async (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage();
    tell({ kind: 'usage', cpuSeconds: (user + system) / 1e6, bytes: process.memoryUsage().rss });
  }
  if (message === 'stop') {
    await inParallel(agents, 50, (agent) => agent.stop());
    rmSync(cacheDir, { recursive: true, force: true });
    process.exit(0);
  }
});

const failures = await inParallel(ids, 8, enterFleet);
while (connected < ids.length - failures.length) await new Promise((resolve) => setTimeout(resolve, 20));
tell({ kind: 'ready', connected, failed: failures.map(({ error }) => String(error)).slice(0, 3) });
