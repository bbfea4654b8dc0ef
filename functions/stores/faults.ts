import { AppError } from '../../shared/errors.ts';

const throttles = new Set([
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'LimitExceededException',
]);

/** What S3 answers when it waited too long for us (S3 error responses); trying again is all there is to do. */
const timeouts = new Set(['TimeoutError', 'RequestTimeout', 'RequestTimeoutException']);

/**
 * How long a call waits for its connection and for its answer, in milliseconds, before it counts as failed and is tried again: a service that
 * hangs must not use up the time of a function.
 */
export const patience = {
  requestHandler: { connectionTimeout: 3000, requestTimeout: 8000, throwOnRequestTimeout: true },
};

interface SdkError extends Error {
  $fault?: 'client' | 'server';
  $metadata?: { httpStatusCode?: number };
  code?: string;
}

const isNetwork = (error: SdkError) =>
  timeouts.has(error.name) ||
  ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'].includes(error.code ?? '');

/**
 * What a fault of an AWS service means above the stores: THROTTLED and UNAVAILABLE may be tried again; everything
 * else that a store did not expect stays what it is, a bug.
 */
export const translated = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const fault = error as SdkError;
  if (throttles.has(fault.name)) return new AppError('THROTTLED', undefined, { cause: error });
  if (fault.$fault === 'server' || isNetwork(fault))
    return new AppError('UNAVAILABLE', undefined, { cause: error });
  return error;
};

/** Runs a call to AWS; its faults come out translated. `expected` may turn what the caller knows of into a value or an error. */
export const calling = async <T>(
  call: Promise<T>,
  expected?: (error: Error) => T | undefined,
): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    const known = error instanceof Error ? expected?.(error) : undefined;
    if (known !== undefined) return known;
    throw translated(error);
  }
};
