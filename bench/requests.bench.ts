import { channel } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declaredTemplate } from '../local/declared.ts';
import { startDynamo } from '../local/dynamodb.ts';
import { startStack } from '../local/stack.ts';
import { readTemplate } from '../local/template.ts';
import type { Bench, Figure } from './bench.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { startSwarm } from './swarm.ts';

const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret' };
const region = 'eu-west-1';
const entriesOfTheList = 1_000_000;
const runs = 5;

/** Requests that the embedded stack's own servers took, by what they were. */
const countRequests = () => {
  const counts = new Map<string, number>();
  const portsOf = new Map<number, string>();
  const heard = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage };
    const service = portsOf.get((request.socket.address() as AddressInfo).port);
    if (service === undefined) return;
    const verb =
      service === 'objects'
        ? request.method === 'GET' || request.method === 'HEAD'
          ? 'read'
          : 'written'
        : '';
    const name = `${service}${verb && ` ${verb}`}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  channel('http.server.request.start').subscribe(heard);
  return {
    name: (url: string, service: string) => portsOf.set(Number(new URL(url).port), service),
    counts: () => new Map(counts),
    stop: () => channel('http.server.request.start').unsubscribe(heard),
  };
};

/** The engine itself, which the stack takes for one of the user's. */
const startEngine = async (dir: string) => {
  const parameters = { Issuer: 'https://issuer.example.com', MqttServerCa: 'c' };
  const declared = readTemplate(await declaredTemplate(), {
    region,
    accountId: '000000000000',
    name: 'scanner-control-plane',
    parameters,
  });
  return startDynamo({
    dir,
    port: 18_000 + (process.pid % 20_000),
    table: declared.table,
    region,
    credentials,
  });
};

type Counts = Record<string, number>;

const listed = (entries: number): string =>
  Array.from(
    { length: entries },
    (_, index) => `10.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`,
  ).join('\n');

export const bench: Bench = {
  what: 'what one save, one edit, one import and one look cost in requests and request units, counted on the wire',
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'));
    const engine = await startEngine(join(dir, 'engine'));
    const proxy = await startCountingProxy(() => engine.url);
    process.env['DYNAMODB_ENDPOINT'] = proxy.url;
    const counter = countRequests();
    const stack = await startStack({ dir: join(dir, 'stack'), portBase: 0 });
    const { api, token, s3, iotData, lambda } = stack.endpoints;
    counter.name(s3, 'objects');
    counter.name(iotData, 'shadow and registry');
    counter.name(lambda, 'invocations by the router');
    const swarm = await startSwarm(join(dir, 'stack'), 1);
    const scannerId = 's00000';

    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${api}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as Record<string, never>;
    };
    const snapshot = (): Counts => ({ ...proxy.counts(), ...Object.fromEntries(counter.counts()) });
    /** Until nothing has been asked of table, objects or shadows for a while. */
    const quiet = async (): Promise<void> => {
      for (let before = ''; before !== JSON.stringify(snapshot()); ) {
        before = JSON.stringify(snapshot());
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    };
    const cost = async (work: (run: number) => Promise<unknown>, times = runs): Promise<Counts> => {
      await quiet();
      const before = snapshot();
      for (let run = 0; run < times; run++) {
        await work(run);
        await quiet();
      }
      const after = snapshot();
      return Object.fromEntries(
        Object.entries(after).map(([name, value]) => [name, (value - (before[name] ?? 0)) / times]),
      );
    };
    const applied = async ({ revision }: Record<string, never>) =>
      swarm.appliedAt(scannerId, Number(revision));
    const settings = (port: number) => ({
      mailFiltering: 'inbound',
      inbound: { ipv4: { address: '127.0.0.1', port }, accept: 'all' },
    });
    const upload = async () => {
      const { upload: form, importId } = (await call(
        'POST',
        `/scanners/${scannerId}/access-lists/inbound/imports`,
        {
          activate: true,
        },
      )) as unknown as { upload: { url: string; fields: Record<string, string> }; importId: string };
      const data = new FormData();
      for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
      data.append('file', new Blob([listed(entriesOfTheList)]), 'list.txt');
      await fetch(form.url, { method: 'POST', body: data });
      for (;;) {
        const job = (await call('GET', `/imports/${importId}`)) as unknown as {
          state: string;
          revision?: number;
        };
        if (job.state === 'completed') return swarm.appliedAt(scannerId, job.revision ?? 0);
        if (job.state === 'failed') throw new Error('the import failed');
        await new Promise((resolve) => setTimeout(resolve, 5000));
      }
    };

    try {
      await applied(await call('PUT', `/scanners/${scannerId}/smtp`, settings(2000)));
      const costs: Record<string, Counts> = {
        'one save': await cost(async (run) =>
          applied(await call('PUT', `/scanners/${scannerId}/smtp`, settings(3000 + run))),
        ),
        'one look at a Scanner': await cost(() => call('POST', `/scanners/${scannerId}/sync`, {})),
        'one import of 1,000,000': await cost(upload, 1),
        'one edit in 1,000,000': await cost(async (run) =>
          applied(
            await call('POST', `/scanners/${scannerId}/access-lists/inbound/entries`, {
              entries: [{ value: `192.0.2.${run}` }],
            }),
          ),
        ),
        'one page read': await cost((run) =>
          call('GET', `/scanners/${scannerId}/access-lists/inbound/entries?page=${1000 + run}`),
        ),
      };
      const figures = Object.entries(costs).flatMap(([what, counts]) =>
        Object.entries(counts).map(([name, value]): [string, Figure] => [
          `${what}: ${name}`,
          { value, unit: '' },
        ]),
      );
      return { runs, figures: Object.fromEntries(figures) };
    } finally {
      await swarm.stop();
      await stack.close();
      counter.stop();
      proxy.close();
      await engine.close();
      delete process.env['DYNAMODB_ENDPOINT'];
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
