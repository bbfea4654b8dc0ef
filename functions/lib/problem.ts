import { AppError, errors, statusOfKind } from '../../shared/errors.ts';

/** Seconds after which to try again, for the kinds where that helps; another error may say its own in `retryAfter`. */
const retryAfter = 2;

export interface HttpResult {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded?: boolean;
}

/** Middy ends a handler just before Lambda would, so that the caller gets an answer (middy, "Early interrupt"). */
const isOutOfTime = (error: unknown): boolean =>
  error instanceof Error && error.name === 'TimeoutError' && /middy/.test(JSON.stringify(error.cause));

/**
 * Anything thrown becomes an AppError. Who ran out of time is UNAVAILABLE, which may be tried again; what is neither is a bug, of which the
 * caller learns only that it happened.
 */
export const asAppError = (error: unknown): AppError => {
  if (error instanceof AppError) return error;
  if (isOutOfTime(error))
    return new AppError('UNAVAILABLE', 'This took longer than it may; read what is there, and try again.', {
      cause: error,
    });
  return new AppError('INTERNAL', undefined, { cause: error });
};

/** An error as a problem document (RFC 9457), with all that is wrong in `errors`. */
export const problemResult = (error: AppError, requestId: string): HttpResult => {
  const status = statusOfKind[error.kind];
  const document = {
    type: `urn:scanner-control-plane:error:${error.code}`,
    title: errors[error.code].title,
    status,
    code: error.code,
    detail: error.message,
    requestId,
    ...(error.problems.length > 0 ? { errors: error.problems } : {}),
    ...error.data,
  };
  const again = error.kind === 'limit' || error.kind === 'unavailable';
  const { revision, retryAfter: after = again ? retryAfter : undefined } = error.data;
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(after === undefined ? {} : { 'retry-after': String(after) }),
      ...(typeof revision === 'number' ? { etag: `"${revision}"` } : {}),
    },
    body: JSON.stringify(document),
  };
};
