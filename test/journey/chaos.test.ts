import { execFileSync } from 'node:child_process';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rollout, RolloutTarget } from '../../shared/schemas/rollouts.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { inboundSettings, inSync, save } from './support.ts';

/** How often everything is disturbed, and where chance begins: `CHAOS_ROUNDS=50 CHAOS_SEED=… npx vitest run --project journey chaos`. */
const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 2);
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A linear congruential generator (Numerical Recipes): a seed gives the same victims at the same moments again. */
let state = seed;
const below = (bound: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
};

const source = 'mx1';
const targets = ['mx2', 'mx3'];
const all = [source, ...targets];

let stack: StackProcess;
const scanners = new Map<string, ScannerProcess>();

interface AuditItem {
  revision?: number | null;
}

const get = async <T>(path: string): Promise<T> => (await stack.call('GET', path)).body as T;

beforeAll(async () => {
  console.log(`chaos with CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds}`);
  stack = await startStackProcess();
  for (const id of all) scanners.set(id, startScannerProcess(stack.dir, id));
  for (const [index, id] of all.entries()) {
    await until(`${id} is connected`, async () => {
      const answer = await stack.call('GET', `/scanners/${id}/sync`);
      return (answer.body as { connected?: boolean }).connected || undefined;
    });
    await save(stack, id, inboundSettings(2500 + index));
    await inSync(stack, id);
  }
}, 300_000);

afterAll(async () => {
  for (const scanner of scanners.values()) await scanner.stop();
  await stack?.stop();
});

/** The engine of the table is a process of its own. */
const killTable = (): void => {
  const file = `${stack.dir}/dynamodb/table.sqlite`;
  const pids = execFileSync('pgrep', ['-f', `^[^ ]*dynoxide .*${file}`], { encoding: 'utf8' });
  for (const pid of pids.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
};

const revive = async (): Promise<void> => {
  await stack.kill9();
  await stack.restart();
};

/** What may die in a round, and how it lives again. The broker and the workers are parts of the stack's process, and die together. */
const disasters: Record<string, () => Promise<void>> = {
  'the broker and the workers': revive,
  'the table, and then the rest': async () => {
    killTable();
    await revive();
  },
  'a Scanner': async () => {
    const id = all[below(all.length)] as string;
    await scanners.get(id)?.kill9();
    scanners.set(id, startScannerProcess(stack.dir, id));
  },
};

/** The minute's schedules of rollouts and looks, without waiting for the minute. */
const minute = async (): Promise<void> => {
  const { region, accessKeyId, secretAccessKey, lambda: endpoint } = stack.endpoints;
  const lambda = new LambdaClient({ region, endpoint, credentials: { accessKeyId, secretAccessKey } });
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  const Payload = new TextEncoder().encode(JSON.stringify({ source: 'aws.events' }));
  for (const { FunctionName, Description = '' } of Functions)
    if (/^(Brings rollouts on|Looks at Scanners that are due)$/.test(Description))
      await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
  lambda.destroy();
};

const begin = async (round: number): Promise<string> => {
  const entries = [{ value: `192.0.2.${round + 1}` }];
  await stack.call('POST', `/scanners/${source}/access-lists/inbound/entries`, { entries });
  const body = { source, targets: { scannerIds: targets }, abortAfterFailures: 100 };
  const answer = await stack.call('POST', '/rollouts', body);
  expect(answer.status).toBe(202);
  return (answer.body as Rollout).rolloutId;
};

const ended = (rolloutId: string): Promise<Rollout> =>
  until(
    `${rolloutId} ends`,
    async () => {
      await minute().catch(() => undefined);
      const rollout = await get<Rollout>(`/rollouts/${rolloutId}`).catch(() => undefined);
      return rollout && rollout.state !== 'running' ? rollout : undefined;
    },
    { everyMs: 500 },
  );

const allAudit = async (id: string): Promise<AuditItem[]> => {
  const { items } = await get<{ items: AuditItem[] }>(`/scanners/${id}/audit?limit=1000`);
  return items;
};

describe('a rollout while everything dies', () => {
  it('loses nothing, does nothing twice, and skips no revision', async () => {
    const rollouts: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const rolloutId = await begin(round);
      rollouts.push(rolloutId);
      await new Promise((resolve) => setTimeout(resolve, below(600)));
      const names = Object.keys(disasters);
      const name = names[(round + below(2)) % names.length] as string;
      console.log(`round ${round + 1}: ${name}`);
      await disasters[name]?.();
      const { state: end, counts } = await ended(rolloutId);
      expect({ end, targets: counts.targets }).toEqual({ end: 'completed', targets: targets.length });
      const { items } = await get<{ items: RolloutTarget[] }>(`/rollouts/${rolloutId}/targets`);
      expect(items.map(({ scannerId }) => scannerId).sort()).toEqual(targets);
      for (const id of all) await inSync(stack, id);
    }
    for (const id of all) {
      const made = (await allAudit(id))
        .flatMap(({ revision }) => revision ?? [])
        .sort((one, other) => one - other);
      expect(made).toEqual(made.map((_, index) => index + 1));
      expect(made.at(-1)).toBe((await get<{ revision: number }>(`/scanners/${id}`)).revision);
    }
    for (const id of targets)
      for (const rolloutId of rollouts) {
        const of = (await allAudit(id)).filter((entry) => JSON.stringify(entry).includes(rolloutId));
        expect(of.length).toBeLessThanOrEqual(1);
      }
  }, 300_000);
});
