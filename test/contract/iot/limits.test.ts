import { GetThingShadowCommand, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { afterEach, describe, expect, it } from 'vitest';
import type { Publication } from '../../../local/iot/message-hub.ts';
import { defaultShadowLimits } from '../../../local/iot/request-limits.ts';
import { connect, type Embedded, enrol, startEmbedded, until } from './embedded.ts';

let stack: Embedded;
afterEach(() => stack.stop());

const topic = '$aws/things/mx1/shadow/name/smtp/update';
const update = (thingName = 'mx1') =>
  stack.data.send(
    new UpdateThingShadowCommand({ thingName, shadowName: 'smtp', payload: Buffer.from('{"state":{}}') }),
  );

describe('the limits of the service', () => {
  it('are twenty requests a second for a thing, whatever the way and the shadow', async () => {
    let at = new Date('2026-01-02T03:04:05.000Z');
    stack = await startEmbedded({ limits: defaultShadowLimits, now: () => at });
    for (let n = 0; n < 20; n += 1) await update();
    const throttled = { name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } };
    await expect(update()).rejects.toMatchObject(throttled);
    await expect(
      stack.data.send(new GetThingShadowCommand({ thingName: 'mx1', shadowName: 'inventory' })),
    ).rejects.toMatchObject(throttled);
    await update('mx2');
    at = new Date(at.getTime() + 50);
    await update();
    await expect(update()).rejects.toMatchObject(throttled);
  });

  it('are ten requests in flight: more at once are rejected with 429', async () => {
    stack = await startEmbedded({ limits: { inFlight: 10, perSecond: 1000 } });
    const device = await enrol(stack.iot, 'mx1');
    const client = await connect(stack, device);
    const answers: { topic: string; code?: number }[] = [];
    client.on('message', (name, bytes) => answers.push({ topic: name, ...JSON.parse(bytes.toString()) }));
    await client.subscribeAsync([`${topic}/accepted`, `${topic}/rejected`], { qos: 1 });
    client.stream.cork();
    for (let n = 0; n < 15; n += 1) client.publish(topic, '{"state":{}}', { qos: 1 });
    client.stream.uncork();
    await until('all answers', () => answers.length === 15);
    const codes = answers.map(({ code }) => code ?? 200);
    expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(10);
    expect(codes.filter((code) => code !== 200 && code !== 429)).toEqual([]);
    await client.publishAsync(topic, '{"state":{}}', { qos: 1 });
    await until('one more', () => answers.length === 16);
    expect(answers[15]?.code).toBeUndefined();
    await client.endAsync();
  });
});

describe('delivery faults', () => {
  it('double, reorder and drop what subscribers get and nothing else', async () => {
    const faults = (publications: readonly Publication[]) => {
      const deltas = publications.filter(({ topic: name }) => name.endsWith('/delta'));
      return [...deltas, ...deltas, ...publications.filter(({ topic: name }) => name.endsWith('/accepted'))];
    };
    stack = await startEmbedded({
      faults,
      topicRules: [{ name: 'r', sql: `SELECT topic(8) AS kind FROM '${topic}/+'`, functionArns: ['arn:f'] }],
    });
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    const kinds: string[] = [];
    client.on('message', (name) => kinds.push(name.slice(topic.length + 1)));
    await client.subscribeAsync(`${topic}/+`, { qos: 1 });
    await client.publishAsync(topic, '{"state":{"desired":{"a":1}}}', { qos: 1 });
    await until('the answer', () => kinds.includes('accepted'));
    expect(kinds).toEqual(['delta', 'delta', 'accepted']);
    expect(stack.invocations.map(({ event }) => event['kind'])).toEqual(['accepted', 'documents', 'delta']);
    await client.endAsync();
  });
});
