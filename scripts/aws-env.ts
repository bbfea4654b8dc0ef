import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, runCommand } from '../local/command.ts';

const usage = `Prints shell lines that point the AWS CLI and SDKs at the running embedded stack.

  eval "$(npm run -s aws-env)"
  eval "$(npm run -s aws-env -- --data DIR)"   the stack that keeps its state in DIR (default .local)
`;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Variables that every stock AWS client reads; from `endpoints.json`, which the stack writes when it is ready. */
const variables = (endpoints: Record<string, string>): Record<string, string> => ({
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

await runCommand({ usage, options: { data: { type: 'string', default: '.local' } } }, ({ data }) => {
  const file = join(data, 'endpoints.json');
  try {
    const endpoints = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    for (const [name, value] of Object.entries(variables(endpoints)))
      console.log(`export ${name}=${quoted(value)}`);
    console.log('unset AWS_SESSION_TOKEN');
    return exitCodes.done;
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`Cannot read ${file}: ${why}\nIs the embedded stack running? Start it with: npm start`);
  }
});
