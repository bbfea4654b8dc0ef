import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import {
  DeleteThingCommand,
  DetachThingPrincipalCommand,
  UpdateCertificateCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot';
import {
  DeleteConnectionCommand,
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  ListNamedShadowsForThingCommand,
  PublishCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import * as x509 from '@peculiar/x509';
import type mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConnectOptions,
  connect,
  type Device,
  type Embedded,
  enrol,
  startEmbedded,
  until,
} from './embedded.ts';

let stack: Embedded;
let mx1: Device;
let mx2: Device;
let open: Device;
const clients: mqtt.MqttClient[] = [];

beforeAll(async () => {
  stack = await startEmbedded();
  mx1 = await enrol(stack.iot, 'mx1');
  mx2 = await enrol(stack.iot, 'mx2');
  open = await enrol(stack.iot, 'open', { policy: 'open' });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(() => stack.stop());

const online = async (device: Device, options?: ConnectOptions): Promise<mqtt.MqttClient> => {
  const client = await connect(stack, device, options);
  clients.push(client);
  return client;
};

/** Texts that arrive on topics of a subscription. */
const inbox = async (client: mqtt.MqttClient, filter: string | string[], qos: 0 | 1 = 1) => {
  const seen: string[] = [];
  client.on('message', (topic, bytes) => seen.push(`${topic} ${bytes}`));
  await client.subscribeAsync(filter, { qos });
  return seen;
};

const closed = (client: mqtt.MqttClient) => until('the connection is closed', () => !client.connected);

const shadow = (thing: string, name: string) => `$aws/things/${thing}/shadow/name/${name}`;

/** The granted QoS of a subscription, 128 when refused. */
const granted = (client: mqtt.MqttClient, filter: string): Promise<number> =>
  new Promise((resolve, reject) => {
    client.subscribe(filter, { qos: 1 }, (error, _, packet) => {
      const [code] = packet?.granted ?? [];
      if (code === undefined) reject(error ?? new Error('no SUBACK'));
      else resolve(code as number);
    });
  });

describe('a connection', () => {
  it('with its own name and certificate is let in', async () => {
    expect((await online(mx1)).connected).toBe(true);
  });

  it('with the name of another thing is refused', async () => {
    await expect(online(mx1, { clientId: 'mx2' })).rejects.toThrow(/Not authorized/);
  });

  it('with a name that is no thing is refused', async () => {
    await expect(online(mx1, { clientId: 'nobody' })).rejects.toThrow(/Not authorized/);
  });

  it('with a certificate that is attached to no thing is refused', async () => {
    const loose = await enrol(stack.iot, 'loose', { attach: false });
    await expect(online(loose)).rejects.toThrow(/Not authorized/);
  });

  it('with an inactive certificate is refused, and let in once it is active', async () => {
    const device = await enrol(stack.iot, 'inactive', { active: false });
    await expect(online(device)).rejects.toThrow(/Not authorized/);
    const { certificateId } = device;
    await stack.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }));
    expect((await online(device)).connected).toBe(true);
  });

  it('without a certificate is refused', async () => {
    await expect(online(mx1, { key: undefined, cert: undefined } as ConnectOptions)).rejects.toThrow();
  });

  it('with a certificate of another authority is refused, whatever it says', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const foreign = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=Embedded stack authority',
      keys,
      signingAlgorithm: algorithm,
    });
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const device = {
      ...mx1,
      cert: foreign.toString('pem'),
      key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    };
    await expect(online(device)).rejects.toThrow();
  });

  it('without TLS gets no answer but the end', async () => {
    const socket = connectTcp(stack.mqtt.port, stack.mqtt.host);
    socket.on('error', () => {});
    const answers: Buffer[] = [];
    socket.on('data', (data) => answers.push(data));
    socket.write(
      Buffer.from([0x10, 0x0f, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 3, 0x6d, 0x78, 0x31]),
    );
    await until('the end', () => socket.destroyed || socket.readableEnded);
    expect(Buffer.concat(answers)[0]).not.toBe(0x20); // no CONNACK
  });

  it('with MQTT 5 is refused', async () => {
    await expect(online(mx1, { protocolVersion: 5 })).rejects.toThrow();
  });
});

describe('a Scanner with its policy', () => {
  it('uses its own shadow', async () => {
    const client = await online(mx1);
    const seen = await inbox(client, [`${shadow('mx1', 'smtp')}/update/+`, `${shadow('mx1', 'smtp')}/get/+`]);
    await client.publishAsync(`${shadow('mx1', 'smtp')}/update`, '{"state":{"reported":{"a":1}}}', {
      qos: 1,
    });
    await client.publishAsync(`${shadow('mx1', 'smtp')}/get`, '', { qos: 1 });
    await until('both answers', () => seen.length >= 3);
    expect(seen.map((text) => text.split(' ')[0])).toContain(`${shadow('mx1', 'smtp')}/get/accepted`);
  });

  it.each([
    `${shadow('mx2', 'smtp')}/update`,
    `${shadow('mx1', 'other')}/update`,
    `${shadow('mx1', 'smtp')}/delete`,
    '$aws/things/mx1/shadow/update',
    'scanners/mx2/artifacts/get',
    'anything',
  ])('is cut off when it publishes to %s', async (topic) => {
    const client = await online(mx1);
    client.publish(topic, '{"state":{"reported":{"stolen":true}}}', { qos: 1 });
    await closed(client);
    const get = new GetThingShadowCommand({ thingName: 'mx2', shadowName: 'smtp' });
    await expect(stack.data.send(get)).rejects.toThrow(/No shadow exists/);
  });

  it.each([
    '#',
    '+/+/+/#',
    '$aws/#',
    '$aws/things/+/shadow/name/smtp/update/delta',
    `${shadow('mx2', 'smtp')}/update/delta`,
    '$aws/things/mx1/shadow/#',
    'scanners/#',
    'scanners/+/artifacts/accepted',
    'scanners/mx2/artifacts/accepted',
    '$aws/events/presence/#',
    '$SYS/#',
  ])('is refused the filter %s and stays connected', async (filter) => {
    const client = await online(mx1);
    expect(await granted(client, filter)).toBe(128);
    expect(await granted(client, `${shadow('mx1', 'smtp')}/update/delta`)).toBe(1);
  });

  it('of two filters in one request is granted its own and refused the other', async () => {
    const client = await online(mx1);
    const filters = [`${shadow('mx2', 'smtp')}/update/delta`, `${shadow('mx1', 'smtp')}/update/delta`];
    const codes = await new Promise((resolve) => {
      client.subscribe(filters, { qos: 1 }, (_error, _granted, packet) => resolve(packet?.granted));
    });
    expect(codes).toEqual([128, 1]);
  });

  it('gets nothing that it may not receive, though the filter is granted', async () => {
    const policyless = await online(open);
    const seen = await inbox(policyless, '$aws/things/+/shadow/name/smtp/update/documents');
    const mine = await online(mx2);
    const own = await inbox(mine, `${shadow('mx2', 'smtp')}/update/documents`);
    const client = await online(mx1);
    await client.publishAsync(`${shadow('mx1', 'smtp')}/update`, '{"state":{"reported":{"a":2}}}', {
      qos: 1,
    });
    await until('the document', () => seen.length > 0);
    expect(own).toEqual([]);
  });
});

describe('messages', () => {
  it('travel from one client to another, at most at the QoS subscribed', async () => {
    const [sender, receiver] = [await online(open), await online(open, { clientId: 'receiver' })];
    const qos: number[] = [];
    receiver.on('message', (_topic, _bytes, packet) => qos.push(packet.qos));
    await receiver.subscribeAsync('a/0', { qos: 0 });
    await receiver.subscribeAsync('a/1', { qos: 1 });
    await sender.publishAsync('a/0', 'x', { qos: 1 });
    await sender.publishAsync('a/1', 'x', { qos: 1 });
    await until('both', () => qos.length === 2);
    expect(qos.sort()).toEqual([0, 1]);
  });

  it('of QoS 0 that overtake answers of QoS 1 leave those to arrive too', async () => {
    const client = await online(open);
    const seen = await inbox(client, ['mixed/#', `${shadow('mixed', 'a')}/update/accepted`]);
    client.stream.cork(); // all in one piece
    for (let n = 0; n < 10; n += 1) {
      client.publish(`${shadow('mixed', 'a')}/update`, '{"state":{}}', { qos: 0 });
      client.publish(`mixed/${n}`, '', { qos: 0 });
    }
    client.stream.uncork();
    await until('all twenty', () => seen.length >= 20);
    expect(new Set(seen).size).toBe(20);
  });

  it('that two filters of a client match arrive once', async () => {
    const [sender, receiver] = [await online(open), await online(open, { clientId: 'receiver' })];
    const seen = await inbox(receiver, ['twice/#', 'twice/+']);
    await sender.publishAsync('twice/a', '1', { qos: 1 });
    await sender.publishAsync('twice/b', '2', { qos: 1 });
    await until('the second', () => seen.some((text) => text.startsWith('twice/b')));
    expect(seen).toEqual(['twice/a 1', 'twice/b 2']);
  });

  it('published over HTTP reach subscribers', async () => {
    const seen = await inbox(await online(open), 'scanners/mx1/artifacts/accepted');
    await stack.data.send(
      new PublishCommand({
        topic: 'scanners/mx1/artifacts/accepted',
        qos: 1,
        payload: Buffer.from('{"a":1}'),
      }),
    );
    await until('the message', () => seen.length > 0);
    expect(seen).toEqual(['scanners/mx1/artifacts/accepted {"a":1}']);
  });

  it('retained reach who subscribes later', async () => {
    const sender = await online(open);
    await sender.publishAsync('kept', 'yes', { qos: 1, retain: true });
    const seen = await inbox(await online(open, { clientId: 'later' }), 'kept');
    await until('the message', () => seen.length > 0);
    expect(seen).toEqual(['kept yes']);
  });

  it('of 128 KB arrive', async () => {
    const client = await online(open);
    const sizes: number[] = [];
    client.on('message', (_topic, bytes) => sizes.push(bytes.length));
    await client.subscribeAsync('big', { qos: 1 });
    await client.publishAsync('big', Buffer.alloc(128 * 1024), { qos: 1 });
    await until('the message', () => sizes.length > 0);
    expect(sizes).toEqual([128 * 1024]);
  });

  it.each<[string, string, Buffer | string, 0 | 1 | 2]>([
    ['larger than 128 KB', 'big', Buffer.alloc(128 * 1024 + 1), 1],
    ['of QoS 2', 'a', '', 2],
    ['on a topic of 257 bytes', 'x'.repeat(257), '', 1],
    ['on a topic with eight slashes', 'a/b/c/d/e/f/g/h/i', '', 1],
    ['on a topic of the service', '$aws/things/open/shadow/update/accepted', '{}', 1],
    ['on a lifecycle topic', '$aws/events/presence/connected/mx1', '{}', 1],
    ['on a topic of the broker', '$SYS/a', '', 1],
  ])('%s cut the sender off, whatever its policy', async (_, topic, payload, qos) => {
    const client = await online(open);
    client.publish(topic, payload, { qos });
    await closed(client);
  });

  it.each([
    ['a wildcard', { topic: 'a/+', payload: Buffer.from('') }, 'InvalidRequestException'],
    [
      'a topic of the service',
      { topic: '$aws/events/a', payload: Buffer.from('') },
      'InvalidRequestException',
    ],
    ['eight slashes', { topic: 'a/b/c/d/e/f/g/h/i', payload: Buffer.from('') }, 'InvalidRequestException'],
    ['QoS 2', { topic: 'a', qos: 2, payload: Buffer.from('') }, 'InvalidRequestException'],
    ['129 KB', { topic: 'a', payload: Buffer.alloc(129 * 1024) }, 'RequestEntityTooLargeException'],
    ['257 KB', { topic: 'a', payload: Buffer.alloc(257 * 1024) }, 'RequestEntityTooLargeException'],
  ])('over HTTP with %s are refused', async (_, input, name) => {
    await expect(stack.data.send(new PublishCommand(input))).rejects.toMatchObject({ name });
  });

  it('published over HTTP to a shadow are requests', async () => {
    const topic = `${shadow('by-http', 'smtp')}/update`;
    await stack.data.send(
      new PublishCommand({ topic, payload: Buffer.from('{"state":{"desired":{"a":1}}}') }),
    );
    const { payload } = await stack.data.send(
      new GetThingShadowCommand({ thingName: 'by-http', shadowName: 'smtp' }),
    );
    expect(JSON.parse(Buffer.from(payload ?? []).toString())).toMatchObject({ version: 1 });
  });

  it('sent while a client with a persistent session is away reach it when it is back', async () => {
    const session = { clientId: 'sleeper', clean: false };
    const first = await online(open, session);
    await first.subscribeAsync('sleep', { qos: 1 });
    await first.endAsync();
    await (await online(open)).publishAsync('sleep', 'wake', { qos: 1 });
    const seen: string[] = [];
    const again = await connect(stack, open, session, (topic, bytes) => seen.push(`${topic} ${bytes}`));
    clients.push(again);
    await until('the message', () => seen.length > 0);
    expect(seen).toEqual(['sleep wake']);
  });

  it('a last will reaches subscribers and is no shadow request', async () => {
    const seen = await inbox(await online(open), `${shadow('mx2', 'inventory')}/update`);
    const will = {
      topic: `${shadow('mx2', 'inventory')}/update`,
      payload: Buffer.from('{"state":{}}'),
      qos: 1 as const,
    };
    const client = await online(mx2, { will: { ...will, retain: false } });
    await client.subscribeAsync(`${shadow('mx2', 'smtp')}/update/delta`);
    client.stream.destroy();
    await until('the will', () => seen.length > 0);
    await expect(
      stack.data.send(new GetThingShadowCommand({ thingName: 'mx2', shadowName: 'inventory' })),
    ).rejects.toThrow(/No shadow exists/);
  });
});

describe('losing access', () => {
  it.each([
    'INACTIVE',
    'REVOKED',
  ] as const)('a certificate that becomes %s ends its connection', async (newStatus) => {
    const device = await enrol(stack.iot, `lost-${newStatus.toLowerCase()}`);
    const client = await online(device);
    await stack.iot.send(new UpdateCertificateCommand({ certificateId: device.certificateId, newStatus }));
    await closed(client);
    await expect(online(device)).rejects.toThrow(/Not authorized/);
  });

  it('DeleteConnection ends a connection and is 404 without one', async () => {
    const client = await online(mx1);
    await stack.data.send(new DeleteConnectionCommand({ clientId: 'mx1' }));
    await closed(client);
    await expect(stack.data.send(new DeleteConnectionCommand({ clientId: 'mx1' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('DeleteConnection with a clean session leaves no subscription and no message behind', async () => {
    const session = { clientId: 'sleeper', clean: false };
    const first = await online(open, session);
    await first.subscribeAsync('sleep', { qos: 1 });
    await stack.data.send(new DeleteConnectionCommand({ clientId: 'sleeper', cleanSession: true }));
    await closed(first);
    await (await online(open)).publishAsync('sleep', 'wake', { qos: 1 });
    const seen: string[] = [];
    const again = await connect(stack, open, session, (_, bytes) => seen.push(String(bytes)));
    clients.push(again);
    await again.subscribeAsync('sleep', { qos: 1 });
    await again.publishAsync('sleep', 'awake', { qos: 1 });
    await until('the message', () => seen.length > 0);
    expect(seen).toEqual(['awake']);
  });

  it('DeleteConnection publishes the last will, unless it is told not to', async () => {
    const seen = await inbox(await online(open), 'wills/#');
    const endWith = async (name: string, preventWillMessage: boolean) => {
      const will = { topic: `wills/${name}`, payload: Buffer.from(name), qos: 1 as const, retain: false };
      const client = await online(open, { clientId: name, will });
      await stack.data.send(new DeleteConnectionCommand({ clientId: name, preventWillMessage }));
      await closed(client);
    };
    await endWith('quiet', true);
    await endWith('loud', false);
    await until('the will', () => seen.length > 0);
    expect(seen.join()).toContain('loud');
    expect(seen.join()).not.toContain('quiet');
  });

  it('DeleteConnection takes no client id of the service', async () => {
    await expect(stack.data.send(new DeleteConnectionCommand({ clientId: '$aws' }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
  });

  it('a thing without its certificate lets nobody in, and its shadows outlive it until they are deleted', async () => {
    const device = await enrol(stack.iot, 'leaver');
    const client = await online(device);
    const name = { thingName: 'leaver', shadowName: 'smtp' };
    await stack.data.send(new UpdateThingShadowCommand({ ...name, payload: Buffer.from('{"state":{}}') }));
    const detach = { thingName: 'leaver', principal: device.certificateArn };
    await expect(stack.iot.send(new DeleteThingCommand({ thingName: 'leaver' }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    await stack.iot.send(
      new UpdateCertificateCommand({ certificateId: device.certificateId, newStatus: 'REVOKED' }),
    );
    await closed(client);
    await stack.iot.send(new DetachThingPrincipalCommand(detach));
    await stack.iot.send(new DeleteThingCommand({ thingName: 'leaver' }));
    await stack.iot.send(new DeleteThingCommand({ thingName: 'leaver' }));
    await expect(online(device)).rejects.toThrow(/Not authorized/);
    const list = () => stack.data.send(new ListNamedShadowsForThingCommand({ thingName: 'leaver' }));
    expect((await list()).results).toEqual(['smtp']);
    await stack.data.send(new DeleteThingShadowCommand(name));
    expect((await list()).results).toEqual([]);
    await expect(stack.data.send(new DeleteThingShadowCommand(name))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('a change to the registry does not disturb what is allowed', async () => {
    const client = await online(mx1);
    await stack.iot.send(
      new UpdateThingCommand({ thingName: 'mx1', attributePayload: { attributes: { a: '1' } } }),
    );
    expect(await granted(client, `${shadow('mx1', 'smtp')}/update/delta`)).toBe(1);
  });
});

describe('a stack', () => {
  it.each([
    ['HTTP', () => ({ http: Number(new URL(stack.dataUrl).port), mqtt: 0 })],
    ['MQTT', () => ({ http: 0, mqtt: stack.mqtt.port })],
  ])('whose %s port is taken does not start, and leaves nothing open', async (_, ports) => {
    await expect(startEmbedded({ ports: ports() })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('with a policy that the broker cannot honour does not start', async () => {
    const document = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow' as const, Action: 'iot:*', Resource: `\${aws:UserName}` }],
    };
    await expect(startEmbedded({ policies: [{ name: 'odd', document }] })).rejects.toThrow(/odd/);
  });
});
