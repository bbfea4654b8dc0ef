import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2WithJWTAuthorizer as HttpEvent } from 'aws-lambda';
import type * as z from 'zod/mini';
import { problemsOf } from '../../shared/domain/validation.ts';
import { AppError, type Problem } from '../../shared/errors.ts';
import { needsBody, type Operation, routeKey } from '../../shared/operations/define.ts';
import { limits } from '../../shared/tables.ts';
import { bytesOf, parseJson } from './body.ts';
import { answerOf } from './dry-run.ts';
import { note } from './followed.ts';
import { type Idempotency, readIdempotency } from './idempotency.ts';
import { issuesOf } from './issues.ts';
import { logger } from './logger.ts';
import { observed } from './observed.ts';
import { asAppError, type HttpResult, problemResult } from './problem.ts';
import { actorOf, inOneLine, logProblem, requestIdOf } from './request-line.ts';

type Parsed<S> = S extends z.ZodMiniType ? z.output<S> : undefined;

/** What a handler is given: everything parsed and valid. */
export interface Call<O extends Operation> {
  params: Parsed<O['params']>;
  query: Parsed<O['query']>;
  body: Parsed<O['body']>;
  /** The revision, or any, that the caller says the part being written must have. */
  ifMatch: number | '*' | undefined;
  /** The request's own name, where it gave itself one. */
  idempotency: Idempotency | undefined;
  actor: Actor;
  now: Date;
}

/** Who asks, and which request this is. */
export interface Actor {
  name: string;
  requestId: string;
}

export interface Answer {
  status: number;
  /** A string goes out as the text that it is, under the content type of the headers. */
  body: unknown;
  headers?: Record<string, string>;
}

export type Handle<O extends Operation> = (call: Call<O>) => Promise<Answer>;

const readBody = (operation: Operation, event: HttpEvent): unknown => {
  if (!operation.body) return undefined;
  const bytes = bytesOf(event);
  if (bytes.length === 0 && !needsBody(operation)) return undefined;
  const taken = operation.mediaTypes ?? ['application/json'];
  const type = (event.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!taken.includes(type))
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the body as ${taken.join(' or ')}.`);
  if (bytes.length > limits.bodyBytes)
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `The body has ${bytes.length} bytes; up to ${limits.bodyBytes} are taken.`,
    );
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new AppError('MALFORMED_JSON', `The body is not JSON: ${(error as Error).message}`);
  }
};

/** `If-Match: "17"` or `*`; a list of tags is not one revision and is refused. */
const readIfMatch = (
  operation: Operation,
  event: HttpEvent,
  problems: Problem[],
): number | '*' | undefined => {
  const text = operation.ifMatch ? event.headers['if-match'] : undefined;
  if (text === undefined) return undefined;
  if (text.trim() === '*') return '*';
  const match = /^\s*"(\d{1,15})"\s*$/.exec(text);
  if (match) return Number(match[1]);
  problems.push({
    pointer: '/headers/if-match',
    code: 'IF_MATCH_INVALID',
    message: 'Give one revision in quotes, as the ETag says it, or *.',
  });
  return undefined;
};

const refusedHeader = (header: string, message: string): Problem => ({
  pointer: `/headers/${header}`,
  code: 'VALUE_INVALID',
  message,
});

/**
 * A condition that is not looked at must not seem to hold: RFC 9110 has a server evaluate If-Match and If-None-Match (13.1.1, 13.1.2, 13.2.1), and
 * where nothing here could, the request is refused. A read with If-None-Match is answered whole, which tells its caller that nothing was compared.
 */
const refuseConditions = ({ method, ifMatch }: Operation, event: HttpEvent, problems: Problem[]): void => {
  const { 'if-match': match, 'if-none-match': noneMatch } = event.headers;
  if (match !== undefined && !ifMatch)
    problems.push(refusedHeader('if-match', 'This operation takes no If-Match.'));
  if (noneMatch !== undefined && method !== 'GET')
    problems.push(
      refusedHeader(
        'if-none-match',
        'No write takes If-None-Match; where the operation takes If-Match, that is the condition.',
      ),
    );
};

const parsePart = (
  schema: z.ZodMiniType | undefined,
  input: unknown,
  root: string,
  problems: Problem[],
): unknown => {
  if (!schema) return undefined;
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  problems.push(...problemsOf(parsed.error, input, root));
  return undefined;
};

/** Rules of an operation that judge the body as it came, also where its shape is wrong. */
export type BodyRules = (body: unknown, now: Date) => Problem[];

const readCall = <O extends Operation>(
  operation: O,
  event: HttpEvent,
  rules: BodyRules | undefined,
): Call<O> => {
  const raw = readBody(operation, event);
  const problems: Problem[] = [];
  const parts = {
    params: parsePart(operation.params, event.pathParameters ?? {}, '/path', problems),
    query: parsePart(operation.query, event.queryStringParameters ?? {}, '/query', problems),
    body: parsePart(operation.body, raw, '', problems),
    ifMatch: readIfMatch(operation, event, problems),
    idempotency: readIdempotency(operation, event, problems),
  };
  refuseConditions(operation, event, problems);
  const now = new Date();
  const more = rules && raw !== undefined ? rules(raw, now) : [];
  const known = new Set(problems.map((problem) => problem.pointer));
  problems.push(...more.filter((problem) => !known.has(problem.pointer)));
  if (problems.length > 0) throw invalid(problems);
  note({ ...(parts.params as object | undefined) });
  return { ...parts, actor: actorOf(event), now } as Call<O>;
};

/** As many as a request can have entries; an answer with more might not fit in the 6 MB that a function may answer. */
const mostProblems = 1000;

const summaryOf = (count: number): string => {
  if (count > mostProblems) return `${count} problems; errors has the first ${mostProblems}.`;
  return `${count} ${count === 1 ? 'problem' : 'problems'}; see errors.`;
};

/** The refusal that carries every problem of a request. */
export const invalid = (problems: readonly Problem[]): AppError =>
  new AppError('VALIDATION_FAILED', summaryOf(problems.length), {
    problems: problems.slice(0, mostProblems),
  });

/** Passing the answer through its schema keeps out what it does not declare; a mismatch is our bug, not the caller's. */
const shaped = (operation: Operation, answer: Answer): unknown => {
  const parsed = operation.returns[answer.status]?.safeParse(answer.body);
  if (parsed?.success) return parsed.data;
  logger.error('response_mismatch', {
    operation: operation.id,
    status: answer.status,
    issues: issuesOf(parsed?.error),
  });
  return answer.body;
};

/** A text goes in base64, whose length is known: as JSON it could grow beyond what a function may answer. */
const bodyResult = (operation: Operation, answer: Answer): Pick<HttpResult, 'body' | 'isBase64Encoded'> =>
  typeof answer.body === 'string'
    ? { body: Buffer.from(answer.body).toString('base64'), isBase64Encoded: true }
    : { body: JSON.stringify(shaped(operation, answer)) };

const resultOf = (operation: Operation, answer: Answer): HttpResult => ({
  statusCode: answer.status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...answer.headers },
  ...bodyResult(operation, answer),
});

const problemsOut = (operation: Operation): MiddlewareObj<HttpEvent, HttpResult> => ({
  onError: (request) => {
    const error = asAppError(request.error);
    logProblem(operation, error);
    request.response = problemResult(error, requestIdOf(request.event));
  },
});

export type Stack = (event: HttpEvent, context: never) => Promise<HttpResult>;

/** The one chain of every operation: read and validate, handle, shape the answer; errors become problem documents. */
export const httpStack = <O extends Operation>(
  operation: O,
  handle: Handle<O>,
  rules?: BodyRules,
): [string, Stack] => {
  const run = middy<HttpEvent, HttpResult>()
    .use(problemsOut(operation))
    .handler(async (event) => resultOf(operation, await answerOf(handle, readCall(operation, event, rules))));
  return [routeKey(operation), inOneLine(operation, run as unknown as Stack)];
};

/** The handler of a resource's function: API Gateway has chosen the route already. */
export const resourceHandler = (stacks: [string, Stack][]) => {
  const byRoute = new Map(stacks);
  return observed<HttpEvent, HttpResult>((event, context) => {
    const stack = byRoute.get(event.routeKey);
    if (!stack) throw new TypeError(`This function has no operation for ${event.routeKey}.`);
    return stack(event, context as never);
  });
};
