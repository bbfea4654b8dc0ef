import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessDenied, administrator, type Principal, type Principals } from './iam/principals.ts';
import { ApiError, notImplemented } from './iot/api-error.ts';
import type { Lambda } from './lambda.ts';
import { FunctionError } from './lambda-environment.ts';
import { serveLoopback } from './loopback.ts';
import type { FunctionModel } from './model.ts';
import { type Credentials, SignatureError, verifySignature } from './sigv4.ts';

export interface LambdaApiOptions {
  functions: FunctionModel[];
  lambda: Lambda;
  /** Keeps an event for a function, to be handled with its retries and its destination. */
  invokeAsync(functionArn: string, event: unknown): void;
  port: number;
  region: string;
  credentials: Credentials;
  /** Those who may sign; absent: whoever has the credentials, and no one else. */
  principals?: Principals;
  onError(error: unknown): void;
}

export interface LambdaApi {
  url: string;
  close(): Promise<void>;
}

/** Largest events, in bytes, of a synchronous and of an asynchronous invocation (Lambda developer guide, "Lambda quotas"). */
const limits = { RequestResponse: 6 * 1024 * 1024, DryRun: 6 * 1024 * 1024, Event: 1024 * 1024 } as const;

type InvocationType = keyof typeof limits;

interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** JSON, already written. */
  body?: string;
}

/** What an invocation may ask for and is not here: it is refused, and not forgotten in silence. */
const refusedHeaders = ['x-amz-client-context', 'x-amz-tenant-id', 'x-amz-durable-execution-name'];

const tooLarge = (limit: number): ApiError =>
  new ApiError(
    413,
    'RequestTooLargeException',
    `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    { Type: 'User' },
  );

/** The body as far as any invocation may have one. A refusal in the middle leaves the connection to answer on. */
const readBody = async (http: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of http.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > limits.RequestResponse) throw tooLarge(limits.RequestResponse);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};

const invocationType = ({ headers }: IncomingMessage): InvocationType => {
  const asked = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (Object.hasOwn(limits, String(asked))) return asked as InvocationType;
  throw new ApiError(400, 'InvalidParameterValueException', `${asked} is no invocation type`, {
    Type: 'User',
  });
};

const assertKnown = ({ headers }: IncomingMessage): void => {
  const refused = refusedHeaders.find((name) => headers[name] !== undefined);
  if (refused !== undefined) throw notImplemented(refused);
};

/** Whether the end of the log is asked for; for asynchronous invocations there is none (Lambda API reference, "Invoke"). */
const asksForLog = ({ headers }: IncomingMessage): boolean => {
  const asked = headers['x-amz-log-type'] ?? 'None';
  if (asked !== 'None' && asked !== 'Tail')
    throw new ApiError(400, 'InvalidParameterValueException', `${asked} is no log type`, { Type: 'User' });
  return asked === 'Tail';
};

/** An empty body is an empty object, as for AWS's own clients. */
const eventOf = (body: Buffer, type: InvocationType): unknown => {
  if (body.length > limits[type]) throw tooLarge(limits[type]);
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch (error) {
    const message = `Could not parse request body into json: ${(error as Error).message}`;
    throw new ApiError(400, 'InvalidRequestContentException', message, { Type: 'User' });
  }
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ApiError(400, 'InvalidParameterValueException', `${segment} is no name`, { Type: 'User' });
  }
};

/**
 * A function by its name, its ARN or the end of that, of the one version there is or an alias of it (Lambda API reference, "Invoke"), with
 * the ARN for which leave to invoke it is asked: of the alias, where one is named.
 */
const functionNamed = (functions: FunctionModel[], name: string, qualifier: string | null) => {
  const [, plain = name, version = qualifier ?? '$LATEST'] =
    /^(?:arn:aws:lambda:[\w-]+:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([$\w-]+))?$/.exec(name) ?? [];
  const found = functions.find((fn) => fn.id === plain);
  const isOurs = !name.startsWith('arn:') || found?.arn === name.split(':').slice(0, 7).join(':');
  const isKnown = found && ['$LATEST', ...found.aliases].includes(version);
  if (found && isOurs && isKnown && (qualifier ?? version) === version)
    return { fn: found, resource: version === '$LATEST' ? found.arn : `${found.arn}:${version}` };
  throw new ApiError(404, 'ResourceNotFoundException', `Function not found: ${name}`, { Type: 'User' });
};

const run = async (lambda: Lambda, fn: FunctionModel, event: unknown, withLog: boolean): Promise<Answer> => {
  const headers: Record<string, string> = { 'x-amz-executed-version': '$LATEST' };
  const onLog = (log: string) => {
    if (withLog) headers['x-amz-log-result'] = Buffer.from(log).toString('base64');
  };
  try {
    return { status: 200, headers, body: JSON.stringify(await lambda.invoke(fn.arn, event, onLog)) };
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    const body = JSON.stringify(error.payload());
    return { status: 200, headers: { ...headers, 'x-amz-function-error': 'Unhandled' }, body };
  }
};

const description = ({ id, arn, description: text = '', timeoutSeconds }: FunctionModel) => ({
  FunctionName: id,
  FunctionArn: arn,
  Description: text,
  Timeout: timeoutSeconds,
  Runtime: 'nodejs24.x',
  Handler: 'index.handler',
  PackageType: 'Zip',
  Version: '$LATEST',
});

const errorOf = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error;
  if (error instanceof SignatureError) return new ApiError(403, error.code, error.message);
  if (error instanceof AccessDenied)
    return new ApiError(403, 'AccessDeniedException', error.message, { Type: 'User' });
  return new ApiError(500, 'ServiceException', 'The embedded Lambda failed; see logs/stack.log.', {
    Type: 'Service',
  });
};

const send = (response: ServerResponse, { status, headers, body = '' }: Answer): void => {
  response.writeHead(status, {
    ...(body === '' ? {} : { 'content-type': 'application/json' }),
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
};

/** Errors of the service have `Type` and `Message`, those before it (signatures) have `message`; clients read either. */
const sendError = (response: ServerResponse, { status, code, message, data }: ApiError): void => {
  const body = JSON.stringify(data['Type'] ? { ...data, Message: message } : { message });
  send(response, { status, headers: { 'x-amzn-errortype': code }, body });
};

const invocation = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const listing = /^\/2015-03-31\/functions\/?$/;

/**
 * Serves the part of Lambda's API that runs functions, on 127.0.0.1: Invoke, in its three types, and ListFunctions. A function's name is
 * its logical id in the template. Every request must carry a Signature Version 4 of the stack's credentials for the service `lambda`.
 */
export const startLambdaApi = async (options: LambdaApiOptions): Promise<LambdaApi> => {
  const { functions, lambda, region } = options;
  const principals = options.principals ?? administrator(options.credentials);

  const invoke = async (
    http: IncomingMessage,
    principal: Principal,
    name: string,
    query: URLSearchParams,
    body: Buffer,
  ) => {
    const type = invocationType(http);
    assertKnown(http);
    const withLog = asksForLog(http);
    const { fn, resource } = functionNamed(functions, decoded(name), query.get('Qualifier'));
    principal.demand({ action: 'lambda:InvokeFunction', resource });
    const event = eventOf(body, type);
    if (type === 'DryRun') return { status: 204 };
    if (type === 'RequestResponse') return run(lambda, fn, event, withLog);
    options.invokeAsync(fn.arn, event);
    return { status: 202 };
  };

  const perform = async (http: IncomingMessage): Promise<Answer> => {
    const [method, target] = [http.method ?? '', http.url ?? ''];
    const { pathname, searchParams } = new URL(target, 'http://localhost');
    const body = await readBody(http);
    const signed = { method, target, headers: http.headersDistinct, body };
    const principal = verifySignature(signed, { principals, region, services: ['lambda'], now: new Date() });
    const [, name] = invocation.exec(pathname) ?? [];
    if (method === 'POST' && name !== undefined) return invoke(http, principal, name, searchParams, body);
    if (method !== 'GET' || !listing.test(pathname)) throw notImplemented(`${method} ${pathname}`);
    principal.demand({ action: 'lambda:ListFunctions', resource: '*' });
    return { status: 200, body: JSON.stringify({ Functions: functions.map(description) }) };
  };

  const serve = async (http: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-amzn-requestid', randomUUID());
    try {
      send(response, await perform(http));
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.status === 500) options.onError(thrown);
      sendError(response, error);
      http.resume();
    }
  };

  return serveLoopback(options.port, (http, response) => void serve(http, response));
};
