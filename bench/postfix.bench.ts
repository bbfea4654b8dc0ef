import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../local/ports.ts';
import { type Endpoints, type Running, start, startStack } from '../scripts/demo/processes.ts';
import type { Sync } from '../shared/schemas/sync.ts';
import { type Bench, type Figure, quantile } from './bench.ts';
import { type MailHost, openSession, speak, startHost } from './mail-clients.ts';
import { account, type Senders, startSenders } from './mail-senders.ts';
import { makeNetworks, writeAll } from './networks.ts';
import { whyNoPostfix } from './private-postfix.ts';

const changes = 100;
const networks = 1_000_000;
const scannerId = 'mx1';

/** Clients that send without pause, and one that no list has. */
const addresses = ['127.77.1.1', '127.77.1.2'];
const stranger = '127.99.9.9';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks again and again. A minute is more than anything here may take, but for a million networks. */
const waitFor = async (what: string, look: () => Promise<boolean>, seconds = 60): Promise<void> => {
  const deadline = performance.now() + seconds * 1000;
  while (!(await look().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`Not within ${seconds} s: ${what}.`);
    await pause(5);
  }
};

const call = async <T>(
  { api, token }: Endpoints,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const answer = await fetch(`${api}/scanners/${scannerId}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const told = (await answer.json()) as T;
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(told)}`);
  return told;
};

/** A limit that is announced to every client tells which configuration answers. */
const sizeOf = (revision: number): number => 1_000_000 + revision;

const announced = async (port: number): Promise<number> => {
  const { offered, close } = await openSession({ port });
  close();
  return Number(/SIZE (\d+)/.exec(offered)?.[1]);
};

const change = (endpoints: Endpoints, number: number) =>
  call(endpoints, 'PATCH', '/smtp/advanced', { inbound: { maxMessageBytes: sizeOf(number) } });

/** Milliseconds from the request to the API until a client is answered otherwise. */
const changeOnce = async (endpoints: Endpoints, port: number, number: number): Promise<number> => {
  const begun = performance.now();
  await change(endpoints, number);
  await waitFor('a client is answered otherwise', async () => (await announced(port)) === sizeOf(number));
  return performance.now() - begun;
};

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

/** A list that lets the senders in alone comes to a listener that let everybody in. */
const changeLists = async (endpoints: Endpoints, dir: string, port: number, flow: Senders) => {
  const values = await makeNetworks(join(dir, 'lines.txt'), networks);
  const file = join(dir, 'networks.txt');
  await writeAll(
    file,
    values.map((value) => `${value}\n`),
  );
  let stored = 0;
  const begun = performance.now();
  const longest = await longestOf(flow, async () => {
    await dropList(endpoints, file);
    const isStored = async () =>
      (await call<{ entries: number }>(endpoints, 'GET', '/access-lists/inbound')).entries === values.length;
    await waitFor('the list is stored', isStored, 300);
    stored = performance.now();
    const isRefused = async () => (await speak({ port, from: stranger }, []))[0]?.startsWith('554') === true;
    await waitFor('a stranger is refused', isRefused, 300);
  });
  return {
    'entries of the list': count(values.length),
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

/** A Scanner that lets everybody in and hands mail to the host. */
const prepare = async (endpoints: Endpoints, host: MailHost, port: number): Promise<void> => {
  const isConnected = async () => (await call<Sync>(endpoints, 'GET', '/sync')).connected === true;
  await waitFor('the Scanner is connected', isConnected);
  await call(endpoints, 'POST', '/host-lists/local-delivery/hosts', { host: '127.0.0.1', port: host.port });
  const inbound = { ipv4: { address: '127.0.0.1', port }, accept: 'all' };
  await call(endpoints, 'PUT', '/smtp', { mailFiltering: 'inbound', inbound });
  for (const number of [-3, -2, -1]) await changeOnce(endpoints, port, number);
};

const measure = async (
  endpoints: Endpoints,
  dir: string,
  host: MailHost,
): Promise<Record<string, Figure>> => {
  const port = await freePort();
  await prepare(endpoints, host, port);
  const flow = startSenders(port, addresses);
  const idle = await longestOf(flow, () => pause(10_000));
  const times: number[] = [];
  const busy = await longestOf(flow, async () => {
    for (let number = 0; number < changes; number++) times.push(await changeOnce(endpoints, port, number));
  });
  const lists = await changeLists(endpoints, dir, port, flow);
  const { taken, refused } = await flow.stop();
  const isThere = async () => account(taken, host.arrived).lost.length === 0;
  await waitFor('all that was taken has arrived', isThere).catch(() => undefined);
  const { lost, twice } = account(taken, host.arrived);
  return {
    'save to changed SMTP answer, p50': ms(quantile(times, 0.5)),
    'save to changed SMTP answer, p99': ms(quantile(times, 0.99)),
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
      const host = await startHost();
      running.push({ stop: host.close });
      const stack = await startStack(dir);
      // The stack closes its folder to others, and Postfix's user has to get through it.
      chmodSync(dir, 0o711);
      running.push(stack, runScanner(dir));
      return { runs: changes, figures: await measure(stack.endpoints, dir, host) };
    } finally {
      for (const one of running.reverse()) await one.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
