import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fate, type FaultProxy, startFaultProxy, type WireCall } from '../../bench/fault-proxy.ts';
import { type EmbeddedStack, startStack } from '../../local/stack.ts';
import type { Due } from '../../shared/domain/due.ts';
import type { Sync } from '../../shared/schemas/sync.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { lookNow } from '../helpers/look.ts';
import { type Puppet, startPuppet } from '../helpers/puppet.ts';
import type { StackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

const failing = 'mx2';
const others = ['mx1', 'mx3', 'mx4'];
const all = [failing, ...others];

let dir: string;
let proxy: FaultProxy;
let stack: EmbeddedStack;
let table: DynamoDBDocumentClient;
const puppets: Puppet[] = [];

/** What the shadow service does to a call of a function; as long as a Scanner is failing, 429 and 500 by turns. */
let fateOf: (call: WireCall) => Fate = () => 'pass';
const failingCalls = { count: 0 };

const call: StackProcess['call'] = async (method, path, body) => {
  const answer = await fetch(`${stack.endpoints.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.endpoints.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
};

const sync = async (id: string): Promise<Sync> => (await call('GET', `/scanners/${id}/sync`)).body as Sync;
const condition = async (id: string, type: string) =>
  (await sync(id)).conditions.find((one) => one.type === type);
const save = async (id: string, port: number): Promise<number> => {
  const inbound = { ipv4: { address: '127.0.0.1', port }, ipv6: null, accept: 'all' };
  return until(`${id} is saved`, async () => {
    const answer = await call('PUT', `/scanners/${id}/smtp`, { mailFiltering: 'inbound', inbound });
    return answer.status === 200 ? (answer.body as { revision: number }).revision : undefined;
  });
};
const inSync = (id: string, revision: number) =>
  until(`${id} is in sync`, async () => {
    await lookAtDue();
    const { appliedRevision } = await sync(id);
    return appliedRevision === revision && (await condition(id, 'InSync'))?.status === 'True';
  });
const dueOf = async (id: string): Promise<Due> => {
  const Key = { pk: keys.ofScanner(id), sk: sortKeys.due };
  return (await table.send(new GetCommand({ TableName: stack.endpoints.table, Key }))).Item as Due;
};

/** The minute's look at those that are due, without waiting for the minute. */
const lookAtDue = async (): Promise<void> => {
  const dues = await Promise.all(all.map(dueOf));
  if (dues.every(({ at }) => at > new Date().toISOString())) return;
  await lookNow(stack.endpoints);
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shadow-faults-'));
  const board = () => ({ fate: (one: WireCall) => fateOf(one) });
  proxy = await startFaultProxy('iot-data', () => stack.endpoints.iotData, board);
  stack = await startStack({
    dir,
    portBase: 0,
    between: async (variables) => ({ ...variables, AWS_ENDPOINT_URL_IOT_DATA_PLANE: proxy.url }),
  });
  const { region, accessKeyId, secretAccessKey, dynamodb } = stack.endpoints;
  const client = { region, credentials: { accessKeyId, secretAccessKey } };
  table = DynamoDBDocumentClient.from(new DynamoDBClient({ ...client, endpoint: dynamodb }));
  const process = { endpoints: stack.endpoints, call } as StackProcess;
  for (const id of all) puppets.push(await startPuppet(process, id));
});

afterAll(async () => {
  for (const puppet of puppets) await puppet.close();
  table?.destroy();
  await stack?.close();
  await proxy?.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('a shadow service that answers 429 and 500', () => {
  it('for one Scanner holds up no other, and says of that one what fails and when the next try is', async () => {
    fateOf = ({ name, number }) => {
      if (!name.includes(`things/${failing}/`)) return number % 5 === 0 ? 'throttle' : 'pass';
      failingCalls.count += 1;
      return failingCalls.count % 2 === 0 ? 'throttle' : 'error';
    };

    const revisions = new Map<string, number>();
    for (const [index, id] of all.entries()) revisions.set(id, await save(id, 2500 + index));
    for (const id of others) await inSync(id, revisions.get(id) ?? 0);

    await until('the failure is written down', async () => ((await dueOf(failing)).failures ?? 0) > 0);
    const due = await dueOf(failing);
    expect(due.lastError?.code).toMatch(/^(THROTTLED|UNAVAILABLE)$/);
    expect(await condition(failing, 'Published')).toMatchObject({
      status: 'False',
      reason: 'PublishFailing',
      message: expect.stringContaining(due.lastError?.code ?? ''),
    });
    expect(failingCalls.count).toBeGreaterThan(1);
    // A Scanner may say that it is in sync before the one who has published writes down that this went well.
    for (const id of others)
      await until(`${id} has no failure`, async () => {
        await lookAtDue();
        return ((await dueOf(id)).failures ?? 0) === 0;
      });
  });

  it('waits longer after each failure, as `due` says', async () => {
    const seen = new Map<number, number>();
    await until('it has failed three times', async () => {
      await lookAtDue();
      const { at, failures = 0, lastError } = await dueOf(failing);
      seen.set(failures, Date.parse(at) - Date.parse(lastError?.at ?? at));
      return failures >= 3;
    });

    for (const [failures, waits] of seen) {
      const longest = 4000 * 2 ** (failures - 1);
      expect(waits).toBeGreaterThanOrEqual(longest / 2);
      expect(waits).toBeLessThanOrEqual(longest);
    }
  });

  it('lets all come into sync once it answers again, with nothing left of the failures', async () => {
    fateOf = () => 'pass';
    const { desiredRevision } = await sync(failing);

    await until('the next try went well', async () => {
      await lookAtDue();
      return (await dueOf(failing)).failures === 0;
    });

    await inSync(failing, desiredRevision);
    expect(await dueOf(failing)).not.toHaveProperty('lastError');
    for (const id of others) expect((await condition(id, 'InSync'))?.status).toBe('True');
  });
});
