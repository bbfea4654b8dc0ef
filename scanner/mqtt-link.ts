import { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** Where and as whom to connect: MQTT 3.1.1 with TLS on both sides. */
export interface LinkOptions {
  host: string;
  port: number;
  /** Must be the thing's name, or the policy's variables stay unresolved (AWS IoT, thing policy variables). */
  clientId: string;
  privateKeyPem: string;
  certificatePem: string;
  /** Authorities by which the server is known. */
  caPem: string;
}

/** One MQTT connection, from being let in to its end. */
export interface Link {
  /** Sends with QoS 1. What became of it shows in an answer or in the end of the link. */
  publish(topic: string, message: object): void;
  /** Aborted when the connection ends, for whatever reason. */
  readonly ended: AbortSignal;
  /** Says goodbye, so that the broker does not take it for a lost connection. */
  close(): Promise<void>;
}

/** In milliseconds: to be let in; to say goodbye before just hanging up. */
const connectPatience = 15_000;
const goodbyePatience = 2_000;

/** Seconds of silence after which the client asks whether the server is still there. */
const keepalive = 60;

/** AWS IoT takes 8 filters in one SUBSCRIBE. */
const filtersPerSubscribe = 8;

const clientOptions = ({ privateKeyPem, certificatePem, caPem, ...where }: LinkOptions): IClientOptions => ({
  ...where,
  protocol: 'mqtts',
  protocolVersion: 4,
  clean: true,
  reconnectPeriod: 0,
  connectTimeout: connectPatience,
  subscribeBatchSize: filtersPerSubscribe,
  keepalive,
  key: privateKeyPem,
  cert: certificatePem,
  ca: caPem,
});

/** Rejects with the signal's reason when it is aborted before `work` is done. */
const unlessEnded = <T>(ended: AbortSignal, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = () => reject(ended.reason);
    if (ended.aborted) stop();
    ended.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => ended.removeEventListener('abort', stop));
  });

const connected = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once('connect', () => resolve()));

const subscribe = async (client: MqttClient, topics: string[]): Promise<void> => {
  const granted = await client.subscribeAsync(topics, { qos: 1 });
  const refused = granted.find(({ qos }) => qos >= 128);
  if (refused) throw new Error(`the subscription to ${refused.topic} was refused`);
};

const hangUp = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.end(true, () => resolve()));

const goodbye = async (client: MqttClient, ended: AbortSignal): Promise<void> => {
  if (ended.aborted) return;
  const patience = AbortSignal.timeout(goodbyePatience);
  await unlessEnded(AbortSignal.any([ended, patience]), client.endAsync()).catch(() => hangUp(client));
};

export interface Hearing {
  topics: string[];
  hear: (topic: string, text: string) => void;
  /** Aborted to give up connecting; a link that stands is closed instead. */
  signal: AbortSignal;
}

/** Small messages each way would otherwise wait for the other side's delayed acknowledgement. */
const sendAtOnce = ({ stream }: MqttClient): void => {
  if (stream instanceof Socket) stream.setNoDelay(true);
};

/**
 * Connects and subscribes before anything can be asked, so that no answer is missed. There is no session to resume: whoever connects
 * looks at everything anew.
 * @throws Error with the reason when it is not let in.
 */
export const openLink = async (options: LinkOptions, { topics, hear, signal }: Hearing): Promise<Link> => {
  const client = connect(clientOptions(options));
  const end = new AbortController();
  let reason = new Error('the connection was closed by the other side');
  client.on('error', (error) => {
    reason = error;
  });
  client.on('close', () => end.abort(reason));
  client.on('message', (topic, payload) => hear(topic, payload.toString('utf8')));
  const opening = AbortSignal.any([end.signal, signal]);
  try {
    await unlessEnded(opening, connected(client));
    sendAtOnce(client);
    await unlessEnded(opening, subscribe(client, topics));
  } catch (error) {
    await hangUp(client);
    throw error;
  }
  return {
    publish: (topic, message) => {
      client.publish(topic, JSON.stringify(message), { qos: 1 }, () => undefined);
    },
    ended: end.signal,
    close: () => goodbye(client, end.signal),
  };
};
