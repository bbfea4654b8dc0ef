import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../local/stack.ts';
import { createClient } from '../shared/client.ts';
import { type Bench, type Figure, quantile } from './bench.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type CallKind, disturbed, hintless, type Load, lostOf, runLoad, type Seen } from './load.ts';

const clients = 8;
/** Of each client: what is measured ends, however slow the machine is. */
const calls = 150;
const scanners = 20;
const seed = 20_261_125;

const milliseconds = (value: number): Figure => ({ value, unit: 'ms' });

const latencies = (seen: readonly Seen[], prefix: string): Record<string, Figure> => {
  const kinds = [...new Set(seen.map(({ kind }) => kind))].sort() as CallKind[];
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const times = seen.filter((one) => one.kind === kind).map((one) => one.milliseconds);
      return [0.5, 0.95, 0.99].map((q) => [
        `${prefix}${kind}: p${Math.round(q * 100)}`,
        milliseconds(quantile(times, q)),
      ]);
    }),
  );
};

const share = (part: readonly Seen[], all: readonly Seen[]): Figure => ({
  value: (100 * part.length) / all.length,
  unit: '%',
});

const figuresOf = (seen: readonly Seen[], seconds: number, lost: readonly string[], prefix: string) => ({
  [`${prefix}calls a second`]: { value: seen.length / seconds, unit: 'calls/s' },
  ...latencies(seen, prefix),
  [`${prefix}answers THROTTLED or UNAVAILABLE`]: share(
    seen.filter(({ status }) => status === 429 || status === 503),
    seen,
  ),
  [`${prefix}answers of the server's fault without Retry-After`]: {
    value: hintless(seen).length,
    unit: 'calls',
  },
  [`${prefix}acknowledged writes lost`]: { value: lost.length, unit: 'writes' },
});

export const bench: Bench = {
  what: `${clients} clients at once read and write ${scanners} Scanners; then the same with a fifth of the calls to table and bucket failing`,
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'));
    const board = disturbed(seed);
    const proxies: FaultProxy[] = [];
    const stack = await startStack({
      dir,
      portBase: 0,
      between: async (variables) => {
        for (const service of ['dynamodb', 's3'] as const) {
          const name = `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
          const proxy = await startFaultProxy(service, variables[name] ?? '', () => board);
          proxies.push(proxy);
          variables = { ...variables, [name]: proxy.url };
        }
        return variables;
      },
    });
    const { api, token } = stack.endpoints;
    const scannerIds = Array.from({ length: scanners }, (_, number) => `mx${number}`);
    const load = { baseUrl: api, token, scannerIds, clients, calls, seed };
    const client = createClient(load);
    for (const scannerId of scannerIds) await client.call('POST /v1/scanners', { body: { scannerId } });
    const measure = async (
      round: number,
      failing: number,
      prefix: string,
    ): Promise<Record<string, Figure>> => {
      const own: Load = { ...load, round };
      board.share = failing;
      const begun = performance.now();
      const { seen, acknowledged } = await runLoad(own);
      const seconds = (performance.now() - begun) / 1000;
      board.share = 0;
      return figuresOf(seen, seconds, await lostOf(own, acknowledged), prefix);
    };
    const figures = { ...(await measure(0, 0, '')), ...(await measure(1, 0.2, 'a fifth failing, ')) };
    await stack.close();
    for (const proxy of proxies) await proxy.close();
    rmSync(dir, { recursive: true, force: true });
    return { runs: 1, figures };
  },
};
