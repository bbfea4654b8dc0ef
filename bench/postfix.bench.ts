import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Endpoints, type Running, start, startStack } from '../scripts/demo/processes.ts';
import { type Client, createClient } from '../shared/client.ts';
import { type Bench, type Figure, quantile } from './bench.ts';
import { startHost } from './mail-clients.ts';
import { account, type Senders, startSenders } from './mail-senders.ts';
import { writeNetworks } from './networks.ts';
import {
  allIn,
  changeOf,
  configure,
  listedOnly,
  openScene,
  type Scene,
  sendersAt,
  timeOf,
  waitFor,
} from './postfix-changes.ts';
import { whyNoPostfix } from './private-postfix.ts';

const changes = 100;
const networks = 1_000_000;
const scannerId = 'mx1';

const ms = (value: number): Figure => ({ value, unit: 'ms' });
const count = (value: number): Figure => ({ value, unit: '' });

/** The longest time without a message taken, while something is done. */
const longestOf = async (flow: Senders, act: () => Promise<unknown>): Promise<number> => {
  flow.anew();
  await act();
  return flow.longestMs();
};

const dropList = async (endpoints: Endpoints, file: string): Promise<void> => {
  const s3 = new S3Client({
    endpoint: endpoints.s3,
    region: endpoints.region,
    credentials: { accessKeyId: endpoints.accessKeyId, secretAccessKey: endpoints.secretAccessKey },
  });
  await s3.send(
    new PutObjectCommand({
      Bucket: endpoints.bucket,
      Key: `imports/${scannerId}/inbound/networks.txt`,
      Body: readFileSync(file),
      Metadata: { activate: 'true' },
    }),
  );
  s3.destroy();
};

const entriesOf = async (client: Client): Promise<number> => {
  const summary = await client.call('GET /v1/scanners/{scannerId}/access-lists/{list}', {
    params: { scannerId, list: 'inbound' },
  });
  return summary.entries;
};

/** A long list comes to a listener that lets everybody in. */
const changeLists = async (endpoints: Endpoints, dir: string, scene: Scene, flow: Senders) => {
  const file = join(dir, 'networks.txt');
  const entries = await writeNetworks(file, networks);
  await timeOf(allIn(scene));
  const before = await entriesOf(scene.client);
  let stored = 0;
  const begun = performance.now();
  const longest = await longestOf(flow, async () => {
    await dropList(endpoints, file);
    const isStored = async () => (await entriesOf(scene.client)) >= before + entries - 1;
    await waitFor('the list is stored', isStored, { seconds: 300 });
    stored = performance.now();
    await waitFor('a stranger is refused', listedOnly(scene).isSeen, { seconds: 300 });
  });
  return {
    'entries of the list': count(await entriesOf(scene.client)),
    'list: file dropped to revision stored': ms(stored - begun),
    'list: revision stored to a stranger refused': ms(performance.now() - stored),
    'list: longest without a message taken': ms(longest),
  };
};

const runScanner = (dir: string): Running =>
  start(join(dir, 'logs'), 'scanner', [
    'scanner/main.ts',
    '--id',
    scannerId,
    '--data',
    dir,
    '--mta',
    'postfix',
  ]);

const isConnected = async (client: Client): Promise<boolean> =>
  (await client.call('GET /v1/scanners/{scannerId}/sync', { params: { scannerId } })).connected === true;

const connect = async (endpoints: Endpoints): Promise<Client> => {
  const client = createClient({ baseUrl: endpoints.api, token: endpoints.token });
  await waitFor('the Scanner is connected', () => isConnected(client));
  return client;
};

/** The median of each kind of change. */
const mediansOf = (times: readonly { what: string; ms: number }[]): Record<string, Figure> =>
  Object.fromEntries(
    [...new Set(times.map(({ what }) => what))].map((kind) => [
      `save to changed SMTP answer, p50 of ${kind}`,
      ms(
        quantile(
          times.filter(({ what }) => what === kind).map((one) => one.ms),
          0.5,
        ),
      ),
    ]),
  );

const measure = async (endpoints: Endpoints, dir: string, scene: Scene): Promise<Record<string, Figure>> => {
  const hostId = await configure(scene);
  const flow = startSenders(scene.ports.inbound, sendersAt);
  const idle = await longestOf(flow, () => sleep(10_000));
  const times: { what: string; ms: number }[] = [];
  const busy = await longestOf(flow, async () => {
    for (let number = 0; number < changes; number++) {
      const change = changeOf(scene, number, { hostId, flow });
      times.push({ what: change.what, ms: await timeOf(change) });
    }
  });
  const lists = await changeLists(endpoints, dir, scene, flow);
  const { taken, refused } = await flow.stop();
  const accountNow = () =>
    account(
      taken,
      scene.hosts.flatMap(({ arrived }) => arrived),
    );
  await waitFor('all that was taken has arrived', async () => accountNow().lost.length === 0).catch(
    () => undefined,
  );
  const { lost, twice } = accountNow();
  const all = times.map((one) => one.ms);
  return {
    'save to changed SMTP answer, p50': ms(quantile(all, 0.5)),
    'save to changed SMTP answer, p99': ms(quantile(all, 0.99)),
    ...mediansOf(times),
    'longest without a message taken, nothing changing': ms(idle),
    'longest without a message taken, changes': ms(busy),
    ...lists,
    'messages taken': count(taken.length),
    'messages lost': count(lost.length),
    'messages twice': count(twice.length),
    'sessions or messages refused': count(refused.length),
  };
};

export const bench: Bench = {
  what: `${changes} changes and ${networks.toLocaleString('en')} networks, from the API to a Postfix that takes mail all the while`,
  whyNot: whyNoPostfix,
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'));
    const running: { stop(): Promise<void> }[] = [];
    try {
      const hosts = [await startHost(), await startHost()] as const;
      for (const host of hosts) running.push({ stop: host.close });
      const stack = await startStack(dir);
      running.push(stack, runScanner(dir));
      const scene = await openScene({ client: await connect(stack.endpoints), scannerId, hosts });
      return { runs: changes, figures: await measure(stack.endpoints, dir, scene) };
    } finally {
      for (const one of running.reverse()) await one.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
