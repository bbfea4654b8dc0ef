import type { Context } from 'aws-lambda';
import { redacted } from '../../shared/domain/redact.ts';
import { AppError } from '../../shared/errors.ts';
import { following } from './followed.ts';
import { logger } from './logger.ts';
import { measureColdStart, writeMetrics } from './metrics.ts';
import { traced } from './trace.ts';

/** Who is invoked by Lambda always has a context; a test may leave it out. */
export type Observed<E, R> = (event: E, context?: Context) => Promise<R>;

const begin = (context: Context | undefined): void => {
  if (!context) return;
  logger.addContext(context);
  logger.refreshSampleRateCalculation();
  measureColdStart(context.functionName);
};

/** An error as the platform may log it and keep it with a dead letter: name, code, message and stack; nothing else that it carries (ADR 0021). */
const bare = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const { name, message, stack = '' } = error;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const said = Object.assign(
    new Error(redacted(message)),
    { name },
    error instanceof AppError && { code: error.code },
  );
  said.stack = [`${name}: ${said.message}`, ...frames].join('\n');
  return said;
};

/**
 * What every handler is wrapped in: the log knows the invocation, what was measured is written at its end, the trace gets its part. What it
 * throws is logged once with what the work was about, and then thrown, for Lambda to try again or to give up.
 */
export const observed =
  <E, R>(handle: (event: E, context: Context) => Promise<R>): Observed<E, R> =>
  async (event, context) => {
    begin(context);
    return following({}, async () => {
      try {
        return await traced('handler', () => handle(event, context as Context));
      } catch (error) {
        logger.error('invocation failed', { cause: error as Error });
        throw bare(error);
      } finally {
        writeMetrics();
      }
    });
  };
