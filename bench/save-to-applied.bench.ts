import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoints, type Running, startScanner, startStack } from '../scripts/demo/processes.ts';
import type { Sync } from '../shared/schemas/sync.ts';
import { type Bench, quantile } from './bench.ts';

const runs = 200;
/**
 * Saves go round these Scanners: IoT Core takes 20 requests a second for the shadows of one thing (AWS IoT Core quotas), so saves on
 * one alone would measure that quota.
 */
const scanners = Array.from({ length: 8 }, (_, index) => `mx${index + 1}`);
/** Each Scanner's first saves, which fetch the lists and start functions, are not counted. */
const warmUp = 2 * scanners.length;

const call = async <T>(endpoints: Endpoints, method: string, path: string, body?: unknown): Promise<T> => {
  const answer = await fetch(`${endpoints.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${endpoints.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as T;
};

const waitFor = async (look: () => Promise<boolean>): Promise<void> => {
  while (!(await look().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 5));
};

const settings = (port: number) => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '127.0.0.1', port }, accept: 'all' },
});

/** Milliseconds from the request to the API's word that the Scanner runs it, and to the API's answer alone. */
const saveOnce = async (
  endpoints: Endpoints,
  scannerId: string,
  port: number,
): Promise<{ answered: number; applied: number }> => {
  const path = `/scanners/${scannerId}`;
  const begun = performance.now();
  const { revision } = await call<{ revision: number }>(endpoints, 'PUT', `${path}/smtp`, settings(port));
  const answered = performance.now() - begun;
  await waitFor(
    async () => (await call<Sync>(endpoints, 'GET', `${path}/sync`)).appliedRevision === revision,
  );
  return { answered, applied: performance.now() - begun };
};

export const bench: Bench = {
  what: `${runs} saves, one after the other, round ${scanners.length} Scanners on the embedded stack`,
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'));
    const running: Running[] = [];
    try {
      const stack = await startStack(dir);
      running.push(stack, ...scanners.map((scannerId) => startScanner(dir, scannerId)));
      for (const scannerId of scanners)
        await waitFor(
          async () =>
            (await call<Sync>(stack.endpoints, 'GET', `/scanners/${scannerId}/sync`)).connected === true,
        );
      const samples: { answered: number; applied: number }[] = [];
      for (let run = 0; run < runs + warmUp; run++) {
        const scannerId = scanners[run % scanners.length] as string;
        samples.push(await saveOnce(stack.endpoints, scannerId, 2000 + run));
      }
      const counted = samples.slice(warmUp);
      const figure = (key: 'answered' | 'applied', q: number) => ({
        value: quantile(
          counted.map((sample) => sample[key]),
          q,
        ),
        unit: 'ms',
      });
      return {
        runs,
        figures: {
          'save to answer, p50': figure('answered', 0.5),
          'save to answer, p99': figure('answered', 0.99),
          'save to applied, p50': figure('applied', 0.5),
          'save to applied, p99': figure('applied', 0.99),
        },
      };
    } finally {
      for (const one of running.reverse()) await one.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
