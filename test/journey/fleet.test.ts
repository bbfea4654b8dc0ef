import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  IoTDataPlaneClient,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetSummary } from '../../shared/schemas/fleet.ts';
import type { Scanner } from '../../shared/schemas/scanner.ts';
import { lookNow } from '../helpers/look.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { conditionOf, inboundSettings, inSync, register, save, sync } from './support.ts';

let stack: StackProcess;
let scanner: ScannerProcess;
let iot: IoTDataPlaneClient;
let dynamo: DynamoDBDocumentClient;

beforeAll(async () => {
  stack = await startStackProcess();
  const { region, accessKeyId, secretAccessKey, iotData, dynamodb } = stack.endpoints;
  const common = { region, credentials: { accessKeyId, secretAccessKey } };
  iot = new IoTDataPlaneClient({ ...common, endpoint: iotData });
  dynamo = DynamoDBDocumentClient.from(new DynamoDBClient({ ...common, endpoint: dynamodb }));
  scanner = startScannerProcess(stack.dir, 'mx1');
  await until(
    'mx1 is registered',
    async () => (await stack.call('GET', '/scanners/mx1')).status === 200 || undefined,
  );
  for (const [scannerId, labels] of Object.entries({ mx2: { site: 'lyon' }, mx3: { site: 'paris' } }))
    await stack.call('POST', '/scanners', { scannerId, labels });
});

afterAll(async () => {
  await scanner?.stop();
  for (const client of [iot, dynamo]) client?.destroy();
  await stack?.stop();
});

type Desired = { revision: number; mailFiltering?: string; inbound?: { accept: string } };

/** The shadow `smtp` of a Scanner, by hand. */
const shadowOf = (thingName: string) => {
  const at = { thingName, shadowName: 'smtp' };
  return {
    read: async (): Promise<{ version: number; state: { desired?: Desired } }> => {
      const { payload } = await iot.send(new GetThingShadowCommand(at));
      return JSON.parse(new TextDecoder().decode(payload));
    },
    /** Answers what was taken. */
    write: async (state: { desired?: object; reported?: object }): Promise<{ state: typeof state }> => {
      const update = { ...at, payload: Buffer.from(JSON.stringify({ state })) };
      const { payload } = await iot.send(new UpdateThingShadowCommand(update));
      return JSON.parse(new TextDecoder().decode(payload));
    },
  };
};

const desired = async (thingName: string): Promise<Desired | undefined> =>
  (await shadowOf(thingName).read()).state.desired;

const key = (scannerId: string, sk: string) => ({ pk: `scanner#${scannerId}`, sk });

/** As if the Scanner's hour were over. */
const isDueNow = (scannerId: string) => {
  const at = '2026-01-01T00:00:00.000Z';
  return dynamo.send(
    new UpdateCommand({
      TableName: stack.endpoints.table,
      Key: key(scannerId, 'due'),
      UpdateExpression: 'SET #at = :at, listSk = :listed ADD version :one',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':at': at, ':listed': `${at}#${scannerId}`, ':one': 1 },
    }),
  );
};

const dueOf = async (scannerId: string): Promise<Record<string, unknown>> => {
  const get = new GetCommand({ TableName: stack.endpoints.table, Key: key(scannerId, 'due') });
  return (await dynamo.send(get)).Item ?? {};
};

const listed = async (query: string): Promise<string[]> => {
  const answer = await stack.call('GET', `/scanners?${query}`);
  expect(answer.status).toBe(200);
  return (answer.body as { items: Scanner[] }).items.map(({ scannerId }) => scannerId);
};

const runs = (): string => readFileSync(join(scanner.dir, 'current', 'configuration.json'), 'utf8');

/** Edits the shadow of mx1 by hand until its Scanner runs what was edited: a look that is still under way may take an edit back before. */
const editUntilFollowed = (edit: object, followed: string): Promise<unknown> =>
  until('the Scanner has followed', async () => {
    await shadowOf('mx1').write({ desired: edit });
    return until('it follows', () => runs().includes(followed), { seconds: 5, everyMs: 10 }).catch(
      () => false,
    );
  });

describe('a fleet', () => {
  it('brings a Scanner back to its head when somebody else has edited its shadow', async () => {
    const revision = await save(stack, 'mx1', inboundSettings(2525));
    await inSync(stack, 'mx1', revision);
    const edit = await shadowOf('mx1').write({ desired: { mailFiltering: 'outbound', inbound: null } });
    expect(edit.state.desired).toMatchObject({ mailFiltering: 'outbound' });

    await isDueNow('mx1');
    await lookNow(stack.endpoints);

    // The Scanner refuses the edit, for which it is looked at, too: whoever comes first mends it.
    await until('the edit is gone', async () => (await desired('mx1'))?.mailFiltering === 'inbound');
    expect(await desired('mx1')).toMatchObject({ revision });
    // What it said of the edit may ask for one more look.
    await until('it is due later', async () => String((await dueOf('mx1'))['at']) > new Date().toISOString());
    await inSync(stack, 'mx1', revision);
  });

  it('brings it back by itself when the Scanner has followed the edit', async () => {
    const { desiredRevision } = await sync(stack, 'mx1');
    await editUntilFollowed({ inbound: { ipv4: { port: 7777 } } }, '"port": 7777');
    await until('the Scanner is brought back', () => !runs().includes('"port": 7777'));
    await inSync(stack, 'mx1', desiredRevision);
  });

  it('takes no report of a revision that there is not', async () => {
    const { desiredRevision } = await sync(stack, 'mx1');
    await editUntilFollowed({ revision: 1_000_000, inbound: { ipv4: { port: 6666 } } }, '1000000');

    expect((await sync(stack, 'mx1')).appliedRevision).toBe(desiredRevision);
    await until('the Scanner is brought back', () => !runs().includes('1000000'));
    await inSync(stack, 'mx1', desiredRevision);
  });

  it('shows that a Scanner speaks of a revision that there is not, until it is looked at', async () => {
    await register(stack, 'mx-ahead');
    const status = { revision: 77, code: 'applied', at: new Date().toISOString() };
    await shadowOf('mx-ahead').write({ reported: { revision: 77, status } });
    const seen = await until('the report is seen', async () => {
      const state = await sync(stack, 'mx-ahead');
      return conditionOf(state, 'Applied')?.reason === 'UnknownRevision' ? state : undefined;
    });
    expect(conditionOf(seen, 'Applied')).toMatchObject({
      status: 'False',
      message: 'What is reported is of revision 77, which there is not. It has not said yet what it runs.',
    });
    await stack.call('DELETE', '/scanners/mx-ahead');
  });

  it('takes back an edit of a shadow that its Scanner rejects', async () => {
    const { desiredRevision } = await sync(stack, 'mx1');
    await shadowOf('mx1').write({ desired: { inbound: { accept: 'none' } } });
    await until(
      'the edit is gone',
      async () => (await desired('mx1'))?.inbound?.accept !== 'none' || undefined,
    );
    await inSync(stack, 'mx1', desiredRevision);
  });

  it('shows that a Scanner reports what cannot be read, and shortens what is only too long', async () => {
    await register(stack, 'mx-odd');
    const report = (status: object) => shadowOf('mx-odd').write({ reported: { status } });
    await report({ revision: 1, code: 'done', at: new Date().toISOString() });
    const seen = await until('the report is seen', async () => {
      const state = await sync(stack, 'mx-odd');
      return conditionOf(state, 'Applied')?.reason === 'ReportUnreadable' ? state : undefined;
    });
    expect(conditionOf(seen, 'Applied')).toMatchObject({
      status: 'Unknown',
      message: 'What is reported at /status/code cannot be read. It has not said yet what it runs.',
    });
    await report({ revision: 1, code: 'failed', message: 'x'.repeat(600), at: new Date().toISOString() });
    const told = await until('the next report is seen', async () => {
      const state = await sync(stack, 'mx-odd');
      return state.lastReport ? state : undefined;
    });
    expect(told.lastReport).toMatchObject({ code: 'failed', message: `${'x'.repeat(499)}…` });
    expect(conditionOf(told, 'Applied')?.reason).toBe('Failed');
    await stack.call('DELETE', '/scanners/mx-odd');
  });

  it('does at once for one Scanner what an operator asks for', async () => {
    for (const shadowName of ['smtp-advanced', 'smtp'])
      await iot.send(new DeleteThingShadowCommand({ thingName: 'mx1', shadowName }));

    const dry = await stack.call('POST', '/scanners/mx1/sync?dryRun=true', {});
    expect(dry.status).toBe(202);
    // What its Scanner says of the lost shadows may ask for a look, too, but by no request.
    expect(await dueOf('mx1')).not.toHaveProperty('askedRequestId');
    const asked = await stack.call('POST', '/scanners/mx1/sync');

    expect(asked.status).toBe(202);
    expect(asked.body).toMatchObject({ desiredRevision: expect.any(Number), conditions: expect.any(Array) });
    const back = await until('the shadow is back', () => desired('mx1').catch(() => undefined));
    expect(back).toMatchObject({ revision: (await sync(stack, 'mx1')).desiredRevision });
    await until('nobody asks any more', async () => !('askedAt' in (await dueOf('mx1'))) || undefined);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await stack.call('POST', '/scanners/mx1/sync', '', form)).status).toBe(202);
    expect((await stack.call('POST', '/scanners/mx1/sync', { now: true })).status).toBe(422);
    expect((await stack.call('POST', '/scanners/mx1/sync', 'x=1', form)).status).toBe(415);
    expect((await stack.call('POST', '/scanners/none/sync', {})).status).toBe(404);
  });

  it('publishes a burst of saves in few documents, and the last of them always', async () => {
    const before = await desired('mx2').catch(() => undefined);
    expect(before).toBeUndefined();
    let last = 0;
    for (let port = 3000; port < 3100; port++) last = await save(stack, 'mx2', inboundSettings(port));

    const state = await until('the last is published', async () => {
      const { publishedRevision } = await sync(stack, 'mx2');
      return publishedRevision === last || undefined;
    });
    expect(state).toBe(true);
    const { version, state: shown } = await shadowOf('mx2').read();
    expect(shown.desired?.revision).toBe(last);
    console.log(`${last - 1} saves, ${version - 1} versions of the shadow`);
    expect(version).toBeLessThanOrEqual(last);
  });

  it('publishes to all others while one cannot be, and to that one as soon as it can', async () => {
    const { table } = stack.endpoints;
    const breakHead = new UpdateCommand({
      TableName: table,
      Key: key('mx2', 'head'),
      UpdateExpression:
        'SET revision = revision + :one, configuration.kept = configuration.lists, configuration.lists = :broken',
      ExpressionAttributeValues: { ':broken': 'no lists', ':one': 1 },
    });
    await dynamo.send(breakHead);
    const failed = await until('the failure is seen', async () => {
      const state = await sync(stack, 'mx2');
      return conditionOf(state, 'Published')?.reason === 'HeadDamaged' ? state : undefined;
    });
    expect(conditionOf(failed, 'Published')?.status).toBe('False');
    await until(
      'the index has caught up',
      async () => (await listed('state=failed')).includes('mx2') || undefined,
    );

    const revision = await save(stack, 'mx1', inboundSettings(2526));
    await inSync(stack, 'mx1', revision);

    await dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: key('mx2', 'head'),
        UpdateExpression: 'SET configuration.lists = configuration.kept REMOVE configuration.kept',
      }),
    );
    // The mended head has woken a publisher, too, and one that read the broken one may be later than a look.
    await until(
      'nothing is left of the failure',
      async () => {
        const { failures, lastError } = await dueOf('mx2');
        const published = conditionOf(await sync(stack, 'mx2'), 'Published');
        if (failures === 0 && lastError === undefined && published?.status === 'True') return true;
        await isDueNow('mx2');
        await lookNow(stack.endpoints);
        return false;
      },
      { everyMs: 1000 },
    );
  });

  it('is filtered by what its Scanners are', async () => {
    await until('the index has caught up, and shows nobody who is decommissioned', async () => {
      expect(await listed('inSync=true')).toContain('mx1');
      expect(await listed('state=pending')).toContain('mx2');
      expect(await listed('inSync=false')).toEqual(['mx2', 'mx3']);
      return true;
    });

    expect(await listed('inSync=true')).toEqual(['mx1']);
    expect(await listed('inSync=false')).toEqual(['mx2', 'mx3']);
    expect(await listed('connected=true')).toEqual(['mx1']);
    expect(await listed('connected=false')).toEqual(['mx2', 'mx3']);
    expect(await listed('state=pending')).toEqual(['mx2']);
    expect(await listed('state=not-configured')).toEqual(['mx3']);
    expect(await listed('label=site%3Dlyon')).toEqual(['mx2']);
    expect(await listed('label=site')).toEqual(['mx2', 'mx3']);
    expect(await listed('label=site=lyon,site=paris')).toEqual([]);
    expect(await listed('enabled=false')).toEqual([]);
  });

  it('is walked by cursor under a filter', async () => {
    const first = await stack.call('GET', '/scanners?inSync=false&limit=1');
    const { items, nextCursor } = first.body as { items: Scanner[]; nextCursor: string };
    expect(items.map(({ scannerId }) => scannerId)).toEqual(['mx2']);
    expect(await listed(`inSync=false&limit=1&cursor=${nextCursor}`)).toEqual(['mx3']);
    expect((await stack.call('GET', '/scanners?state=odd')).status).toBe(422);
    expect((await stack.call('GET', '/scanners?label=,')).status).toBe(422);
  });

  it('keeps what a Scanner said of a revision with that revision', async () => {
    const { appliedRevision } = await sync(stack, 'mx1');
    const answer = await stack.call('GET', `/scanners/mx1/revisions/${appliedRevision}`);
    expect(answer.body).toMatchObject({ report: { revision: appliedRevision, code: 'applied' } });
    const list = (await stack.call('GET', '/scanners/mx1/revisions')).body as { items: object[] };
    expect(list.items[0]).toMatchObject({ report: { code: 'applied' } });
    expect(list.items.at(-1)).toMatchObject({ revision: 1, report: null });
  });

  it('says of each Scanner in which state it is, with all conditions', async () => {
    const answer = await stack.call('GET', '/scanners/mx1');
    const { state, conditions } = answer.body as Scanner;
    expect(state).toBe('in-sync');
    expect(conditions).toEqual((await sync(stack, 'mx1')).conditions);
  });

  it('is summed up', async () => {
    await register(stack, 'mx4');
    await stack.call('PATCH', '/scanners/mx4', { enabled: false });
    const summary = await until('the index has caught up', async () => {
      const { body } = await stack.call('GET', '/fleet');
      return (body as FleetSummary).states.disabled === 1 ? (body as FleetSummary) : undefined;
    });

    expect(summary).toMatchObject({
      scanners: 4,
      states: { 'in-sync': 1, pending: 1, 'not-configured': 1, disabled: 1, failed: 0 },
      conditions: {
        Connected: { True: 1, False: 0, Unknown: 3 },
        InSync: { True: 1 },
      },
      revisionLag: { none: 1, nothingApplied: 3 },
      software: [{ name: 'reference-scanner', scanners: 1 }],
      softwareUnreported: 3,
    });
  });
});
