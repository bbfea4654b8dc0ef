import type { APIGatewayProxyEventV2WithJWTAuthorizer as HttpEvent } from 'aws-lambda';
import type { AppError, ErrorCode } from '../../shared/errors.ts';
import { documentCodes, type Operation, problemCodes } from '../../shared/operations/define.ts';
import { following, note } from './followed.ts';
import type { Actor, Stack } from './http.ts';
import { logger } from './logger.ts';
import { countBy } from './metrics.ts';
import type { HttpResult } from './problem.ts';

export const requestIdOf = (event: HttpEvent): string => event.requestContext.requestId;

export const actorOf = (event: HttpEvent): Actor => {
  const claims = event.requestContext.authorizer?.jwt?.claims ?? {};
  return { name: String(claims['sub'] ?? claims['client_id'] ?? 'anonymous'), requestId: requestIdOf(event) };
};

/** Codes that the operation's entry, and so its documentation, does not know: the document's own, and those inside `errors`. */
const undeclaredCodes = (operation: Operation, error: AppError): ErrorCode[] => {
  const [documents, problems] = [documentCodes(operation), problemCodes(operation)];
  const inside = new Set(error.problems.map((problem) => problem.code));
  return [
    ...(documents.includes(error.code) ? [] : [error.code]),
    ...[...inside].filter((code) => !problems.includes(code)),
  ];
};

/** A refusal is told by its code alone, in the line of the request: its details are what the caller sent. What is ours has its cause, too. */
export const logProblem = (operation: Operation, error: AppError): void => {
  note({ code: error.code });
  countBy('ApiProblems', error.code);
  for (const code of undeclaredCodes(operation, error))
    logger.error('undeclared_code', { operation: operation.id, code });
  if (error.kind === 'bug' || error.kind === 'unavailable')
    logger.error('request failed', { cause: error.cause as Error });
};

/** The revision that an answer speaks of, by its ETag. */
const revisionOf = ({ etag }: HttpResult['headers']): number | undefined =>
  etag !== undefined && /^"\d+"$/.test(etag) ? Number(etag.slice(1, -1)) : undefined;

/** What was made, by its path; a redirect leads out of the API, with a signature that nobody may read in a log. */
const placeOf = ({ location }: HttpResult['headers']): string | undefined =>
  location?.startsWith('/v1/') ? location : undefined;

/**
 * One line a request, by which it can be followed: its id, which the answer carries as a header, too, and goes with every revision that comes
 * of it; who asked for what, of which Scanner, with what outcome.
 */
export const inOneLine =
  (operation: Operation, run: Stack): Stack =>
  (event, context) => {
    const requestId = requestIdOf(event);
    const began = performance.now();
    return following({ requestId, operation: operation.id, actor: actorOf(event).name }, async () => {
      const result = await run(event, context);
      const durationMs = Math.round(performance.now() - began);
      note({ revision: revisionOf(result.headers), location: placeOf(result.headers) });
      logger.info('request', { status: result.statusCode, durationMs });
      return { ...result, headers: { ...result.headers, 'x-request-id': requestId } };
    });
  };
