import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** One call as it goes over the wire: which service, and what it asks of it. */
export interface WireCall {
  /** From 0, in the order of arrival at all proxies of one switchboard. */
  number: number;
  service: 'dynamodb' | 's3' | 'iot-data';
  /** `TransactWriteItems`, or `PUT lists/chunks/…`, or `GET things/mx1/shadow`. */
  name: string;
}

/** What is to become of a call: passed on, or not, or passed on with its answer lost. */
export type Fate = 'pass' | 'throttle' | 'error' | 'time-out' | 'break off' | 'lose the answer';

/** Decides each call; it may do something of its own before or after the service has done the call. */
export interface Switchboard {
  fate(call: WireCall): Fate;
  /** The service has done a call whose answer has not gone out yet. */
  done?(call: WireCall): Promise<void> | void;
}

const dynamoErrors: Partial<Record<Fate, [number, string]>> = {
  throttle: [400, 'ThrottlingException'],
  error: [500, 'InternalServerError'],
};

const s3Errors: Partial<Record<Fate, [number, string]>> = {
  throttle: [503, 'SlowDown'],
  error: [500, 'InternalError'],
  'time-out': [400, 'RequestTimeout'],
};

const iotErrors: Partial<Record<Fate, [number, string]>> = {
  throttle: [429, 'ThrottlingException'],
  error: [500, 'InternalFailureException'],
};

const errors = { dynamodb: dynamoErrors, s3: s3Errors, 'iot-data': iotErrors };

const jsonTypes = { dynamodb: 'application/x-amz-json-1.0', 'iot-data': 'application/json' };

/** Answers as the service itself would; true when there is such an answer. */
const refuse = (call: WireCall, fate: Fate, response: ServerResponse): boolean => {
  const [status, code] = errors[call.service][fate] ?? [];
  if (status === undefined) return false;
  const body =
    call.service === 's3'
      ? `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`
      : JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: 'injected' });
  response.writeHead(status, {
    'content-type': call.service === 's3' ? 'application/xml' : jsonTypes[call.service],
    ...(call.service === 'iot-data' ? { 'x-amzn-errortype': code } : {}),
  });
  response.end(body);
  return true;
};

const nameOf = ({ method, url = '', headers }: IncomingMessage, service: WireCall['service']): string =>
  service === 'dynamodb'
    ? String(headers['x-amz-target']).replace(/^.*\./, '')
    : `${method} ${decodeURIComponent(
        url
          .replace(/\?.*$/, '')
          .split('/')
          .slice(service === 's3' ? 2 : 1)
          .join('/'),
      )}`;

const collect = async (stream: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
};

const forward = async (target: URL, incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> => {
  const { method, url, headers } = incoming;
  const outgoing = request({ host: target.hostname, port: target.port, method, path: url, headers });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return answer;
};

export interface FaultProxy {
  url: string;
  close(): Promise<void>;
}

let calls = 0;

/** Numbers of calls begin again at 0. */
export const countFromZero = (): void => {
  calls = 0;
};

/** Stands in front of a service, which may be started after it, passes the bytes of every call on as they are, and does to a call what the switchboard says. */
export const startFaultProxy = async (
  service: WireCall['service'],
  target: string | (() => string),
  board: () => Switchboard,
): Promise<FaultProxy> => {
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const call = { number: calls++, service, name: nameOf(incoming, service) };
    const fate = board().fate(call);
    const body = await collect(incoming);
    if (fate !== 'pass' && fate !== 'lose the answer') {
      if (!refuse(call, fate, response)) incoming.socket.destroy();
      return;
    }
    const answer = await forward(new URL(typeof target === 'string' ? target : target()), incoming, body);
    await board().done?.(call);
    if (fate === 'lose the answer') {
      answer.destroy();
      incoming.socket.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    await pipeline(answer, response);
  };
  const server = createServer((incoming, response) => {
    // A client that went away takes nothing more: its process was killed, or it gave up.
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
