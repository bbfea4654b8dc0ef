import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCommand } from '../local/command.ts';

/** What the running embedded stack says of itself in `endpoints.json`. @throws Error that says how to start it. */
export const readEndpoints = (dir: string): Record<string, string> => {
  const file = join(dir, 'endpoints.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(
      `Cannot read ${file}: ${why}\nIs the embedded stack running? Start it with: ${startCommand(dir)}`,
    );
  }
};

/** Variables by which every AWS client finds the embedded stack. */
export const clientVariables = (endpoints: Record<string, string>): Record<string, string> => ({
  AWS_ENDPOINT_URL_S3: endpoints['s3'] ?? '',
  AWS_ENDPOINT_URL_DYNAMODB: endpoints['dynamodb'] ?? '',
  AWS_ENDPOINT_URL_IOT: endpoints['iot'] ?? '',
  AWS_ENDPOINT_URL_IOT_DATA_PLANE: endpoints['iotData'] ?? '',
  AWS_ENDPOINT_URL_LAMBDA: endpoints['lambda'] ?? '',
  AWS_ENDPOINT_URL_SQS: endpoints['sqs'] ?? '',
  AWS_REGION: endpoints['region'] ?? '',
  AWS_DEFAULT_REGION: endpoints['region'] ?? '',
  AWS_ACCESS_KEY_ID: endpoints['accessKeyId'] ?? '',
  AWS_SECRET_ACCESS_KEY: endpoints['secretAccessKey'] ?? '',
});
