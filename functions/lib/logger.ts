import { Logger } from '@aws-lambda-powertools/logger';

/** One logger a function: constant messages with keys and values, JSON, level from LOG_LEVEL. */
export const logger = new Logger({
  serviceName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'scanner-control-plane',
});
