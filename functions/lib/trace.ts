import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { type Followed, followed } from './followed.ts';

/** Where the daemon listens and which trace an invocation belongs to, as Lambda says; null where there is none, or it is not sampled. */
interface Trace {
  address: string;
  port: number;
  traceId: string;
  parentId: string;
}

/** `Root=1-…;Parent=…;Sampled=1` (X-Ray developer guide, "Tracing header"). */
const traceOf = (header: string | undefined, daemon: string | undefined): Trace | null => {
  const parts = new Map((header ?? '').split(';').map((part) => part.split('=') as [string, string]));
  const [address, port] = (daemon ?? '').split(':');
  const [traceId, parentId] = [parts.get('Root'), parts.get('Parent')];
  if (!address || !port || !traceId || !parentId || parts.get('Sampled') !== '1') return null;
  return { address, port: Number(port), traceId, parentId };
};

const present = (): Trace | null =>
  traceOf(process.env['_X_AMZN_TRACE_ID'], process.env['AWS_XRAY_DAEMON_ADDRESS']);

/** By which a trace may be searched for: letters, digits and underscores in names, strings, numbers and booleans as values (X-Ray developer guide, "Segment documents"). */
const annotationsOf = (about: Followed): Followed =>
  Object.fromEntries(
    Object.entries(about).filter(([name, value]) => /^\w+$/.test(name) && value !== undefined),
  );

let socket: Socket | undefined;

/** Sends a document to the daemon, which passes it on; one that is lost is lost (X-Ray developer guide, "Sending segment documents to the X-Ray daemon"). */
const send = ({ address, port }: Trace, document: object): Promise<void> =>
  new Promise((resolve) => {
    socket ??= createSocket('udp4').unref();
    const message = `{"format":"json","version":1}\n${JSON.stringify(document)}`;
    socket.send(message, port, address, () => resolve());
  });

/**
 * Does the work of an invocation; where it is traced, as a part of its trace that can be searched for by what the work is about. Elsewhere
 * it costs a look at the environment (ADR 0021).
 */
export const traced = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const trace = present();
  if (!trace) return work();
  const start = Date.now();
  let fault = true;
  try {
    const result = await work();
    fault = false;
    return result;
  } finally {
    await send(trace, {
      type: 'subsegment',
      id: randomBytes(8).toString('hex'),
      trace_id: trace.traceId,
      parent_id: trace.parentId,
      name,
      start_time: start / 1000,
      end_time: Date.now() / 1000,
      annotations: annotationsOf(followed()),
      ...(fault ? { fault } : {}),
    });
  }
};
