import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { type Loopback, serveLoopback } from '../loopback.ts';
import { SignatureError, verifySignature } from '../sigv4.ts';
import { type TableNames, wantedBy } from './dynamodb-actions.ts';
import { AccessDenied, type Principals } from './principals.ts';

export interface DynamoGateOptions extends TableNames {
  /** Where the engine is. */
  url: string;
  principals: Principals;
  /** By which the engine knows whoever it is asked by. */
  accessKeyId: string;
  onError(error: unknown): void;
}

const bodyOf = async (http: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of http as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** As DynamoDB shapes what comes before it: signatures and policies (DynamoDB developer guide, "Error handling"). */
const refuse = (response: ServerResponse, status: number, code: string, message: string): void => {
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${code}`, Message: message, message });
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(body);
};

const answerError = (response: ServerResponse, error: unknown, onError: (error: unknown) => void): void => {
  if (response.headersSent) response.destroy();
  else if (error instanceof AccessDenied) refuse(response, 400, 'AccessDeniedException', error.message);
  else if (error instanceof SignatureError) refuse(response, 400, error.code, error.message);
  else if (error instanceof SyntaxError) refuse(response, 400, 'SerializationException', error.message);
  else {
    onError(error);
    refuse(
      response,
      500,
      'InternalServerError',
      'The embedded gate of the table failed; see logs/stack.log.',
    );
  }
};

/**
 * Stands before the engine for functions alone: holds each request to the signature of a principal and to what its role allows, and passes on
 * what may be, under the stack's access key: DynamoDB Local keeps tables apart by it, and no engine verifies more (ADR 0022).
 */
export const startDynamoGate = async (options: DynamoGateOptions): Promise<Loopback> => {
  const { principals, region, accessKeyId } = options;
  const { hostname: host, port } = new URL(options.url);
  const agent = new Agent({ keepAlive: true });

  const assertAllowed = (http: IncomingMessage, body: Buffer): void => {
    const signed = {
      method: http.method ?? '',
      target: http.url ?? '',
      headers: http.headersDistinct,
      body,
    };
    const principal = verifySignature(signed, {
      principals,
      region,
      services: ['dynamodb'],
      now: new Date(),
    });
    const operation = String(http.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
    principal.demand(...wantedBy(options, operation, JSON.parse(body.toString())));
  };

  const pass = (http: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> =>
    new Promise((resolve, reject) => {
      const authorization = String(http.headers.authorization).replace(
        /Credential=[^/]+/,
        `Credential=${accessKeyId}`,
      );
      const headers = { ...http.headers, authorization };
      const sent = send({ host, port, agent, method: http.method, path: http.url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response).on('close', resolve);
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });

  const handle = async (http: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await bodyOf(http);
      assertAllowed(http, body);
      await pass(http, body, response);
    } catch (error) {
      answerError(response, error, options.onError);
    }
  };

  const loopback = await serveLoopback(0, (http, response) => void handle(http, response));
  return {
    ...loopback,
    async close() {
      await loopback.close();
      agent.destroy();
    },
  };
};
