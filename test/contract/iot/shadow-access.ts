import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  type IoTDataPlaneClient,
  IoTDataPlaneServiceException,
  ListNamedShadowsForThingCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import type mqtt from 'mqtt';
import { until } from '../../helpers/until.ts';
import type { ShadowAccess, ShadowReply } from './shadow.contract.ts';

type Operation = 'get' | 'update' | 'delete';

const parse = (payload: Uint8Array | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(payload ?? []).toString());

const send = (
  data: IoTDataPlaneClient,
  operation: Operation,
  names: { thingName: string; shadowName?: string },
  body: string | Uint8Array | undefined,
) => {
  if (operation === 'get') return data.send(new GetThingShadowCommand(names));
  if (operation === 'delete') return data.send(new DeleteThingShadowCommand(names));
  return data.send(new UpdateThingShadowCommand({ ...names, payload: Buffer.from(body ?? '') }));
};

const overHttp =
  (data: IoTDataPlaneClient, thing: string): ShadowAccess['request'] =>
  async (operation, shadow, body): Promise<ShadowReply> => {
    try {
      const names = { thingName: thing, ...(shadow !== undefined && { shadowName: shadow }) };
      const { payload } = await send(data, operation, names, body);
      return { ok: true, payload: parse(payload) };
    } catch (error) {
      if (error instanceof IoTDataPlaneServiceException && error.$metadata.httpStatusCode !== undefined)
        return { ok: false, code: error.$metadata.httpStatusCode };
      throw error;
    }
  };

const prefixOf = (thing: string, shadow: string | undefined) =>
  `$aws/things/${thing}/shadow${shadow === undefined ? '' : `/name/${shadow}`}`;

const answerTopics = (thing: string) =>
  [`$aws/things/${thing}/shadow`, `$aws/things/${thing}/shadow/name/+`].flatMap((prefix) =>
    (['get', 'update', 'delete'] as const).flatMap((operation) => [
      `${prefix}/${operation}/accepted`,
      `${prefix}/${operation}/rejected`,
    ]),
  );

/** Requests one after the other, so that the next answer on a request's topics is its own whatever the body. */
const overMqtt = async (client: mqtt.MqttClient, thing: string): Promise<ShadowAccess['request']> => {
  const topics = answerTopics(thing);
  for (let at = 0; at < topics.length; at += 8)
    await client.subscribeAsync(topics.slice(at, at + 8), { qos: 1 });
  let last: Promise<unknown> = Promise.resolve();
  const request = async (operation: Operation, shadow?: string, body?: string | Uint8Array) => {
    const topic = `${prefixOf(thing, shadow)}/${operation}`;
    let reply: ShadowReply | null = null;
    const listen = (answered: string, bytes: Buffer) => {
      if (answered === `${topic}/accepted`) reply = { ok: true, payload: parse(bytes) };
      if (answered === `${topic}/rejected`) reply = { ok: false, code: parse(bytes)['code'] as number };
    };
    client.on('message', listen);
    await client.publishAsync(topic, Buffer.from(body ?? ''), { qos: 1 });
    await until(`an answer to ${topic}`, () => reply, { everyMs: 2 });
    client.off('message', listen);
    return reply as unknown as ShadowReply;
  };
  return (operation, shadow, body) => {
    const turn = last.then(() => request(operation, shadow, body));
    last = turn.catch(() => {});
    return turn;
  };
};

/** Access to the shadows of `thing` either way, with a client that may do all to them. */
export const shadowAccess = async (parts: {
  via: 'http' | 'mqtt';
  thing: string;
  data: IoTDataPlaneClient;
  client: mqtt.MqttClient;
  close: () => Promise<void>;
}): Promise<ShadowAccess> => {
  const { via, thing, data, client, close } = parts;
  client.setMaxListeners(0);
  return {
    thing,
    request: via === 'http' ? overHttp(data, thing) : await overMqtt(client, thing),
    list: async () => {
      const names: string[] = [];
      let nextToken: string | undefined;
      do {
        const page = await data.send(
          new ListNamedShadowsForThingCommand({
            thingName: thing,
            pageSize: 20,
            ...(nextToken && { nextToken }),
          }),
        );
        names.push(...(page.results ?? []));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return names;
    },
    listener: client,
    close: async () => {
      await client.endAsync();
      await close();
    },
  };
};
