import { existsSync, readFileSync } from 'node:fs';

/** What a deployment said of itself: the outputs of its stack. */
export type Outputs = Record<string, string>;

/** Outputs of a stack in a file that the CDK wrote. @throws Error that says which stacks the file knows. */
export const readOutputs = (file: string, stack?: string): Outputs => {
  if (!existsSync(file)) throw new Error(`There is no ${file}: it is written by npm run deploy.`);
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Outputs>;
  const names = Object.keys(all);
  const name = stack ?? (names.length === 1 ? names[0] : undefined);
  const outputs = name === undefined ? undefined : all[name];
  if (outputs) return outputs;
  throw new Error(`${file} has outputs of ${names.join(', ') || 'no stack'}: say which with --stack.`);
};

const clientsOf = (outputs: Outputs): [name: string, id: string][] =>
  Object.entries(outputs)
    .filter(([name]) => name.startsWith('ClientId'))
    .map(([name, id]) => [name.slice('ClientId'.length), id]);

/** Where everything is, how to get a token, and what to do next, as lines. */
export const nextSteps = (outputs: Outputs, file: string, name: string): string[] => {
  const { Url: url, TokenEndpoint: endpoint, UserPoolId: pool, DomainTarget: target } = outputs;
  const [[, client = 'CLIENT'] = []] = clientsOf(outputs);
  const secret = `aws cognito-idp describe-user-pool-client --user-pool-id ${pool} --client-id ${client} --query UserPoolClient.ClientSecret --output text`;
  return [
    `API              ${url}`,
    ...(endpoint === undefined
      ? ['Tokens           of the issuer that the configuration names']
      : [
          `Tokens           ${endpoint}`,
          ...clientsOf(outputs).map(([who, id]) => `Client           ${id}   ${who}`),
          '',
          'An access token:',
          `  SECRET=$(${secret})`,
          `  curl -s -u "${client}:$SECRET" ${endpoint} -d grant_type=client_credentials`,
        ]),
    ...(target === undefined ? [] : ['', `DNS: point the record of the domain name to ${target}.`]),
    '',
    'The smoke journey:',
    endpoint === undefined
      ? `  SMOKE_TOKEN=… npm run smoke -- --outputs ${file} --stack ${name}`
      : `  SMOKE_CLIENT_SECRET="$SECRET" npm run smoke -- --outputs ${file} --stack ${name}`,
  ];
};
