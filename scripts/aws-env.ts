import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const usage = `Prints shell lines that point the AWS CLI and SDKs at the running embedded stack.

  eval "$(npm run -s aws-env)"
  eval "$(npm run -s aws-env -- --data DIR)"   the stack that keeps its state in DIR (default .local)
`;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Variables that every stock AWS client reads; from `endpoints.json`, which the stack writes when it is ready. */
const variables = (endpoints: Record<string, string>): Record<string, string> => ({
  AWS_ENDPOINT_URL_S3: endpoints['s3'] ?? '',
  AWS_ENDPOINT_URL_DYNAMODB: endpoints['dynamodb'] ?? '',
  AWS_ENDPOINT_URL_IOT_DATA_PLANE: endpoints['iotData'] ?? '',
  AWS_REGION: endpoints['region'] ?? '',
  AWS_DEFAULT_REGION: endpoints['region'] ?? '',
  AWS_ACCESS_KEY_ID: endpoints['accessKeyId'] ?? '',
  AWS_SECRET_ACCESS_KEY: endpoints['secretAccessKey'] ?? '',
});

const { values } = parseArgs({
  options: { data: { type: 'string', default: '.local' }, help: { type: 'boolean', short: 'h' } },
});

const main = (): number => {
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const file = join(values.data, 'endpoints.json');
  try {
    const endpoints = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    for (const [name, value] of Object.entries(variables(endpoints)))
      console.log(`export ${name}=${quoted(value)}`);
    console.log('unset AWS_SESSION_TOKEN');
    return 0;
  } catch (error) {
    console.error(`Cannot read ${file}: ${(error as Error).message}`);
    console.error('Is the embedded stack running? Start it with: npm start');
    return 1;
  }
};

process.exitCode = main();
