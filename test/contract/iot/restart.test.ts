import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeThingCommand, ListAttachedPoliciesCommand } from '@aws-sdk/client-iot';
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIot } from '../../../local/iot/iot.ts';
import { openState } from '../../../local/state.ts';
import { accountId, connect, credentials, type Embedded, enrol, region, startEmbedded } from './embedded.ts';

let stack: Embedded;
let at: Date;
beforeEach(async () => {
  at = new Date('2026-01-02T03:04:05.678Z');
  stack = await startEmbedded({
    now: () => at,
    topicRules: [
      { name: 'presence', sql: "SELECT * FROM '$aws/events/presence/+/+'", functionArns: ['arn:p'] },
    ],
  });
});
afterEach(() => stack.stop());

const names = { thingName: 'mx1', shadowName: 'smtp' };
const update = async (desired: unknown, more: object = {}) => {
  const payload = Buffer.from(JSON.stringify({ state: { desired }, ...more }));
  const answer = await stack.data.send(new UpdateThingShadowCommand({ ...names, payload }));
  return JSON.parse(Buffer.from(answer.payload ?? []).toString()) as { version: number };
};
const get = async () => {
  const { payload } = await stack.data.send(new GetThingShadowCommand(names));
  return JSON.parse(Buffer.from(payload ?? []).toString()) as Record<string, unknown>;
};

describe('after a restart', () => {
  it('shadows, things, certificates, policies and the authority are as before', async () => {
    const device = await enrol(stack.iot, 'mx1');
    const thing = await stack.iot.send(new DescribeThingCommand({ thingName: 'mx1' }));
    await update({ a: 1 });
    const [before, ca] = [await get(), readFileSync(stack.caPath, 'utf8')];
    await stack.restart();
    expect(await get()).toEqual(before);
    expect(readFileSync(stack.caPath, 'utf8')).toBe(ca);
    const same = await stack.iot.send(new DescribeThingCommand({ thingName: 'mx1' }));
    expect(same.thingId).toBe(thing.thingId);
    const attached = await stack.iot.send(new ListAttachedPoliciesCommand({ target: device.certificateArn }));
    expect(attached.policies?.map((policy) => policy.policyName)).toEqual(['scanner']);
    const client = await connect(stack, device);
    await client.endAsync();
  });

  it('session versions go on', async () => {
    const device = await enrol(stack.iot, 'mx1');
    await (await connect(stack, device)).endAsync();
    await stack.restart();
    await (await connect(stack, device)).endAsync();
    expect(stack.invocations.map(({ event }) => event['versionNumber'])).toContain(1);
  });

  it("the authority's key and certificate are readable by their owner only", () => {
    for (const file of ['ca.key', 'ca.pem'])
      expect(statSync(join(stack.dir, 'iot-authority', file)).mode & 0o777).toBe(0o600);
  });
});

describe('after a crash', () => {
  it('connections that were open are told as ended', async () => {
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    // A second process on the same state, as after kill -9 of the first: nobody has told the end.
    const state = openState(stack.dir);
    const events: unknown[] = [];
    const second = await startIot({
      state,
      region,
      accountId,
      credentials,
      policies: [],
      thingTypes: [],
      topicRules: [
        { name: 'presence', sql: "SELECT * FROM '$aws/events/presence/+/+'", functionArns: ['arn:p'] },
      ],
      ports: { http: 0, mqtt: 0 },
      invokeAsync: (_, event) => events.push(event),
    });
    await second.close();
    state.close();
    expect(events).toEqual([
      expect.objectContaining({
        eventType: 'disconnected',
        clientId: 'mx1',
        disconnectReason: 'SERVER_ERROR',
      }),
    ]);
    await client.endAsync();
  });
});

describe('a deleted shadow', () => {
  const remove = () => stack.data.send(new DeleteThingShadowCommand(names));

  it('goes on counting within 48 hours, also after a restart', async () => {
    await update({ a: 1 });
    await remove();
    await stack.restart();
    at = new Date(at.getTime() + 48 * 3_600_000 - 1000);
    expect((await update({ a: 1 })).version).toBe(3);
  });

  it('is forgotten after 48 hours', async () => {
    await update({ a: 1 });
    await remove();
    at = new Date(at.getTime() + 48 * 3_600_000);
    expect((await update({ a: 1 }, { version: 0 })).version).toBe(1);
  });
});
