import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inParallel } from '../functions/lib/parallel.ts';
import { type Endpoints, startStack } from '../scripts/demo/processes.ts';
import { type Bench, type Figure, quantile } from './bench.ts';
import { type Swarm, startSwarm } from './swarm.ts';

const scanners = Number(process.env['BENCH_SCANNERS'] ?? 1000);
const saves = 200;
/** Saves under way at once when every Scanner is changed, as tooling over HTTP would. */
const width = 8;

const idOf = (index: number): string => `s${String(index).padStart(5, '0')}`;

/** Saves settings; answers the revision, and when it was asked for, in milliseconds of the epoch. */
const save = async ({ api, token }: Endpoints, scannerId: string, port: number) => {
  const asked = performance.timeOrigin + performance.now();
  const answer = await fetch(`${api}/scanners/${scannerId}/smtp`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      mailFiltering: 'inbound',
      inbound: { ipv4: { address: '127.0.0.1', port }, accept: 'all' },
    }),
  });
  const { revision } = (await answer.json()) as { revision?: number };
  if (revision === undefined) throw new Error(`a save was answered with ${answer.status}`);
  return { asked, revision };
};

/** Milliseconds from a save to its being applied. */
const timeOf = async (
  endpoints: Endpoints,
  swarm: Swarm,
  scannerId: string,
  port: number,
): Promise<number> => {
  const { asked, revision } = await save(endpoints, scannerId, port);
  return (await swarm.appliedAt(scannerId, revision)) - asked;
};

/** Processor seconds and memory of a process and its children, as Linux counts them; nothing elsewhere. */
const usageOf = (pid: number): { cpuSeconds: number; bytes: number } => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, bytes: pages * 4096 };
  } catch {
    return { cpuSeconds: 0, bytes: 0 };
  }
};

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
};

const milliseconds = (value: number): Figure => ({ value, unit: 'ms' });
const mebibytes = (bytes: number): Figure => ({ value: bytes / 2 ** 20, unit: 'MiB' });

export const bench: Bench = {
  what: `${scanners} Scanners, each over its own mTLS connection, on the embedded stack: ${saves} saves one after the other, then one to each`,
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'));
    const stack = await startStack(dir);
    const begun = performance.now();
    const swarm = await startSwarm(dir, scanners);
    try {
      const joined = performance.now() - begun;
      const pid = stack.child.pid ?? 0;
      // A shell watches over the engine.
      const database = childrenOf(childrenOf(pid)[0] ?? 0)[0] ?? 0;
      const { endpoints } = stack;
      const all = Array.from({ length: scanners }, (_, index) => idOf(index));
      // The first configuration of each brings its lists along, and starts the functions.
      await inParallel(all, width, (id) => timeOf(endpoints, swarm, id, 2000));
      const single: number[] = [];
      for (let run = 0; run < saves; run++)
        single.push(await timeOf(endpoints, swarm, idOf((run * 7) % scanners), 3000 + run));
      const before = { stack: usageOf(pid), database: usageOf(database), swarm: await swarm.usage() };
      const changed: number[] = [];
      const from = performance.now();
      const failures = await inParallel(all, width, async (id) => {
        const { asked, revision } = await save(endpoints, id, 4000);
        void swarm.appliedAt(id, revision).then((at) => changed.push(at - asked));
      });
      if (failures.length > 0) throw failures[0]?.error;
      while (changed.length < scanners) await new Promise((resolve) => setTimeout(resolve, 5));
      const took = performance.now() - from;
      const after = { stack: usageOf(pid), database: usageOf(database), swarm: await swarm.usage() };
      const cpu = (part: keyof typeof after): Figure => ({
        value: ((after[part].cpuSeconds - before[part].cpuSeconds) * 1000) / scanners,
        unit: 'ms of processor a Scanner',
      });
      return {
        runs: saves,
        figures: {
          'to register, enrol and connect all': { value: joined / 1000, unit: 's' },
          'save to applied, p50': milliseconds(quantile(single, 0.5)),
          'save to applied, p99': milliseconds(quantile(single, 0.99)),
          'a change to all of them': { value: took / 1000, unit: 's' },
          'a change to all: save to applied, p50': milliseconds(quantile(changed, 0.5)),
          'a change to all: save to applied, p99': milliseconds(quantile(changed, 0.99)),
          'a change to all: stack with functions and broker': cpu('stack'),
          'a change to all: database': cpu('database'),
          'a change to all: Scanners': cpu('swarm'),
          'memory: stack with functions and broker': mebibytes(after.stack.bytes),
          'memory: database': mebibytes(after.database.bytes),
          'memory: Scanners': mebibytes(after.swarm.bytes),
        },
      };
    } finally {
      await swarm.stop();
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
