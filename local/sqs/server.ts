import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessDenied, administrator, type Principals } from '../iam/principals.ts';
import { serveLoopback } from '../loopback.ts';
import type { QueueModel } from '../model.ts';
import type { Queues } from '../queues.ts';
import { type Credentials, SignatureError, verifySignature } from '../sigv4.ts';
import { accessDenied, SqsError, unsupported } from './errors.ts';
import { operations, type SqsRequest, wantedBy } from './operations.ts';

export interface SqsOptions {
  queues: Queues;
  port: number;
  region: string;
  credentials: Credentials;
  /** Those who may sign; absent: whoever has the credentials, and no one else. */
  principals?: Principals;
  onError(error: unknown): void;
  now(): number;
}

export interface EmbeddedSqs {
  url: string;
  /** URL of a queue. */
  urlOf(queue: QueueModel): string;
  close(): Promise<void>;
}

/** A batch of ten messages that are as large as they may be, escaped. */
const maxBodyBytes = 16 * 1024 * 1024;
/** How often a long poll looks again. */
const pauseMs = 50;

const readBody = async (http: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of http.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBodyBytes)
      throw new SqsError('BatchRequestTooLong', 'The request is longer than any may be.', { status: 413 });
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};

const requestOf = (body: Buffer): SqsRequest => {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as SqsRequest;
  } catch {
    // the same answer as for JSON that is no object
  }
  throw new SqsError('SerializationException', 'The body is not a JSON object.');
};

const errorOf = (error: unknown): SqsError => {
  if (error instanceof SqsError) return error;
  if (error instanceof SignatureError) return new SqsError(error.code, error.message, { status: 403 });
  if (error instanceof AccessDenied) return accessDenied(error.message);
  return new SqsError('InternalFailure', 'The embedded SQS failed; see logs/stack.log.', { status: 500 });
};

const contentType = 'application/x-amz-json-1.0';

const answer = (
  response: ServerResponse,
  status: number,
  body: object,
  more: Record<string, string> = {},
): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    ...more,
  });
  response.end(text);
};

/** As SQS shapes its errors (SQS developer guide, "Interpreting Amazon SQS JSON API responses"). */
const answerError = (response: ServerResponse, { status, type, queryCode, message }: SqsError): void =>
  answer(
    response,
    status,
    { __type: `com.amazonaws.sqs#${type}`, message },
    {
      'x-amzn-query-error': `${queryCode};${status < 500 ? 'Sender' : 'Receiver'}`,
    },
  );

/** Waits a little; false when the connection is gone by then. */
const pauseOn = (response: ServerResponse): Promise<boolean> =>
  new Promise((resolve) => setTimeout(() => resolve(!response.destroyed), pauseMs));

/**
 * Serves the queues on 127.0.0.1 in SQS's JSON protocol: what sending, receiving, deleting and looking at messages takes. Queues are those of the
 * template: none is made or changed. Every request must carry a Signature Version 4 of the stack's credentials for the service `sqs`.
 */
export const startSqs = async (options: SqsOptions): Promise<EmbeddedSqs> => {
  const { queues, region, now } = options;
  const principals = options.principals ?? administrator(options.credentials);
  const urlOf = ({ arn, name }: QueueModel): string => `${loopback.url}/${arn.split(':')[4]}/${name}`;

  const perform = async (http: IncomingMessage, response: ServerResponse): Promise<object> => {
    const [method, target] = [http.method ?? '', http.url ?? ''];
    const body = await readBody(http);
    const signed = { method, target, headers: http.headersDistinct, body };
    const principal = verifySignature(signed, { principals, region, services: ['sqs'], now: new Date() });
    const [service, name = ''] = String(http.headers['x-amz-target'] ?? '').split('.');
    const operation = service === 'AmazonSQS' ? operations.get(name) : undefined;
    if (method !== 'POST' || !operation) throw unsupported(name || `${method} without X-Amz-Target`);
    const context = { queues, urlOf, now, pause: () => pauseOn(response) };
    const request = requestOf(body);
    principal.demand(wantedBy(context, name, request));
    return operation(context, request);
  };

  const serve = async (http: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-amzn-requestid', randomUUID());
    try {
      answer(response, 200, await perform(http, response));
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.status === 500) options.onError(thrown);
      answerError(response, error);
      http.resume();
    }
  };

  const loopback = await serveLoopback(options.port, (http, response) => void serve(http, response));
  return { ...loopback, urlOf };
};
