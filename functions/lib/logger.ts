import { Logger } from '@aws-lambda-powertools/logger';
import { LogLines } from './log-lines.ts';

/**
 * One logger a function: constant messages with keys and values, JSON, level from LOG_LEVEL. What may be logged: ids, codes, counts, times.
 * Never what a caller sent, nor what a list holds.
 */
export const logger = new Logger({
  serviceName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'scanner-control-plane',
  logFormatter: new LogLines(),
});
