import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  PublishCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Embedded, enrol, startEmbedded, until } from './embedded.ts';

const stacks: Embedded[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
});

const start = async (...sql: string[]) => {
  const rules = sql.map((text, n) => ({ name: `rule_${n}`, sql: text, functionArns: [`arn:${n}`] }));
  const stack = await startEmbedded({ topicRules: rules });
  stacks.push(stack);
  return stack;
};

const update = (stack: Embedded, body: unknown) =>
  stack.data.send(
    new UpdateThingShadowCommand({
      thingName: 'mx1',
      shadowName: 'smtp',
      payload: Buffer.from(JSON.stringify(body)),
    }),
  );

const accepted = '$aws/things/+/shadow/name/+/update/accepted';
const reports = `SELECT topic(3) AS scannerId, topic(6) AS shadow FROM '${accepted}'
  WHERE NOT isUndefined(state.reported)`;

describe('a topic rule', () => {
  it('selects the accepted updates that carry reported', async () => {
    const stack = await start(reports);
    await update(stack, { state: { desired: { a: 1 } } });
    await update(stack, { state: { reported: { a: 1 } } });
    expect(stack.invocations).toEqual([{ arn: 'arn:0', event: { scannerId: 'mx1', shadow: 'smtp' } }]);
  });

  it('sees documents, delta and delete, of HTTP and MQTT alike', async () => {
    const stack = await start("SELECT topic() AS t FROM '$aws/things/mx1/shadow/name/smtp/#'");
    await update(stack, { state: { desired: { a: 1 } } });
    await stack.data.send(new GetThingShadowCommand({ thingName: 'mx1', shadowName: 'smtp' }));
    await stack.data.send(new DeleteThingShadowCommand({ thingName: 'mx1', shadowName: 'smtp' }));
    const prefix = '$aws/things/mx1/shadow/name/smtp/';
    const topics = () => stack.invocations.map(({ event }) => String(event['t']).slice(prefix.length));
    expect(topics()).toEqual(['update/accepted', 'update/documents', 'update/delta', 'delete/accepted']);
    stack.invocations.length = 0;
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    await client.publishAsync(`${prefix}update`, '{"state":{"reported":{"a":1}}}', { qos: 1 });
    await client.publishAsync(`${prefix}get`, '{', { qos: 1 });
    expect(topics()).toEqual(['update', 'update/accepted', 'update/documents', 'get', 'get/rejected']);
    await client.endAsync();
  });

  it('sees plain messages with the client that sent them, before the sender has its PUBACK', async () => {
    const stack = await start(
      "SELECT *, topic(2) AS thing, clientid() AS id FROM 'scanners/+/artifacts/get'",
    );
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    await client.publishAsync('scanners/mx1/artifacts/get', '{"requestId":"1"}', { qos: 1 });
    expect(stack.invocations).toEqual([{ arn: 'arn:0', event: { requestId: '1', thing: 'mx1', id: 'mx1' } }]);
    await client.endAsync();
  });

  it('sees messages published over HTTP, which have no client', async () => {
    const stack = await start("SELECT *, clientid() AS id FROM 'a/#'");
    await stack.data.send(new PublishCommand({ topic: 'a/b', payload: Buffer.from('{"x":1}') }));
    expect(stack.invocations).toEqual([{ arn: 'arn:0', event: { x: 1, id: 'n/a' } }]);
  });

  it('sees a last will', async () => {
    const stack = await start("SELECT * FROM 'gone'");
    const device = await enrol(stack.iot, 'open', { policy: 'open' });
    const will = { topic: 'gone', payload: Buffer.from('{"x":1}'), qos: 1 as const, retain: false };
    const client = await connect(stack, device, { will });
    client.stream.destroy();
    await until('the event', () => stack.invocations.length > 0);
    expect(stack.invocations[0]?.event).toEqual({ x: 1 });
  });

  it('sees nothing of a message that is refused', async () => {
    const stack = await start("SELECT topic() AS t FROM '#'", "SELECT topic() AS t FROM '$aws/things/#'");
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    client.publish('scanners/mx2/artifacts/get', '{}', { qos: 1 });
    await until('the end', () => !client.connected);
    expect(stack.invocations).toEqual([]);
  });

  it.each([['two functions', 2] as const])('invokes %s once each', async (_, count) => {
    const functionArns = Array.from({ length: count }, (_unused, n) => `arn:f${n}`);
    const stack = await startEmbedded({
      topicRules: [{ name: 'r', sql: "SELECT * FROM 'a'", functionArns }],
    });
    stacks.push(stack);
    await stack.data.send(new PublishCommand({ topic: 'a', payload: Buffer.from('{}') }));
    expect(stack.invocations.map(({ arn }) => arn)).toEqual(functionArns);
  });

  it('outside the subset keeps the stack from starting', async () => {
    await expect(start("SELECT * FROM 'a' WHERE a > 1")).rejects.toThrow(/rule_0/);
  });
});

describe('an invocation that cannot be kept', () => {
  it('takes the update that caused it with it', async () => {
    let broken = true;
    const stack = await startEmbedded({
      topicRules: [{ name: 'r', sql: reports, functionArns: ['arn:f'] }],
      invokeAsync: () => {
        if (broken) throw new Error('no room');
      },
    });
    stacks.push(stack);
    await update(stack, { state: { desired: { a: 1 } } });
    await expect(update(stack, { state: { reported: { a: 1 } } })).rejects.toMatchObject({
      name: 'InternalFailureException',
    });
    const client = await connect(stack, await enrol(stack.iot, 'mx1'));
    client.publish('$aws/things/mx1/shadow/name/smtp/update', '{"state":{"reported":{"a":1}}}', { qos: 1 });
    await until('the end of the connection, without a PUBACK', () => !client.connected);
    broken = false;
    const { payload } = await update(stack, { state: { reported: { a: 2 } } });
    expect(JSON.parse(Buffer.from(payload ?? []).toString())).toMatchObject({ version: 2 });
  });
});
