import { DeleteConnectionCommand } from '@aws-sdk/client-iot-data-plane';
import type mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ConnectOptions,
  connect,
  type Device,
  type Embedded,
  enrol,
  startEmbedded,
  until,
} from './embedded.ts';

const presenceRule = {
  name: 'presence',
  sql: "SELECT *, topic(4) AS kind FROM '$aws/events/presence/+/+'",
  functionArns: ['arn:presence'],
};

let stack: Embedded;
let device: Device;
let at: Date;
const clients: mqtt.MqttClient[] = [];

beforeEach(async () => {
  at = new Date('2026-01-02T03:04:05.678Z');
  stack = await startEmbedded({ topicRules: [presenceRule], now: () => at });
  device = await enrol(stack.iot, 'mx1');
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await stack.stop();
});

const online = async (options?: ConnectOptions) => {
  const client = await connect(stack, device, options);
  clients.push(client);
  return client;
};

const events = () => stack.invocations.map(({ event }) => event);
const eventually = (count: number) => until(`${count} events`, () => events().length >= count && events());

describe('lifecycle events', () => {
  it('tell a connection and its end, with one session and version', async () => {
    const client = await online();
    await client.endAsync();
    const [up, down] = await eventually(2);
    const common = {
      clientId: 'mx1',
      timestamp: at.getTime(),
      principalIdentifier: device.certificateId,
      versionNumber: 0,
    };
    expect(up).toEqual({
      ...common,
      eventType: 'connected',
      kind: 'connected',
      ipAddress: '127.0.0.1',
      sessionIdentifier: expect.any(String),
    });
    expect(down).toEqual({
      ...common,
      eventType: 'disconnected',
      kind: 'disconnected',
      sessionIdentifier: up?.['sessionIdentifier'],
      clientInitiatedDisconnect: true,
      disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
    });
  });

  it('reach subscribers', async () => {
    const watcher = await enrol(stack.iot, 'watcher', { policy: 'open' });
    const client = await connect(stack, watcher);
    clients.push(client);
    const seen: string[] = [];
    client.on('message', (topic) => seen.push(topic));
    await client.subscribeAsync('$aws/events/presence/+/mx1', { qos: 1 });
    await (await online()).endAsync();
    await until('both', () => seen.length === 2);
    expect(seen).toEqual(['$aws/events/presence/connected/mx1', '$aws/events/presence/disconnected/mx1']);
  });

  it.each<[string, (client: mqtt.MqttClient) => unknown, string]>([
    ['a connection that breaks', (client) => client.stream.destroy(), 'CONNECTION_LOST'],
    ['a forbidden publish', (client) => client.publish('anything', ''), 'AUTH_ERROR'],
    ['a publish of QoS 2', (client) => client.publish('anything', '', { qos: 2 }), 'CLIENT_ERROR'],
    [
      'DeleteConnection',
      () => stack.data.send(new DeleteConnectionCommand({ clientId: 'mx1' })),
      'API_INITIATED_DISCONNECT',
    ],
    ['the end of the stack', () => stack.restart(), 'SERVER_INITIATED_DISCONNECT'],
  ])('say why: %s', async (_, act, disconnectReason) => {
    await act(await online());
    const [, down] = await eventually(2);
    expect(down).toMatchObject({
      eventType: 'disconnected',
      clientInitiatedDisconnect: false,
      disconnectReason,
    });
  });

  it('a client that falls silent is disconnected after one and a half times its keepalive', async () => {
    const client = await online({ keepalive: 1, reschedulePings: false });
    client.stream.pause(); // no PINGRESP gets through, and no PINGREQ leaves
    (client as unknown as { keepaliveManager: { destroy(): void } }).keepaliveManager.destroy();
    const [, down] = await eventually(2);
    expect(down).toMatchObject({ disconnectReason: 'MQTT_KEEP_ALIVE_TIMEOUT' });
  });

  it('a connection that takes the place of another is told before the other ends', async () => {
    await online();
    await online();
    const [first, second, end] = await eventually(3);
    expect(first).toMatchObject({ eventType: 'connected', versionNumber: 0 });
    expect(second).toMatchObject({ eventType: 'connected', versionNumber: 1 });
    expect(end).toMatchObject({
      eventType: 'disconnected',
      versionNumber: 0,
      sessionIdentifier: first?.['sessionIdentifier'],
      disconnectReason: 'DUPLICATE_CLIENTID',
    });
  });

  it('versions grow with each connection and start again after an hour without one', async () => {
    const versions = async () => {
      const before = events().length;
      await (await online()).endAsync();
      await eventually(before + 2);
      return events().at(-1)?.['versionNumber'];
    };
    expect(await versions()).toBe(0);
    expect(await versions()).toBe(1);
    at = new Date(at.getTime() + 3_599_000);
    expect(await versions()).toBe(2);
    at = new Date(at.getTime() + 3_600_000);
    expect(await versions()).toBe(0);
  });

  it('many connections at once of one client leave one, told last', async () => {
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => online()));
    const survivors = all.filter((result) => result.status === 'fulfilled').length;
    expect(survivors).toBeGreaterThan(0);
    const told = await until('all but one end', () => {
      const ups = events().filter((event) => event['eventType'] === 'connected');
      const downs = events().filter((event) => event['eventType'] === 'disconnected');
      return ups.length > 0 && downs.length === ups.length - 1 && { ups, downs };
    });
    const ended = new Set(told.downs.map((event) => event['sessionIdentifier']));
    const open = told.ups.filter((event) => !ended.has(event['sessionIdentifier']));
    expect(open).toHaveLength(1);
    expect(open[0]?.['versionNumber']).toBe(told.ups.length - 1);
  });

  it('clients with # or + in their id get none', async () => {
    const odd = await enrol(stack.iot, 'odd', { policy: 'open' });
    const client = await connect(stack, odd, { clientId: 'a+b' });
    await client.endAsync();
    await (await online()).endAsync();
    expect((await eventually(2)).map((event) => event['clientId'])).toEqual(['mx1', 'mx1']);
  });

  it('refused connections get none', async () => {
    await expect(online({ clientId: 'mx2' })).rejects.toThrow();
    await (await online()).endAsync();
    expect((await eventually(2)).map((event) => event['clientId'])).toEqual(['mx1', 'mx1']);
  });
});
