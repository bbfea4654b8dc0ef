import { LogFormatter, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { redacted } from '../../shared/domain/redact.ts';
import { AppError } from '../../shared/errors.ts';
import { followed } from './followed.ts';

/** Frames alone: the lines above them repeat the message. */
const framesOf = (stack: string | undefined): string[] =>
  (stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());

/**
 * One line of a log, with what the present work is about. Of an error it has name, code, message and stack, and nothing else that the error
 * carries: the problems of a request hold what its caller sent.
 */
export class LogLines extends LogFormatter {
  override formatAttributes(attributes: UnformattedAttributes, additional: LogAttributes): LogItem {
    const { logLevel, message, timestamp, serviceName, sampleRateValue, xRayTraceId, lambdaContext } =
      attributes;
    return new LogItem({
      attributes: {
        level: logLevel,
        message,
        timestamp: this.formatTimestamp(timestamp),
        service: serviceName,
        ...(lambdaContext ? { cold_start: lambdaContext.coldStart } : {}),
        ...(lambdaContext ? { function_request_id: lambdaContext.awsRequestId } : {}),
        sampling_rate: sampleRateValue,
        xray_trace_id: xRayTraceId,
        ...followed(),
      },
    }).addAttributes(additional);
  }

  override formatError(error: Error): LogAttributes {
    const { name, message, stack, cause } = error;
    return {
      name,
      ...(error instanceof AppError ? { code: error.code } : {}),
      message: redacted(message),
      stack: framesOf(stack),
      ...(cause instanceof Error ? { cause: this.formatError(cause) } : {}),
    };
  }
}
